"""Which containers and pods the fragment reaches, and which are left alone."""

from typing import Any

import pytest

from mooring import contract
from tests.cluster.process import wait_until
from tests.integration.admission.world import (
    Refused,
    World,
    bound_sources,
    container,
    pod,
    sources_of,
)

BOUND = bound_sources("team-a")
SIDECARS = {contract.SKIP_CONTAINERS_ANNOTATION: "mesh, shipper"}
WINDOWS: list[dict[str, Any]] = [
    {"os": {"name": "windows"}},
    {"nodeSelector": {"kubernetes.io/os": "windows"}},
]
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
    "capabilities": {"drop": ["ALL"]},
}


def test_named_sidecars_get_no_credential_and_keep_their_own(team: World) -> None:
    env = [{"name": contract.AWS_ACCESS_KEY_ID, "value": "of the log shipper"}]
    containers = [container(), container("mesh"), container("shipper", env=env)]
    init = [container("mesh-init"), container("mesh", restartPolicy="Always")]
    admitted = team.submit(
        pod("team-a", annotations=SIDECARS, containers=containers[:1] + containers[2:],
            initContainers=init)
    )  # fmt: skip
    reached = [*admitted["spec"]["containers"], *admitted["spec"]["initContainers"]]
    assert {item["name"]: sources_of(item) for item in reached} == {
        "train": BOUND,
        "shipper": [],
        contract.GUARD_CONTAINER: BOUND,
        "mesh-init": BOUND,
        "mesh": [],
    }
    mounts = next(item for item in reached if item["name"] == "mesh").get("volumeMounts", [])
    assert contract.MOUNT_PATH not in [mount["mountPath"] for mount in mounts]

    with pytest.raises(Refused, match="container shipper sets AWS_ACCESS_KEY_ID"):
        team.submit(pod("team-a", containers=containers))


def test_a_pod_on_the_network_of_its_node_is_bound_as_any_other(team: World) -> None:
    admitted = team.submit(pod("team-a", hostNetwork=True, dnsPolicy="ClusterFirstWithHostNet"))
    assert sources_of(admitted["spec"]["containers"][0]) == BOUND
    assert admitted["spec"]["initContainers"][0]["name"] == contract.GUARD_CONTAINER


@pytest.mark.parametrize("fields", WINDOWS, ids=["os", "nodeSelector"])
def test_a_default_binding_leaves_pods_for_windows_alone(
    team: World, fields: dict[str, Any]
) -> None:
    team.label(**{contract.DEFAULT_BINDING_LABEL: "team-a"})
    wait_until(lambda: team.injects(pod()), "the default to be seen")
    admitted = team.submit(pod(**fields))
    assert sources_of(admitted["spec"]["containers"][0]) == []
    assert "initContainers" not in admitted["spec"]

    team.label(**{contract.DEFAULT_BINDING_LABEL: "nobody"})
    wait_until(lambda: not team.admits(pod()), "the new default to be seen")
    assert team.admits(pod(**fields)), "what cannot be bound does not wait for a binding"


@pytest.mark.parametrize("fields", WINDOWS, ids=["os", "nodeSelector"])
def test_a_pod_for_windows_that_asks_is_told_and_not_just_unbound(
    team: World, fields: dict[str, Any]
) -> None:
    with pytest.raises(Refused, match="a pod for Windows cannot use MlflowBinding team-a") as told:
        team.submit(pod("team-a", **fields))
    assert 'or label the pod mooring.dev/skip: "true"' in str(told.value)
    assert "is ready in namespace" not in str(told.value), "the binding is fine"
    assert team.admits(pod("team-a", labels={contract.SKIP_LABEL: "true"}, **fields))


def test_the_restricted_standard_admits_what_is_injected(team: World) -> None:
    team.label(**{"pod-security.kubernetes.io/enforce": "restricted"})
    wait_until(lambda: not team.admits(pod()), "the standard to be in force")
    admitted = team.submit(pod("team-a", containers=[container(securityContext=RESTRICTED)]))
    names = [item["name"] for item in admitted["spec"]["initContainers"]]
    assert names == [contract.GUARD_CONTAINER]
    root = admitted["spec"]["initContainers"][0]["securityContext"]["readOnlyRootFilesystem"]
    assert root, "the guard writes nothing, as the training that it lets in"
