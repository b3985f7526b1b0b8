"""`mlflow server` in one process instead of two.

The command imports MLflow and then starts uvicorn as a child, which imports it again: that is
seconds of a processor and 240 MB, for a process that only waits.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

import uvicorn
from mlflow import server

MODULE: Final = "mlflow.server"
UVICORN: Final = 3
"""Position of uvicorn's own arguments, after Python, `-m` and its name."""


def serve_in_this_process() -> None:
    """Have `mlflow.cli`, when it is called next, run uvicorn in this process until its end.

    For one worker: more are processes of their own anyway. MLflow starts uvicorn by
    `mlflow.server._exec_cmd`, from 3.11 to 3.17 at least; one that does not is as it was before.
    """
    module: Any = server
    module._exec_cmd = _serve


def _serve(command: Sequence[str], *, extra_env: Mapping[str, str], **_: Any) -> None:
    os.environ.update(extra_env)
    # They read settings while they are imported, and were imported before there were any. What
    # takes long is what they import, and that stays.
    for name in [name for name in sys.modules if f"{name}.".startswith(f"{MODULE}.")]:
        del sys.modules[name]
    uvicorn.main(args=command[UVICORN:], standalone_mode=False)
    sys.exit()
