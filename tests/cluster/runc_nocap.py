"""runc for a machine without CAP_SYS_RESOURCE (some virtual machines withhold it from root).

Docker asks for every capability when a container is privileged, and runc then fails with "unable
to apply caps: operation not permitted". This takes the missing one out of what runc is asked for.
It runs by itself, with the standard library only.
"""

import json
import os
import sys
from pathlib import Path

_MISSING = "CAP_SYS_RESOURCE"
_CAPABILITY_NUMBER = 24
_FILES = {"--bundle": "config.json", "-b": "config.json", "--process": "", "-p": ""}


def specification(arguments: list[str]) -> Path | None:
    """Return the file in which a runc command line is given its capabilities."""
    for position, argument in enumerate(arguments):
        option, equals, value = argument.partition("=")
        if option in _FILES:
            given = value if equals else arguments[position + 1]
            return Path(given, _FILES[option]) if _FILES[option] else Path(given)
    return None


def without(value: object, name: str) -> object:
    """Return a JSON value with the string `name` taken out of every list."""
    if isinstance(value, list):
        return [without(item, name) for item in value if item != name]
    if isinstance(value, dict):
        return {key: without(item, name) for key, item in value.items()}
    return value


def is_missing() -> bool:
    """Tell whether this process may not give CAP_SYS_RESOURCE to another."""
    status = Path("/proc/self/status").read_text()
    bounding = next(line for line in status.splitlines() if line.startswith("CapBnd:"))
    return not int(bounding.split()[1], 16) >> _CAPABILITY_NUMBER & 1


def main() -> None:
    """Become runc."""
    path = specification(sys.argv[1:])
    if path is not None and path.exists() and is_missing():
        path.write_text(json.dumps(without(json.loads(path.read_text()), _MISSING)))
    os.execvp("runc", ["runc", *sys.argv[1:]])  # noqa: S606 - there is no shell to pass by


if __name__ == "__main__":
    main()
