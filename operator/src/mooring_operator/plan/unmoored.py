"""Pods that run an MLflow client and have no binding: what they log is lost with them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from mooring.contract import BINDING_LABEL, INJECTED_ANNOTATION, SKIP_LABEL, published_name

UNMOORED: Final = "Unmoored"
SELECTOR: Final = f"!{BINDING_LABEL},!{SKIP_LABEL},app.kubernetes.io/managed-by!=mooring"
"""Selector of labels of the pods that may be one."""
_BEGINS: Final = "MLFLOW_"
_WORD: Final = re.compile(r"(?<![A-Za-z0-9])mlflow(?![A-Za-z0-9])")
_NO_CLIENT: Final = re.compile(r"(?<![A-Za-z0-9])mlflow\s+(server|ui|gateway|gc|db|deployments)\b")
_NAMED: Final = 5
"""Bindings that a message names."""


def client_in(pod: Mapping[str, Any], bindings: Sequence[str]) -> str:
    """Which container of a pod looks like an MLflow client, and by what; empty for none.

    One that was given what one of the `bindings` publishes has the contract, and a tracking server
    is no client.
    """
    if INJECTED_ANNOTATION in pod["metadata"].get("annotations", {}):
        return ""
    published = {published_name(binding) for binding in bindings}
    for container in pod.get("spec", {}).get("containers", ()):
        evidence = next(_evidence(container), "")
        if evidence and not published & set(_sources(container)):
            return f"container {container['name']} ({evidence})"
    return ""


def told(found: str, bindings: Sequence[str]) -> str:
    """What to tell of a pod with a `client_in` it: what it means, and what to do."""
    several = len(bindings) > 1
    named = ", ".join(bindings[:_NAMED]) + (", …" if len(bindings) > _NAMED else "")
    return (
        f"{found} looks like an MLflow client, but the pod has no binding: nothing says where it "
        f"logs, and what it keeps in its own file system is lost with it. In the pod's template "
        f"(the Job, the Deployment, the DAG), set the label {BINDING_LABEL}: {bindings[0]}"
        f"{f' (there are {named})' if several else ''}; if it needs no binding, "
        f'{SKIP_LABEL}: "true". Labels that a pod gets later change nothing'
    )


def _evidence(container: Mapping[str, Any]) -> Iterator[str]:
    command = " ".join([*container.get("command", ()), *container.get("args", ())])
    if _NO_CLIENT.search(command):
        return
    for variable in container.get("env", ()):
        if variable["name"].startswith(_BEGINS):
            yield f"it sets {variable['name']}"
    if _WORD.search(command):
        yield "mlflow is in its command"
    if _WORD.search(container.get("image", "").lower()):
        yield f"its image is {container['image']}"


def _sources(container: Mapping[str, Any]) -> Iterator[str]:
    for source in container.get("envFrom", ()):
        for kind in ("configMapRef", "secretRef"):
            yield source.get(kind, {}).get("name", "")
