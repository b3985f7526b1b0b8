"""A class without an object store: runs and artifacts on a volume, kept by the server."""

from typing import Any

import pytest

from mooring import contract
from mooring_operator.kube import (
    CRON_JOB,
    DEPLOYMENT,
    JOB,
    PERSISTENT_VOLUME_CLAIM,
    SECRET,
    WORKSPACE,
)
from tests.integration.operator.api import Manifest, Refused
from tests.integration.operator.kubelet import fake_garbage_collector, serve
from tests.integration.operator.world import World, decoded, until


def small_class(world: World, **spec: Any) -> None:
    """Make a class that names its images, and perhaps more."""
    manifest = world.class_manifest()
    images = {part: manifest["spec"][part] for part in ("server", "guard")}
    world.api.create(manifest | {"spec": {**images, **spec}})


def claim(world: World, namespace: str) -> Manifest | None:
    return world.api.get(PERSISTENT_VOLUME_CLAIM, namespace, "models-mlflow-data")


def server_pod(world: World, namespace: str) -> Manifest:
    live = world.api.get(DEPLOYMENT, namespace, "models-mlflow")
    assert live is not None
    pod: Manifest = live["spec"]["template"]["spec"]
    return pod


def test_an_empty_class_and_an_empty_workspace(world: World) -> None:
    small_class(world)
    world.class_is("True")
    team = world.namespace("team")
    world.make_workspace(team)
    server = until(lambda: world.api.get(DEPLOYMENT, team, "models-mlflow"), "the server")
    assert server is not None
    found = world.workspace_is(team, "Starting", "DatabaseReady")
    assert found["status"] == "False", "the schema is made by a pod that has not run yet"
    serve(world.api, server)
    world.workspace_is(team, "True", "DatabaseReady")
    world.converge(team)

    environment = world.published(team, "models")
    assert environment[contract.ARTIFACT_ROOT] == contract.PROXIED_ROOT
    assert decoded(world.api.get(SECRET, team, "models-mlflow")) == {}
    components = {j["metadata"]["labels"]["app.kubernetes.io/component"]
                  for j in world.api.list(JOB, team)}  # fmt: skip
    assert components == {"canary"}, "nobody else may open the file"
    volume = claim(world, team)
    assert volume is not None
    assert volume["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert volume["spec"]["resources"]["requests"] == {"storage": "10Gi"}

    pod = server_pod(world, team)
    [data] = [each for each in pod["volumes"] if each["name"] == "data"]
    assert data["persistentVolumeClaim"] == {"claimName": "models-mlflow-data"}
    assert [each["command"] for each in pod["initContainers"]] == [["mooring", "migrate"]]
    assert pod["securityContext"]["fsGroup"] == 10001
    assert server["spec"]["strategy"] == {"type": "Recreate"}


def test_the_volume_outlives_its_workspace_and_serves_the_next_of_its_name(world: World) -> None:
    small_class(world, artifactStore={"volume": {"size": "2Gi", "storageClass": "fast"}})
    team = world.namespace("team")
    world.make_workspace(team)
    world.converge(team)
    before = claim(world, team)
    assert before is not None
    assert "ownerReferences" not in before["metadata"], "it would be collected with its owner"
    assert before["spec"]["storageClassName"] == "fast"

    world.api.delete(WORKSPACE, team, "models")
    until(lambda: world.api.get(WORKSPACE, team, "models") is None, "the workspace to be gone")
    world.edit_class({"artifactStore": {"volume": {"size": "1Gi", "storageClass": "slow"}}})
    fake_garbage_collector(world.api, team)
    world.make_workspace(team)
    world.converge(team)
    after = claim(world, team)
    assert after is not None
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["spec"] == before["spec"], "what stands is left alone"


def test_a_claim_of_somebody_else_is_left_alone(world: World) -> None:
    small_class(world)
    team = world.namespace("team")
    theirs = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "models-mlflow-data", "namespace": team},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    world.api.create(theirs)
    world.make_workspace(team)
    found = world.workspace_is(team, "NameTaken", "ServerAvailable")
    assert f"PersistentVolumeClaim {team}/models-mlflow-data exists" in found["message"]
    assert world.api.get(DEPLOYMENT, team, "models-mlflow") is None


