"""The runs of this process, as MLflow's client keeps them. The one place that reads its internals.

`mlflow.active_run()` answers for the calling thread alone, and a thread that looks after the runs
of a training is never the one that trains. The names below are the same in MLflow 2.22 and 3
(tests/integration/training). Where a later MLflow has them no more, no run is known: a training
goes on as if it had no `mooring`.
"""

import sys
from contextlib import suppress


def is_loaded() -> bool:
    """Whether MLflow has come as far as to have said what it does at the exit of the process."""
    return hasattr(sys.modules.get("mlflow.tracking.fluent"), "active_run")


def active_runs() -> tuple[str, ...]:
    """Ids of the runs that are active in any thread, of each thread the innermost one first."""
    # not imported: MLflow may be in the middle of it
    fluent = sys.modules.get("mlflow.tracking.fluent")
    with suppress(AttributeError):
        stacks = fluent._active_run_stack.get_all_thread_values()  # type: ignore[union-attr]
        return tuple(run.info.run_id for stack in stacks.values() for run in reversed(stack))
    return ()


def run_here() -> str:
    """Id of the run of the calling thread: the active one, else the one that ended last; or ""."""
    fluent = sys.modules.get("mlflow.tracking.fluent")
    with suppress(AttributeError):
        stack = fluent._active_run_stack.get()  # type: ignore[union-attr]
        last = fluent._last_active_run_id.get()  # type: ignore[union-attr]
        return str(stack[-1].info.run_id if stack else last or "")
    return ""


def ended_runs() -> tuple[str, ...]:
    """Ids of the runs that ended last, one for each thread that had any."""
    fluent = sys.modules.get("mlflow.tracking.fluent")
    with suppress(AttributeError):
        last = fluent._last_active_run_id.get_all_thread_values()  # type: ignore[union-attr]
        return tuple(run for run in last.values() if run)
    return ()


def send_images(run_id: str) -> None:
    """Wait until the images of a run that `log_image` sends in the background are in the store.

    MLflow's own call for it, `flush_artifact_async_logging`, takes the run of the calling thread.
    """
    from mlflow import tracking  # noqa: PLC0415 (this module is loaded while MLflow is)

    with suppress(AttributeError):
        repository = tracking._get_artifact_repo(run_id)  # type: ignore[no-untyped-call]
        if repository is not None:
            repository.flush_async_logging()
