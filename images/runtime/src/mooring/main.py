"""The command line: `mooring guard`, `mooring canary`, `mooring migrate`, `mooring serve`."""

import importlib
import os
import sys
from typing import Final

COMMANDS: Final = {
    "guard": "check that this pod reaches its own MLflow workspace and its store",
    "canary": "log a run with an artifact, read it back from another process, delete both",
    "migrate": "bring the database at MLFLOW_BACKEND_STORE_URI to this version of MLflow",
    "serve": "run mlflow server once the database is at this version of MLflow",
}


def main() -> None:
    """Run the command that the first argument names; exit 2 on any other command line."""
    match sys.argv[1:]:
        case ["guard", *options] if options in ([], ["-o", "json"]):
            guard = importlib.import_module("mooring.guard")
            sys.exit(guard.run(os.environ, options))
        case [command] if command in COMMANDS:
            # Only here: the guard runs before every training and must not pay for MLflow.
            module = importlib.import_module(f"mooring.{command}")
            sys.exit(module.run(os.environ))
        case ["-h" | "--help"]:
            print(usage())
        case _:
            print(usage(), file=sys.stderr)
            sys.exit(2)


def usage() -> str:
    """The commands, one a line."""
    lines = [f"  {name:<9}{what}" for name, what in COMMANDS.items()]
    also = "  -o json  after guard: the result in one line for machines"
    return "\n".join(["usage: mooring COMMAND", "", *lines, "", also])
