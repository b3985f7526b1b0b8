"""A container that something else adds to the pod afterwards is bound as well."""

from mooring import contract
from tests.chart.rendering import Manifest
from tests.cluster.process import wait_until
from tests.integration.admission.world import (
    World,
    bound_sources,
    container,
    installed,
    pod,
    sources_of,
)


def _adds_a_sidecar(namespace: str) -> list[Manifest]:
    """Return a policy that runs after ours, as a mesh's injection does."""
    patch = (
        'JSONPatch{op: "add", path: "/spec/containers/-", value: {"name": "mesh", "image": "m"}}'
    )
    version = "admissionregistration.k8s.io/v1"
    metadata = {"name": "zz-sidecar"}
    pods = {
        "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"],
    }  # fmt: skip
    policy: Manifest = {
        "apiVersion": version,
        "kind": "MutatingAdmissionPolicy",
        "metadata": metadata,
        "spec": {
            "failurePolicy": "Fail",
            "reinvocationPolicy": "Never",
            "matchConstraints": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                "resourceRules": [pods],
            },
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": f"[{patch}]"}}],
        },
    }
    binding: Manifest = {
        "apiVersion": version,
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": metadata,
        "spec": {"policyName": "zz-sidecar"},
    }
    return [policy, binding]


def test_a_sidecar_that_a_later_policy_adds_is_bound_and_nothing_is_merged_in_twice(
    team: World,
) -> None:
    run = {"name": contract.RUN_ID, "value": "of-before"}
    asking = pod("team-a", containers=[container(env=[run])])

    def names() -> list[str]:
        return [item["name"] for item in team.submit(asking)["spec"]["containers"]]

    with installed(team.api, _adds_a_sidecar(team.namespace)):
        wait_until(lambda: names() == ["train", "mesh"], "the other policy")
        admitted = team.submit(asking)["spec"]
    containers = admitted["containers"]
    assert [sources_of(item) for item in containers] == [bound_sources("team-a")] * 2
    told = [contract.POD_NAME, contract.RUN_CONTEXT]
    assert [[entry["name"] for entry in item["env"]] for item in containers] == [
        [contract.RUN_ID, *told],
        told,
    ]
    [guard] = admitted["initContainers"]
    assert guard["env"] == [run]
    assert len({volume["name"] for volume in admitted["volumes"]}) == len(admitted["volumes"])
