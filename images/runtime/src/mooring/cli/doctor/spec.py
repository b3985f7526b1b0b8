"""What the spec of a pod tells: whether the binding is in, whole, and not overridden."""

from collections.abc import Iterator
from typing import Final

from mooring import contract
from mooring.cli.doctor.facts import (
    Facts,
    Manifest,
    asked,
    containers,
    injected,
    is_skipped,
    names_set,
    own_uri,
    run_tags,
    sources,
)
from mooring.cli.doctor.finding import Ailment, Failure

AIRFLOW_LABELS: Final = frozenset({"dag_id", "task_id", "run_id"})
"""Labels that Airflow's KubernetesPodOperator puts on each pod."""

OF_THE_URI: Final = frozenset(
    {
        contract.TRACKING_URI,
        contract.MLFLOW_WORKSPACE,
        contract.WORKSPACE,
        contract.BINDING,
        contract.ARTIFACT_ROOT,
        contract.BOUND_URI,
        contract.GENERATION,
    }
)
"""Of the names that a binding owns, those that say where; the others are credentials."""


def of_injection(facts: Facts) -> Iterator[Ailment]:
    """Whether the pod was given its binding at all, and then whether each container was."""
    pod = facts.pod
    if pod is None:
        return
    if is_skipped(pod) or not (asked(pod) or injected(pod)):
        yield from _unbound(pod, facts)
    elif injected(pod) != asked(pod):
        yield Ailment(
            Failure.URI,
            "NotInjected",
            f"the label {contract.BINDING_LABEL} names {asked(pod) or 'nothing'}, and the "
            f"annotation {contract.INJECTED_ANNOTATION} {injected(pod) or 'is not there'}: no "
            "admission policy merged the binding in when the pod was made.",
            "See that the policies are installed (kubectl get mutatingadmissionpolicies), and make "
            "the pod anew.",
        )
    else:
        for container in containers(pod):
            yield from _incomplete(container, injected(pod), facts)


def of_overrides(facts: Facts) -> Iterator[Ailment]:
    """What containers of a bound pod set themselves, which wins over what the binding gives."""
    if facts.pod is None or not injected(facts.pod):
        return
    for container in containers(facts.pod):
        names = names_set(container) & set(contract.OWNED_BY_BINDING)
        for failure, chosen in (
            (Failure.URI, names & OF_THE_URI),
            (Failure.CREDENTIALS, names - OF_THE_URI),
        ):
            if chosen:
                uri = f' ({contract.TRACKING_URI}="{own_uri(container)}")'
                shown = uri if contract.TRACKING_URI in chosen else ""
                yield Ailment(
                    failure,
                    "EnvironmentOverridden",
                    f"container {container['name']} sets {', '.join(sorted(chosen))} itself"
                    f"{shown}, which wins over binding {injected(facts.pod)}.",
                    "Take it out of the container's env (env_vars, secrets, the pod template).",
                )


def of_identity(facts: Facts) -> Iterator[Ailment]:
    """Whether runs of a pod that Airflow made will say which task instance they belong to."""
    pod = facts.pod
    if pod is None:
        return
    tags = [run_tags(container) for container in containers(pod)]
    if None in tags:
        yield Ailment(
            Failure.IDENTITY,
            "RunContextUnreadable",
            f"{contract.RUN_CONTEXT} of the pod is no JSON object: MLflow passes over it without a "
            "word, and the run says nothing of its task.",
            f"Let MlflowPodOperator write {contract.RUN_CONTEXT}, or mend the JSON.",
        )
    elif _made_by_airflow(pod) and not any(contract.TAG_TASK_ID in (each or {}) for each in tags):
        yield Ailment(
            Failure.IDENTITY,
            "NoTaskTags",
            f"Airflow made the pod, and no container has {contract.RUN_CONTEXT} with the tags of "
            "its task instance: the next task cannot find its run.",
            "Install mooring-airflow in Airflow's workers and name the binding in the DAG (tag "
            "mlflow:NAME), or use MlflowPodOperator or @task.mlflow.",
        )


def _made_by_airflow(pod: Manifest) -> bool:
    return set(pod["metadata"].get("labels") or {}) >= AIRFLOW_LABELS


def _unbound(pod: Manifest, facts: Facts) -> Iterator[Ailment]:
    given = {container["name"]: own_uri(container) for container in containers(pod)}
    told = [
        f'container {name} sets {contract.TRACKING_URI}="{uri}" itself'
        for name, uri in given.items()
        if uri is not None
    ]
    remote = [uri for uri in given.values() if uri and ("://" in uri or uri.startswith("("))]
    why = (
        f'the label {contract.SKIP_LABEL}: "true" keeps every binding away'
        if is_skipped(pod)
        else f"the pod has no label {contract.BINDING_LABEL}"
    )
    there = f"; bindings here: {', '.join(facts.bindings)}" if facts.bindings else ""
    default = (
        f" The namespace gives {facts.default} to every pod that is made now; this one was made "
        "before that, or no policy is in force."
        if facts.default and not is_skipped(pod)
        else ""
    )
    none = f"no container sets {contract.TRACKING_URI} either, and MLflow logs to a file in the pod"
    yield Ailment(
        Failure.CREDENTIALS if remote else Failure.URI,
        "NotBound",
        f"{why}, so nothing gives it a tracking URI or credentials: "
        f"{'; '.join(told) or none}.{default}",
        f"Label the pod (in its template) {contract.BINDING_LABEL}: NAME{there}.",
    )


def _incomplete(container: Manifest, binding: str, facts: Facts) -> Iterator[Ailment]:
    name, published = container["name"], contract.published_name(binding)
    anew = "Make the pod anew from a template without the annotation "
    for kind, failure, word in (
        ("configMapRef", Failure.URI, "ConfigMap"),
        ("secretRef", Failure.CREDENTIALS, "Secret"),
    ):
        if published not in sources(container, kind):
            yield Ailment(
                failure,
                "ContainerNotBound",
                f"container {name} does not take {word} {published} in envFrom, although the "
                f"annotation {contract.INJECTED_ANNOTATION} says that the binding is in.",
                f"{anew}{contract.INJECTED_ANNOTATION}.",
            )
    fragment = ((facts.binding or {}).get("status") or {}).get("pod") or {}
    wanted = {mount["mountPath"] for mount in fragment.get("volumeMounts") or []}
    there = {mount["mountPath"] for mount in container.get("volumeMounts") or []}
    for path in sorted(wanted - there):
        yield Ailment(
            Failure.CREDENTIALS,
            "NotMounted",
            f"container {name} has nothing mounted at {path}, where its token and certificates "
            "are to be.",
            "Make the pod anew: the binding has changed since, or the template carries an old "
            f"annotation {contract.INJECTED_ANNOTATION}.",
        )
