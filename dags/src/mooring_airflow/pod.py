"""What a pod carries: the binding's fragment, its label, the run tags. All on plain manifests.

The same merge as the admission policy's (charts/mooring, _admission.tpl): both append only what is
not there, by the same keys, so that a pod which meets both carries everything once.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from mooring import contract
from mooring.ending import terminated
from mooring.finding import Finding
from mooring.training.tags import tags_of
from mooring_airflow.identity import run_context

Json = dict[str, Any]


def injected(pod: Mapping[str, Any], binding: str, fragment: Mapping[str, Any]) -> Json:
    """`pod` with the `fragment` of `binding` merged in, marked as the admission policy does."""
    spec = pod["spec"]
    skipped = _skipped(pod)

    def reached(containers: Iterable[Json]) -> list[Json]:
        return [c if c["name"] in skipped else _carrying(c, fragment) for c in containers]

    trained = [c for c in spec["containers"] if c["name"] not in skipped]
    guards = [
        _asking_for(trained, guard)
        for guard in _missing(fragment.get("initContainers"), spec.get("initContainers"), _by_name)
    ]
    init = [*guards, *reached(spec.get("initContainers") or [])]
    volumes = spec.get("volumes") or []
    merged = {
        **spec,
        "containers": reached(spec["containers"]),
        "initContainers": init,
        "volumes": [*volumes, *_missing(fragment.get("volumes"), volumes, _by_name)],
    }
    return {**pod, "metadata": _marked(pod["metadata"], binding), "spec": merged}


def tagged(pod: Mapping[str, Any], tags: Mapping[str, str]) -> Json:
    """`pod` with the run tags in the environment of all its containers."""
    containers = [_with_context(container, tags) for container in pod["spec"]["containers"]]
    return {**pod, "spec": {**pod["spec"], "containers": containers}}


def in_experiment(pod: Mapping[str, Any], experiment: str) -> Json:
    """`pod` whose containers log to `experiment`."""
    containers = [
        _setting(c, contract.EXPERIMENT_NAME, experiment) for c in pod["spec"]["containers"]
    ]
    return {**pod, "spec": {**pod["spec"], "containers": containers}}


def experiment_of(pod: Mapping[str, Any]) -> str:
    """The experiment that a container of `pod` is given by its own environment; empty for none."""
    values = (_environment(c).get(contract.EXPERIMENT_NAME) for c in pod["spec"]["containers"])
    return next(filter(None, values), "")


def run_tags(pod: Mapping[str, Any]) -> dict[str, str]:
    """The run tags that `pod` was started with; {} when it has none."""
    values = (_environment(c).get(contract.RUN_CONTEXT, "") for c in pod["spec"]["containers"])
    found = (tags_of(value) for value in values)
    return next((tags for tags in found if contract.TAG_POD in tags), {})


def overridden(pod: Mapping[str, Any]) -> Finding | None:
    """What a container sets although the binding owns it: its own `env` would win.

    The admission policy refuses such a pod too; where there is none, this is the only check.
    """
    skipped = _skipped(pod)
    for container in (*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]):
        if container["name"] in skipped:
            continue
        names = sorted(set(_environment(container)) & set(contract.OWNED_BY_BINDING))
        if names:
            return Finding(
                "EnvironmentOverridden",
                f"container {container['name']} sets "
                f"{', '.join(names)} itself, which would win over the binding's: "
                "remove it from env_vars, secrets or the pod template.",
            )
    return None


def guard_refusal(pod: Mapping[str, Any]) -> str | None:
    """What the guard of `pod` said when it refused; None when it did not."""
    ended = _ended_guard(pod)
    if not ended.get("exitCode"):
        return None
    return _said(ended) or f"it ended with exit code {ended['exitCode']} ({ended.get('reason')})"


def guard_warning(pod: Mapping[str, Any]) -> str | None:
    """What the guard of `pod` found but let pass, as its binding says; None when it did not."""
    ended = _ended_guard(pod)
    return None if ended.get("exitCode") else _said(ended) or None


def _ended_guard(pod: Mapping[str, Any]) -> Mapping[str, Any]:
    return dict(terminated(pod.get("status") or {})).get(contract.GUARD_CONTAINER, {})


def _said(ended: Mapping[str, Any]) -> str:
    return (ended.get("message") or "").strip()


def _skipped(pod: Mapping[str, Any]) -> frozenset[str]:
    """Names of the containers that the author wants left alone."""
    return contract.skipped_containers(pod["metadata"].get("annotations") or {})


def _asking_for(containers: Iterable[Json], guard: Json) -> Json:
    """The guard with what a container asks for itself: it is to ask the same."""
    asking = [asked for container in containers if (asked := _asked_by(container))]
    of_mlflow = [asked for asked in asking if any(e["name"].startswith("MLFLOW_") for e in asked)]
    chosen = [*of_mlflow, *asking]
    return {**guard, "env": [*(guard.get("env") or []), *chosen[0]]} if chosen else guard


def _asked_by(container: Json) -> list[Json]:
    return [
        entry
        for entry in container.get("env") or []
        if entry["name"] in contract.ASKED_BY_CONTAINER and "$(" not in (entry.get("value") or "")
    ]


def _marked(metadata: Mapping[str, Any], binding: str) -> Json:
    labels = {**(metadata.get("labels") or {}), contract.BINDING_LABEL: binding}
    annotations = {**(metadata.get("annotations") or {}), contract.INJECTED_ANNOTATION: binding}
    return {**metadata, "labels": labels, "annotations": annotations}


def _carrying(container: Mapping[str, Any], fragment: Mapping[str, Any]) -> Json:
    merged = dict(container)
    for field, key in (("envFrom", _by_source), ("volumeMounts", _by_path)):
        there = container.get(field) or []
        added = _missing(fragment.get(field), there, key)
        if added:
            # Last, because of two envFrom sources with the same key the later one wins.
            merged[field] = [*there, *added]
    return merged


def _missing(wanted: list[Json] | None, there: list[Json] | None, key: Any) -> list[Json]:
    present = {key(entry) for entry in there or []}
    return [entry for entry in wanted or [] if key(entry) not in present]


def _by_name(entry: Json) -> str:
    return str(entry["name"])


def _by_path(entry: Json) -> str:
    return str(entry["mountPath"])


def _by_source(entry: Json) -> tuple[str, ...]:
    return tuple(
        f"{kind}/{(entry.get(kind) or {}).get('name')}" for kind in ("configMapRef", "secretRef")
    )


def _environment(container: Mapping[str, Any]) -> dict[str, str]:
    return {entry["name"]: entry.get("value") or "" for entry in container.get("env") or []}


def _with_context(container: Mapping[str, Any], tags: Mapping[str, str]) -> Json:
    others = _environment(container).get(contract.RUN_CONTEXT, "")
    return _setting(container, contract.RUN_CONTEXT, run_context(tags, others))


def _setting(container: Mapping[str, Any], name: str, value: str) -> Json:
    kept = [entry for entry in container.get("env") or [] if entry["name"] != name]
    return {**container, "env": [*kept, {"name": name, "value": value}]}
