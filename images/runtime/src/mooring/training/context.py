"""What MLflow asks for the tags of each new run: its plugin point `mlflow.run_context_provider`."""

import os
import socket

from mlflow.tracking.context.abstract_context import RunContextProvider

from mooring.training.attendant import attend
from mooring.training.strict import be_strict, is_strict, run_is_made
from mooring.training.tags import is_bound, run_tags


class MooringRunContext(RunContextProvider):  # type: ignore[misc,unused-ignore]
    """The tags of a process that was given a binding; nothing anywhere else.

    The host of a pod has the pod's name, unless it runs in the network of its node.
    """

    def __init__(self) -> None:
        if is_bound(os.environ):
            _begin()

    def in_context(self) -> bool:
        """Tell whether this process was given a binding."""
        return is_bound(os.environ)

    def tags(self) -> dict[str, str]:
        """The tags to be added to a run that is about to be made."""
        # again: a forked process has none yet, and MLflow may have been imported by another thread
        _begin()
        if is_strict(os.environ):
            run_is_made()
        return run_tags(os.environ, socket.gethostname())


def _begin() -> None:
    attend()
    if is_strict(os.environ):
        be_strict()
