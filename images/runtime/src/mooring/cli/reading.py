"""Reading what a user may read, and noting what not."""

from collections.abc import Sequence

from mooring import contract
from mooring.cli.cluster import (
    BINDINGS,
    CORE,
    METADATA_ONLY,
    OWN,
    WORKSPACES,
    Cluster,
    Forbidden,
    Json,
    path_of,
)
from mooring.cli.state import State, Unread, state_of

LIVING = "status.phase!=Succeeded,status.phase!=Failed"


def read_state(cluster: Cluster, namespaces: Sequence[str] | None) -> State:
    """Workspaces, bindings and their living pods of `namespaces`, of all for None.

    What the user may not read is noted. Raises NoCluster, and Refused for all else.
    """
    unread: list[Unread] = []
    places = _places(cluster, unread) if namespaces is None else namespaces
    workspaces = _each(cluster, WORKSPACES, places, unread)
    bindings = _each(cluster, BINDINGS, places, unread)
    used = sorted({binding["metadata"]["namespace"] for binding in bindings})
    if None in places:
        found = _list(cluster, "pods", None, unread)
        pods = {name: [p for p in found or [] if _namespace(p) == name] for name in used}
        return state_of(workspaces, bindings, pods if found is not None else {}, unread)
    lists = {name: _list(cluster, "pods", name, unread) for name in used}
    known = {name: found for name, found in lists.items() if found is not None}
    return state_of(workspaces, bindings, known, unread)


def _places(cluster: Cluster, unread: list[Unread]) -> Sequence[str | None]:
    """The namespaces to ask one by one; [None] where all may be asked at once."""
    try:
        for kind in (WORKSPACES, BINDINGS):
            cluster.items(path_of(kind, None), accept=METADATA_ONLY, limit="1")
    except Forbidden:
        pass
    else:
        return [None]
    try:
        found = cluster.items(path_of("namespaces", None, group=CORE), accept=METADATA_ONLY)
    except Forbidden as forbidden:
        unread.append(Unread("the list of namespaces (name yours with -n)", None, str(forbidden)))
        return []
    return sorted(namespace["metadata"]["name"] for namespace in found)


def _each(
    cluster: Cluster, kind: str, places: Sequence[str | None], unread: list[Unread]
) -> list[Json]:
    return [each for place in places for each in _list(cluster, kind, place, unread) or []]


def _list(
    cluster: Cluster, kind: str, namespace: str | None, unread: list[Unread]
) -> list[Json] | None:
    """The objects of a kind, of pods only the living ones with a binding; None for forbidden."""
    try:
        if kind != "pods":
            return cluster.items(path_of(kind, namespace, group=OWN))
        return cluster.items(
            path_of(kind, namespace, group=CORE),
            accept=METADATA_ONLY,
            labelSelector=contract.BINDING_LABEL,
            fieldSelector=LIVING,
        )
    except Forbidden as forbidden:
        unread.append(Unread(kind, namespace, str(forbidden)))
        return None


def _namespace(live: Json) -> str:
    return str(live["metadata"]["namespace"])
