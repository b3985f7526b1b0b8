"""A class by which each workspace gets a bucket for itself."""

from functools import partial
from typing import Any

from mooring_operator.api.s3 import S3Store, bucket_of
from mooring_operator.kube import WORKSPACE, WORKSPACE_CLASS
from mooring_operator.stores.names import identity
from mooring_operator.stores.s3_bucket import OWNER_TAG
from tests.integration.operator.outside import connection, put
from tests.integration.operator.world import World, until
from tests.integration.stores.s3_client import OK, admin, outcome


def make_class(world: World) -> None:
    """Make a class with a template where others name a bucket."""
    world.admin_secrets()
    manifest = world.class_manifest()
    store = manifest["spec"]["artifactStore"]["s3"]
    del store["bucket"]
    store["bucketTemplate"] = "mlflow-{namespace}-{name}"
    world.api.create(manifest)


def ready(world: World, **spec: Any) -> str:
    namespace = world.namespace("team")
    world.make_workspace(namespace, **spec)
    world.converge(namespace)
    return namespace


def is_gone(world: World, namespace: str) -> bool:
    return world.api.get(WORKSPACE, namespace, "models") is None


def bucket(world: World, namespace: str) -> str:
    live = world.api.get(WORKSPACE_CLASS, "", world.class_name)
    assert live is not None
    store = S3Store.model_validate(live["spec"]["artifactStore"]["s3"])
    return bucket_of(store, namespace, "models")


def test_a_workspace_gets_a_bucket_that_says_whose_it_is(world: World) -> None:
    make_class(world)
    team = ready(world)
    assert world.class_is("True")
    name = bucket(world, team)
    assert name.startswith(f"mlflow-{team}-models-")
    live = world.api.get(WORKSPACE, team, "models")
    assert live is not None
    assert live["status"]["artifactRoot"] == f"s3://{name}/{team}/models"
    s3 = admin(connection(world))
    [tag] = s3.get_bucket_tagging(Bucket=name)["TagSet"]
    assert tag == {"Key": OWNER_TAG, "Value": identity(team, "models")}
    environment = world.published(team, "models")
    assert put(world, environment, f"{team}/models", bucket=name) == OK
    shown = world.api.table(WORKSPACE_CLASS, "", world.class_name)
    assert shown["Store"] == "mlflow-{namespace}-{name}"


def test_a_bucket_of_that_name_that_is_somebody_elses_is_told(world: World) -> None:
    make_class(world)
    team = world.namespace("team")
    s3, name = admin(connection(world)), bucket(world, team)
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="report.pdf", Body=b"theirs")
    world.make_workspace(team)
    told = world.workspace_is(team, "NameTaken", "ArtifactStoreReady")
    assert f"bucket {name} at " in told["message"]
    assert f"tag it {OWNER_TAG}={identity(team, 'models')} to hand it over" in told["message"]


def test_the_bucket_goes_with_a_workspace_whose_data_goes_and_stays_otherwise(
    world: World,
) -> None:
    make_class(world)
    gone, kept = ready(world, deletionPolicy="Delete"), world.namespace("kept")
    world.make_workspace(kept)
    world.converge(kept)
    s3 = admin(connection(world))
    for team in (gone, kept):
        s3.put_object(Bucket=bucket(world, team), Key=f"{team}/models/1/x", Body=b"x")
        world.api.delete(WORKSPACE, team, "models")
        until(partial(is_gone, world, team), "the end")
    assert outcome(s3.head_bucket, Bucket=bucket(world, gone)) == "404"
    assert outcome(s3.head_object, Bucket=bucket(world, kept), Key=f"{kept}/models/1/x") == OK
