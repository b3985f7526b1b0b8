"""Which files of the repository go into an image."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from tests.cluster.files import digest_of_file
from tests.cluster.process import ClusterError

_IGNORED = ("__pycache__", "*.pyc", "*.egg-info")
"""Left out, as .dockerignore does."""


def instructions(text: str) -> Iterator[tuple[str, str]]:
    r"""Yield (name in capitals, arguments) of each instruction of a Dockerfile.

    >>> list(instructions("# why\nFROM x\ncopy a \\\n  b /\n"))
    [('FROM', 'x'), ('COPY', 'a    b /')]
    """
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\s*\n", " ", "\n".join(lines))
    for line in joined.splitlines():
        name, _, arguments = line.strip().partition(" ")
        if name:
            yield name.upper(), arguments.strip()


def copied(text: str) -> list[str]:
    r"""Return what a Dockerfile copies from the build context, in its order.

    >>> copied("COPY --chown=1:1 a b/ /c/\nCOPY --from=x d /e\nADD f /g")
    ['a', 'b/', 'f']
    """
    found: list[str] = []
    for name, arguments in instructions(text):
        if name not in {"COPY", "ADD"}:
            continue
        words = arguments.split()
        options = [word for word in words if word.startswith("--")]
        if any(option.startswith("--from=") for option in options):
            continue
        rest = arguments.split(None, len(options))[-1] if options else arguments
        parts = json.loads(rest) if rest.startswith("[") else rest.split()
        found += parts[:-1]
    return found


def base_image(text: str) -> str:
    """Return the default of `ARG BASE_IMAGE`. Raises ClusterError when there is none."""
    for name, arguments in instructions(text):
        if name == "ARG" and arguments.startswith("BASE_IMAGE="):
            return arguments.removeprefix("BASE_IMAGE=")
    raise ClusterError("a Dockerfile has no `ARG BASE_IMAGE=…`; add it before the first FROM")


def inputs(context: Path, sources: list[str]) -> Iterator[str]:
    """Yield a line per file of `sources` (paths and globs below `context`) for a digest.

    Raises ClusterError when a source matches nothing.
    """
    for source in sources:
        matches = sorted(context.glob(source.strip("/") or "."))
        if not matches:
            raise ClusterError(f"a Dockerfile copies {source}, which is not in {context}")
        for match in matches:
            for path in sorted(_files(match)):
                executable = path.stat().st_mode & 0o111 != 0
                yield f"{path.relative_to(context)} {executable} {digest_of_file(path)}"


def _files(path: Path) -> Iterator[Path]:
    if any(path.match(pattern) for pattern in _IGNORED):
        return
    if path.is_dir():
        for child in path.iterdir():
            yield from _files(child)
    else:
        yield path
