"""The command line: `mooring guard`, `run`, `canary`, `migrate`, `serve`."""

import importlib
import os
import signal
import sys
from typing import Any, Final

COMMANDS: Final = {
    "guard [-o json]": "check that this pod reaches its own MLflow workspace and its store",
    "run -- CMD": "make the guard's checks here, then become CMD",
    "canary": "log a run with an artifact, read it back from another process, delete both",
    "migrate": "bring the database at MLFLOW_BACKEND_STORE_URI to this version of MLflow",
    "serve": "run mlflow server once the database is at this version of MLflow",
}

TERMINATED: Final = 128 + signal.SIGTERM
"""Exit code of a check that was told to end, as a shell has it."""


def main() -> None:
    """Run the command that the first argument names; exit 2 on any other command line."""
    match sys.argv[1:]:
        case ["guard", *options] if options in ([], ["-o", "json"]):
            _end_when_told()
            sys.exit(_module("guard").run(os.environ, options))
        case ["run", "--", *command] if command:
            _end_when_told()
            sys.exit(_module("run").run(os.environ, command))
        case [("canary" | "migrate" | "serve") as command]:
            sys.exit(_module(command).run(os.environ))
        case ["-h" | "--help"]:
            print(usage())
        case _:
            print(usage(), file=sys.stderr)
            sys.exit(2)


def _module(name: str) -> Any:
    """The command's module, imported only now: the guard must not pay for MLflow."""
    return importlib.import_module(f"mooring.{name}")


def _end_when_told() -> None:
    """End at once on SIGTERM, also in the middle of a request.

    As the first process of a container it would else never get the signal: the kernel drops it for
    that one until there is a handler, and a pod that is deleted would wait for its grace period.
    """
    signal.signal(signal.SIGTERM, lambda *_: os._exit(TERMINATED))


def usage() -> str:
    """The commands, one a line."""
    lines = [f"  {name:<17}{what}" for name, what in COMMANDS.items()]
    return "\n".join(["usage: mooring COMMAND", "", *lines])
