"""What somebody takes over, or makes, just before the operator would write to it stays his."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from mooring_operator.apiserver import ApiServer
from mooring_operator.cache import Cache
from mooring_operator.kube import CONFIG_MAP, KubeError, Manifest
from mooring_operator.plan.metadata import Owner, child
from mooring_operator.queue import WorkQueue
from mooring_operator.reconcile import world as reconciled
from mooring_operator.watches import LISTED, is_watched
from tests.cluster.apiserver import ApiServer as Running
from tests.integration.operator.world import World

OWNER = ("MlflowWorkspace", "models", "0f6b2c52-8a3e-4c3c-9a5b-6f1f1f3f0a11")


def wanted(team: str, name: str) -> Manifest:
    """Return an object of a workspace in `team`."""
    kind, workspace, uid = OWNER
    head = child(Owner(kind, team, workspace, uid), "v1", "ConfigMap", name, "access")
    return head | {"data": {"owner": "mooring"}}


def test_an_object_that_changed_since_it_was_read_is_not_deleted(
    world: World, server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig))
    kube, team = ApiServer(1), world.namespace("team")
    world.config_map(team, "ours", {"owner": "mooring"})
    read = kube.get(CONFIG_MAP, team, "ours")
    assert read is not None
    world.api.patch(CONFIG_MAP, team, "ours", {"data": {"owner": "somebody"}})

    with pytest.raises(KubeError) as refused:
        kube.delete(CONFIG_MAP, team, "ours", read["metadata"]["resourceVersion"])
    assert refused.value.status == 409
    assert kube.get(CONFIG_MAP, team, "ours") is not None

    kube.delete(CONFIG_MAP, team, "ours")
    assert kube.get(CONFIG_MAP, team, "ours") is None


def test_a_first_write_overwrites_nothing_that_nobody_has_told_of(
    world: World, server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig))
    kube, team = ApiServer(1), world.namespace("team")
    cache = Cache(kube, is_watched, LISTED)
    with ThreadPoolExecutor(1) as threads:
        operator = reconciled.World(cache, WorkQueue(), threads, lambda: "")
        cache.refresh()
        world.config_map(team, "theirs", {"owner": "somebody"})
        kube.apply(wanted(team, "ours") | {"data": {"owner": "edited"}})
        assert cache.held(CONFIG_MAP, team, "theirs") is None
        assert cache.held(CONFIG_MAP, team, "ours") is None

        with pytest.raises(reconciled.Blocked) as blocked:
            reconciled.ensure(operator, wanted(team, "theirs"))
        assert blocked.value.finding.reason == "NameTaken"
        for name in ("ours", "new"):
            made = reconciled.ensure(operator, wanted(team, name))
            assert made["data"] == {"owner": "mooring"}

    theirs = kube.get(CONFIG_MAP, team, "theirs")
    assert theirs is not None
    assert theirs["data"] == {"owner": "somebody"}
    assert "ownerReferences" not in theirs["metadata"]
