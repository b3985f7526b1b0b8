"""Asking the API server for what the rules look at."""

from datetime import UTC, datetime

from mooring import contract
from mooring.cli.cluster import (
    BINDINGS,
    CORE,
    OWN,
    WORKSPACES,
    Cluster,
    Forbidden,
    Json,
    NotThere,
    Refused,
    path_of,
)
from mooring.cli.doctor.facts import Facts, asked, injected
from mooring.cli.state import Unread, claimed


def examine_pod(cluster: Cluster, namespace: str, name: str) -> Facts:
    """The facts of a pod, or of what tried in vain to make it.

    Raises NotThere when the API server knows nothing of it, Forbidden when it may not be read.
    """
    pod = cluster.get(path_of("pods", namespace, name, group=CORE))
    unread: list[Unread] = []
    events = [
        event
        for event in _events(cluster, namespace, unread)
        if event["involvedObject"].get("name") == name
        or (pod is None and _made_by(name, event["involvedObject"]))
    ]
    if pod is None and not events:
        raise NotThere(
            f"there is no pod {name} in namespace {namespace}, and no Event tells of it: the pod "
            "was deleted, or its name is another (kubectl get pods -n "
            f"{namespace} -l {contract.BINDING_LABEL})"
        )
    binding = asked(pod) or injected(pod) if pod else ""
    return _around(cluster, namespace, binding, pod=pod, events=events, unread=unread)


def examine_binding(cluster: Cluster, namespace: str, name: str) -> Facts:
    """The facts of a binding, and the pods that admission refused because of it.

    Raises NotThere, Forbidden.
    """
    if cluster.get(path_of(BINDINGS, namespace, name)) is None:
        raise NotThere(
            f"there is no MlflowBinding {name} in namespace {namespace}: kubectl get "
            f"mlflowbindings -n {namespace}"
        )
    unread: list[Unread] = []
    events = [
        event
        for event in _events(cluster, namespace, unread)
        if f"MlflowBinding {name} " in str(event.get("message"))
        or f"MlflowBinding named {name} " in str(event.get("message"))
    ]
    return _around(cluster, namespace, name, pod=None, events=events, unread=unread)


def _around(
    cluster: Cluster,
    namespace: str,
    binding: str,
    *,
    pod: Json | None,
    events: list[Json],
    unread: list[Unread],
) -> Facts:
    bindings = _list(cluster, BINDINGS, namespace, unread)
    chosen = next((each for each in bindings if each["metadata"]["name"] == binding), None)
    workspace = None
    if chosen is not None:
        place, name = claimed(chosen)
        try:
            workspace = cluster.get(path_of(WORKSPACES, place, name))
        except Forbidden as forbidden:
            unread.append(Unread(WORKSPACES, place, str(forbidden)))
    return Facts(
        namespace=namespace,
        now=datetime.now(UTC),
        pod=pod,
        binding=chosen,
        workspace=workspace,
        bindings=tuple(sorted(each["metadata"]["name"] for each in bindings)),
        default=_default(cluster, namespace),
        events=tuple(events),
        unread=tuple(unread),
    )


def _default(cluster: Cluster, namespace: str) -> str:
    """The default binding; empty too where the namespace may not be read: it only adds words."""
    try:
        found = cluster.get(f"{CORE}/namespaces/{namespace}") or {}
    except Refused:
        return ""
    labels = (found.get("metadata") or {}).get("labels") or {}
    return str(labels.get(contract.DEFAULT_BINDING_LABEL, ""))


def _events(cluster: Cluster, namespace: str, unread: list[Unread]) -> list[Json]:
    return _list(cluster, "events", namespace, unread, group=CORE)


def _list(
    cluster: Cluster, kind: str, namespace: str, unread: list[Unread], group: str = OWN
) -> list[Json]:
    try:
        return cluster.items(path_of(kind, namespace, group=group))
    except Forbidden as forbidden:
        unread.append(Unread(kind, namespace, str(forbidden)))
        return []


def _made_by(pod: str, maker: Json) -> bool:
    """Whether `maker` of an Event may be what makes pods of that name, or was named itself."""
    name = maker.get("name", "")
    return maker.get("kind") != "Pod" and (pod == name or pod.startswith(f"{name}-"))