def test_only_the_server_reaches_a_volume(world: World) -> None:
    small_class(world)
    team = world.namespace("team")
    world.make_workspace(team, artifactAccess="Direct")
    found = world.workspace_is(team, "InvalidSpec", "ArtifactStoreReady")
    assert "spec.artifactAccess is Direct" in found["message"]
    assert "make the workspace anew without that field" in found["message"]
    assert world.published(team, "models") == {}


def test_one_server_mounts_it(world: World) -> None:
    small_class(world)
    team = world.namespace("team")
    world.make_workspace(team, server={"replicas": 2})
    found = world.workspace_is(team, "OneServer", "ServerAvailable")
    assert "spec.server.replicas: found 2" in found["message"]
    assert claim(world, team) is None
    world.api.patch(WORKSPACE, team, "models", {"spec": {"server": {"replicas": 1}}})
    world.converge(team)


def test_artifacts_on_a_volume_and_runs_in_postgresql(world: World) -> None:
    world.admin_secrets()
    backend = world.class_manifest()["spec"]["backendStore"]
    small_class(world, artifactStore={"volume": {}}, backendStore=backend)
    team = world.namespace("team")
    world.make_workspace(team)
    world.converge(team)
    pod = server_pod(world, team)
    assert "initContainers" not in pod
    assert "data" in {each["name"] for each in pod["volumes"]}


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"artifactStore": "s3"}, "backendStore.sqlite is a file on the volume"),
        ({"artifactStore": {"volume": {"size": "10 GB"}}}, "size is a quantity above zero"),
        ({"artifactStore": {"volume": {"size": "0"}}}, "size is a quantity above zero"),
        ({"artifactStore": {"volume": {}, "s3": None}, "backendStore": {"sqlite": {}}}, ""),
    ],
    ids=["sqlite without a volume", "no quantity", "nothing", "both named, one null"],
)
def test_what_goes_together(world: World, spec: dict[str, Any], sentence: str) -> None:
    if spec.get("artifactStore") == "s3":
        spec = {"artifactStore": world.class_manifest()["spec"]["artifactStore"]}
    if not sentence:
        small_class(world, **spec)
        return
    with pytest.raises(Refused) as refusal:
        small_class(world, **spec)
    assert sentence in str(refusal.value)


def test_service_accounts_cannot_be_told_apart_behind_a_server(world: World) -> None:
    small_class(world)
    team = world.namespace("team")
    world.make_workspace(team)
    world.converge(team)
    world.make_binding(team, "narrow", "models", team, serviceAccounts=["train"])
    found = world.binding_is(team, "narrow", "NeedsWorkloadIdentity")
    assert (
        f"MlflowWorkspaceClass {world.class_name} keeps artifacts on a volume" in found["message"]
    )
    assert "keys" not in found["message"]


def test_a_volume_for_one_pod_cannot_be_collected(world: World) -> None:
    small_class(world, artifactStore={"volume": {"accessMode": "ReadWriteOncePod"}})
    team = world.namespace("team")
    world.make_workspace(team)
    world.converge(team)
    collect = {"spec": {"garbageCollection": {"schedule": "0 3 * * *"}}}
    world.api.patch(WORKSPACE, team, "models", collect)
    found = world.workspace_is(team, "OnePod", "ServerAvailable")
    assert "spec.garbageCollection" in found["message"]
    assert "PersistentVolumeClaim models-mlflow-data is ReadWriteOncePod" in found["message"]
    assert world.api.list(CRON_JOB, team) == []
    world.api.patch(WORKSPACE, team, "models", {"spec": {"garbageCollection": None}})
    world.converge(team)
