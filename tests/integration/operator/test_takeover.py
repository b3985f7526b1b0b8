"""What somebody takes over just before the operator would delete it stays."""

import pytest

from mooring_operator.apiserver import ApiServer
from mooring_operator.kube import CONFIG_MAP, KubeError
from tests.cluster.apiserver import ApiServer as Running
from tests.integration.operator.world import World


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
