"""artifactAccess: Proxied, where pods hold nothing of the store."""

import pytest

from mooring import contract
from mooring_operator.kube import BINDING, DEPLOYMENT, SECRET, WORKSPACE
from tests.integration.operator.api import Refused
from tests.integration.operator.world import World, decoded


def test_pods_hold_nothing_and_the_server_everything(world: World) -> None:
    world.make_class("Minted")
    team = world.namespace("team")
    world.make_workspace(team, artifactAccess="Proxied")
    world.converge(team)

    environment = world.published(team, "models")
    assert environment[contract.ARTIFACT_ROOT] == contract.PROXIED_ROOT
    assert not [name for name in environment if name.startswith("AWS_") and "METADATA" not in name]
    assert contract.S3_ENDPOINT_URL not in environment
    binding = world.api.get(BINDING, team, "models")
    assert binding is not None
    assert binding["status"]["artifactRoot"] == contract.PROXIED_ROOT
    workspace = world.api.get(WORKSPACE, team, "models")
    assert workspace is not None
    assert workspace["status"]["artifactRoot"] == f"s3://mlflow-{world.id}/{team}/models"
    server = world.api.get(DEPLOYMENT, team, "models-mlflow")
    assert server is not None
    given = {e["name"] for e in server["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert {contract.AWS_ACCESS_KEY_ID, "MLFLOW_ARTIFACTS_DESTINATION"} <= given
    held = decoded(world.api.get(SECRET, team, "models-mlflow-store"))
    assert held[contract.AWS_SECRET_ACCESS_KEY] not in str(environment)


@pytest.mark.parametrize(("before", "after"), [("Proxied", "Direct"), (None, "Proxied"),
                                               ("Proxied", None)])  # fmt: skip
def test_it_cannot_be_changed(world: World, before: str | None, after: str | None) -> None:
    team = world.namespace("team")
    world.make_workspace(team, **({"artifactAccess": before} if before else {}))
    with pytest.raises(Refused, match="every experiment keeps the place of its artifacts"):
        world.api.patch(WORKSPACE, team, "models", {"spec": {"artifactAccess": after}})
    world.api.patch(WORKSPACE, team, "models", {"spec": {"allowedNamespaces": {"from": "All"}}})
