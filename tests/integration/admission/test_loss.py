"""What happens without the policies: nothing, and nobody is told (failure 1 of DESIGN)."""

from mooring import contract
from tests.integration.admission.world import World, container, pod, sources_of


def test_a_labelled_pod_gets_nothing_and_starts_all_the_same(unprotected: World) -> None:
    admitted = unprotected.submit(pod("team-a"))
    assert sources_of(admitted["spec"]["containers"][0]) == []
    assert "initContainers" not in admitted["spec"]
    assert "annotations" not in admitted["metadata"]


def test_a_label_that_names_no_binding_is_not_noticed(unprotected: World) -> None:
    assert unprotected.admits(pod("team-zzz"))


def test_an_empty_tracking_uri_is_not_noticed(unprotected: World) -> None:
    env = [{"name": contract.TRACKING_URI, "value": ""}]
    assert unprotected.admits(pod("team-a", containers=[container(env=env)]))
