"""A fault: what is wrong, how it comes into a pod, and how Mooring is expected to tell. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

KEPT: Final = "kept"
"""Expected where the fault does no harm: run and model lie where they belong."""
SILENT: Final = "lost silently"
"""Expected where nobody is told: a hole that is known."""


FRESH: Final = "fresh"
EXPIRED: Final = "expired"
"""The tokens that a pod may find where its own should be."""


class Family(StrEnum):
    """Which of the three things is lost; or a part of the platform fails; or nothing is wrong."""

    CONTROL = "control"
    URI = "uri"
    CREDENTIAL = "credential"
    IDENTITY = "identity"
    PLATFORM = "platform"


class Way(StrEnum):
    """How a fault comes into a pod that has a binding."""

    LABEL = "label, in the container's env"
    JOB = "Job with the label, in the container's env"
    NAMESPACE = "default of the namespace, in the container's env"
    BINDING = "label, in what the binding publishes"
    VOLUME = "label, in a volume of the pod"
    RUN = "label and `mooring run`, in the entry point"
    CODE = "label, in the code"
    STRICT = "label and MOORING_STRICT=1, in the code"
    AIRFLOW = "MlflowPodOperator, in the code"
    POD = "label"
    TASK = "MlflowPodOperator"
    BEFORE = "label, before it starts"
    DURING = "label, while it trains"
    DURING_STRICT = "label and MOORING_STRICT=1, while it trains"
    DURING_AIRFLOW = "MlflowPodOperator, while it trains"


BY_ENV: Final = frozenset({Way.LABEL, Way.JOB, Way.NAMESPACE})
"""The pod template itself says it, so it is refused or not before anything runs."""
BY_AIRFLOW: Final = frozenset({Way.AIRFLOW, Way.DURING_AIRFLOW, Way.TASK})
STRICTLY: Final = frozenset({Way.STRICT, Way.DURING_STRICT})
IN_SCENES: Final = frozenset({Way.POD, Way.TASK})
OUTSIDE: Final = frozenset({Way.BEFORE, Way.DURING, Way.DURING_STRICT, Way.DURING_AIRFLOW})
"""The ways of what is done to the platform, and not to the pod."""
BY_CODE: Final = frozenset({Way.CODE, Way.STRICT, Way.AIRFLOW})
"""Nobody can see it before the training runs."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a training's way to its workspace.

    `env` is what the environment has otherwise than it should, None for a variable that is not
    there; `$name` in a value is a fact of `tests.faults.world`. `code` are lines before the
    training's own. `keyless`: of the workspace whose pods assume a role. `token` is one
    of `tests.faults.tokens` that lies where the pod's own should. `outside` names what is
    done to the platform (`tests.faults.outside`), `scene` what takes more than one pod
    (`tests.faults.scenes`).

    `expected` says for each way in how Mooring tells: a part of the message, `KEPT` or `SILENT`.
    """

    name: str
    family: Family
    expected: Mapping[Way, str]
    env: Mapping[str, str | None] = field(default_factory=dict)
    code: str = ""
    keyless: bool = False
    token: str = ""
    outside: str = ""
    scene: str = ""

    @property
    def setting(self) -> str:
        """The lines by which a training's own code brings the fault about."""
        lines = [] if not self.env else ["import os"]
        for name, value in self.env.items():
            change = f"pop({name!r}, None)" if value is None else f"update({{{name!r}: {value!r}}})"
            lines.append(f"os.environ.{change}")
        return "\n".join([*lines, self.code, ""]) if self.code or lines else ""
