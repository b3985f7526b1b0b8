"""The pods of the matrix: the same training, by each way in and without Mooring. Pure."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mooring import contract
from tests.e2e.jobs import script
from tests.faults.fault import BY_AIRFLOW, BY_CODE, BY_ENV, STRICTLY, Fault, Way
from tests.faults.tokens import TOKENS
from tests.faults.world import BY_DEFAULT, KEYLESS, MINTED, World

SESSION: Final = "mooring-faults"
"""Label of all pods of one run of the matrix."""
MARK: Final = "faults.mark"
"""Tag of the runs of pods without Mooring and of Airflow's, whose names are not ours to give."""
CONTAINER: Final = "base"
WAITING: Final = Path(__file__).parent / "scripts" / "train_when_told.py"
_NAMED: Final = re.compile(r"faults-(\w+-\d+)(-\w+)?$")
"""The name of a case's pod; a Job gives its own pod an ending."""
CHEAP: Final = {"MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT": "1"}
"""Of all pods: to find out what a model needs, MLflow would import all of it once more."""
IMPATIENT: Final = {contract.HTTP_MAX_RETRIES: "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
"""Of the pods without Mooring. MLflow's own 7 tries again of 120 s each take 20 minutes a call."""

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One fault by one way in; the peer's where there is no way."""

    fault: Fault
    way: Way | None
    mark: str

    @property
    def peer(self) -> bool:
        """Whether it runs without Mooring."""
        return self.way is None

    @property
    def name(self) -> str:
        """Name of its pod, and of what else is made for it."""
        return f"faults-{self.mark}"

    @property
    def namespace(self) -> str:
        """Where its pod runs."""
        if self.way is Way.NAMESPACE:
            return BY_DEFAULT
        return KEYLESS if self.fault.keyless else MINTED


def training(case: Case, world: World) -> list[str]:
    """The training's code and its arguments, with the fault in it where it comes in by the code."""
    if case.fault.outside and case.way is not Way.BEFORE:
        return [WAITING.read_text()]
    by_code = case.way in BY_CODE or (case.peer and case.fault.code)
    lines = world.filled(case.fault.code if case.peer else case.fault.setting) if by_code else ""
    return [script("train", f"{lines}\n"), "--autolog-only"]


def mark_of(tags: Mapping[str, str]) -> str:
    """The mark of the case whose pod made a run with these tags; empty for any other run.

    A bound pod has nothing that a team would not have in it: the tag is Mooring's own.
    """
    named = _NAMED.match(tags.get(contract.TAG_POD, ""))
    return tags.get(MARK, named[1] if named else "")


def context(case: Case) -> str:
    """The value of MLFLOW_RUN_CONTEXT that marks the case's run."""
    return json.dumps({MARK: case.mark})


def manifest(case: Case, world: World, session: str) -> Manifest:
    """The pod of the case, or the Job that makes it."""
    labels = {SESSION: session, "mark": case.mark}
    if case.peer:
        labels[contract.SKIP_LABEL] = "true"
    elif case.way is not Way.NAMESPACE:
        labels[contract.BINDING_LABEL] = binding_of(case, world)
    spec = {"containers": [_container(case, world)], "restartPolicy": "Never"}
    if case.peer:
        spec["volumes"] = world.volumes[world.of(case.fault)]
    if case.fault.token and (case.peer or case.way is Way.VOLUME):
        # the policy leaves a pod's own volume of that name alone
        spec["volumes"] = [_token(case.fault.token)]
    metadata = {"name": case.name, "namespace": case.namespace, "labels": labels}
    if case.way is Way.JOB:
        template = {"metadata": {"labels": labels}, "spec": spec}
        job = {"backoffLimit": 0, "template": template}
        return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": job}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def binding_of(case: Case, world: World) -> str:
    """The binding that the case's pod names: its own where that is what is wrong."""
    return case.name if case.way is Way.BINDING else world.of(case.fault)


def _token(which: str) -> Manifest:
    items = [{"key": which, "path": Path(contract.TOKEN_PATH).name}]
    return {"name": contract.VOLUME_NAME, "secret": {"secretName": TOKENS, "items": items}}


def _container(case: Case, world: World) -> Manifest:
    command = ["python", "-c", *training(case, world)]
    if case.way is Way.RUN:
        checked = ["python", "-m", "mooring", "run", "--", *command]
        command = ["sh", "-c", f'{_exports(world.env(case.fault))}exec "$@"', "sh", *checked]
    container: Manifest = {
        "name": CONTAINER,
        "image": world.image,
        "command": command,
        "env": [{"name": k, "value": v} for k, v in environment(case, world).items()],
        # the last line is what a person looks for; the whole log is there besides
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    if case.peer:
        container["volumeMounts"] = world.mounts[world.of(case.fault)]
    return container


def environment(case: Case, world: World) -> dict[str, str]:
    """The container's own environment."""
    marked = {**CHEAP, contract.RUN_CONTEXT: context(case)}
    if case.peer:
        # nothing by which the `mooring` in the image would know of a binding
        return {**IMPATIENT, **world.by_hand(case.fault), **marked}
    if case.way in BY_AIRFLOW:
        return marked
    if case.way in STRICTLY:
        return {**CHEAP, contract.STRICT: "1"}
    if case.way in BY_ENV:
        return {**_set(world.env(case.fault)), **CHEAP}
    return dict(CHEAP)


def _set(env: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in env.items() if value is not None}


def _exports(env: Mapping[str, str | None]) -> str:
    return "".join(
        f"unset {name}; " if value is None else f"export {name}={shlex.quote(value)}; "
        for name, value in env.items()
    )
