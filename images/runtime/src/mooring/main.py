"""The command line: `mooring guard`, `run`, `canary`, `migrate`, `serve` in pods.

What people type, `mooring status` and the like, is in `mooring.cli`, which pods do not have.
"""

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

FOR_PEOPLE: Final = {
    "status": "which workspaces and bindings are ready, why not, and since when it is proven",
    "doctor": "what ails a pod or a binding: its tracking URI, its credentials, or its identity",
    "explain": "what the pods of a manifest would be given, or why they would be refused",
    "findings": "runs and experiments of a workspace whose artifacts are lost or elsewhere",
    "rotate": "have the credentials of a workspace replaced",
    "demo-data": "have a pod beside a binding log a few runs, to try the way and see something",
    "verify": "whether the artifacts of a run landed: every file, its size and its digest",
}
"""Commands of `mooring.cli`, which is there where `mooring[cli]` is installed."""

COMPLETION: Final = ("--install-completion", "--show-completion")
COMPLETING: Final = "_MOORING_COMPLETE"
"""Set by the completion of a shell, which runs the program to ask for words."""

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
        case [name, *_] if name in FOR_PEOPLE or name in COMPLETION:
            _people()
        case [] if COMPLETING in os.environ:
            _people()
        case _:
            print(usage(), file=sys.stderr)
            sys.exit(2)


def _people() -> None:
    """The commands of `mooring.cli`; exit 2 with what to install where it is not there."""
    try:
        cli = _module("cli")
    except ModuleNotFoundError as error:
        print(f"mooring: {error}: pip install 'mooring[cli]'", file=sys.stderr)
        sys.exit(2)
    cli.run()


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
    in_pods, people = (
        [f"  {name:<17}{what}" for name, what in commands.items()]
        for commands in (COMMANDS, FOR_PEOPLE)
    )
    return "\n".join(
        ["usage: mooring COMMAND", "", "In pods:", *in_pods, "", "For people:", *people]
    )
