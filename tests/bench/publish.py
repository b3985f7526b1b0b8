"""From `apply` of a workspace to its published ConfigMap and Secret, on a real API server."""

import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from kubernetes import client, watch

from mooring.contract import published_name
from mooring_operator.stores.names import identity
from mooring_operator.stores.protocol import S3Connection, StoreGrant
from mooring_operator.stores.s3_iam import S3IamStore
from tests.bench.figures import Figure, middle
from tests.cluster.apiserver import api_server
from tests.integration.operator.api import Api
from tests.integration.operator.conftest import admin_of
from tests.integration.operator.process import Operator, least_privilege
from tests.integration.operator.world import World
from tests.services.postgresql import postgresql
from tests.services.versitygw import versitygw

WORKSPACES: Final = 20
GOAL_MS: Final = 50.0


def publish() -> Figure:
    """The p50 over workspaces that are applied one after another, beyond the store's answer."""
    with ExitStack() as running:
        folder = Path(running.enter_context(TemporaryDirectory()))
        server = running.enter_context(api_server())
        services = running.enter_context(postgresql()), running.enter_context(versitygw())
        admin = admin_of(server)
        api = Api(admin)
        kubeconfig = least_privilege(server, api, client.CoreV1Api(admin), folder)
        operator = Operator(kubeconfig, folder / "operator.log")
        operator.start()
        running.callback(operator.stop)
        world = World(api, *services)
        world.make_class()
        # the first makes the bucket and the connections, which is the class's matter
        core = client.CoreV1Api(admin)
        _seconds(world, operator, core, "first")
        took = [_seconds(world, operator, core, f"team-{n}") for n in range(WORKSPACES)]
        floor = _store_alone(world)
    return Figure(
        name="workspace applied -> ConfigMap and Secret published, beyond the store, p50",
        unit="ms",
        measured=1000 * (middle(took) - middle(floor)),
        floor=1000 * middle(floor),
        floor_is="the store's own answers to the same calls, p50",
        goal=GOAL_MS,
        raw={"published_s": took, "store_s": floor},
    )


def _seconds(world: World, operator: Operator, core: client.CoreV1Api, team: str) -> float:
    """One workspace, with all others idle."""
    namespace, name = world.namespace(team), published_name("models")
    operator.settle()
    started = time.monotonic()
    world.make_workspace(namespace)
    for listed in (core.list_namespaced_secret, core.list_namespaced_config_map):
        events = watch.Watch().stream(listed, namespace, timeout_seconds=30)
        seen = any(event["object"].metadata.name == name for event in events)
        assert seen, f"{namespace} was given nothing in 30 s"
    return time.monotonic() - started


def _store_alone(world: World) -> list[float]:
    """The same calls to the same store, without an operator around them."""
    gateway = world.versitygw
    store = S3IamStore(
        S3Connection(
            endpoint=gateway.s3,
            iam_endpoint=gateway.iam,
            sts_endpoint=gateway.iam,
            region=gateway.region,
            bucket=f"mlflow-{world.id}",
            credentials="Minted",
            token_issuer="https://kubernetes.default.svc",
            access_key_id=gateway.access_key_id,
            secret_access_key=gateway.secret_access_key,
        )
    )
    store.check()
    took = []
    for number in range(WORKSPACES):
        grant = StoreGrant(identity("floor", str(number)), prefix=f"floor/{number}")
        started = time.monotonic()
        store.ensure(grant)
        took.append(time.monotonic() - started)
    return took
