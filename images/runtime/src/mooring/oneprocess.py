"""`mlflow server` without the process that only waits for it, and without its second import.

The command imports MLflow and then starts uvicorn, which imports MLflow again: seconds of a
processor before the server answers, and 240 MB as long as it runs. Here a fork does what the
command does, and tells what it would have started; this process, which has imported what takes
long, becomes that. It has nothing of `mlflow.server` yet, which reads its settings while it is
imported.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any, Final, NoReturn

import uvicorn

# what takes long
from mlflow.store.tracking import sqlalchemy_store  # noqa: F401

UVICORN: Final = 3
"""Position of uvicorn's own arguments, after Python, `-m` and its name."""
TERMINATED: Final = 128 + signal.SIGTERM


def serve(prepare: Callable[[], None], arguments: Sequence[str]) -> NoReturn:
    """Run `mlflow server` with `arguments` once `prepare()` has returned, until SIGTERM.

    Without MLflow's jobs, which the command starts beside the server. Of MLflow it uses that
    `mlflow.server` starts uvicorn by its `_exec_cmd`, as from 3.11 to 3.17 at least; where it does
    not, the fork serves as the command does. Exits as the command or the server does.
    """
    fork = multiprocessing.get_context("fork")
    told, tells = fork.Pipe(duplex=False)
    # the fork ends with this process
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    command = fork.Process(target=_command, args=(prepare, arguments, tells), daemon=True)
    command.start()
    tells.close()
    try:
        words, environment = told.recv()
    except EOFError:
        command.join()
        sys.exit(command.exitcode or 1)
    command.join()
    os.environ.update(environment)
    uvicorn.main(args=words[UVICORN:], standalone_mode=False)
    sys.exit()


def _command(prepare: Callable[[], None], arguments: Sequence[str], tells: Connection) -> None:
    prepare()
    from mlflow import server  # noqa: PLC0415
    from mlflow.cli import cli  # noqa: PLC0415

    def tell(words: Sequence[str], *, extra_env: Mapping[str, str], **_: Any) -> NoReturn:
        # the command sets some of what its child inherits in its own environment
        tells.send((list(words), {**os.environ, **extra_env}))
        sys.exit()

    module: Any = server
    module._exec_cmd = tell
    cli.main(["server", *arguments], standalone_mode=False)
