"""What a tracking server is to be: its class, changed by its team, within limits."""

from dataclasses import replace
from typing import Any

import pytest

from mooring import contract
from mooring_operator.api.server import (
    OWNED_ENVIRONMENT,
    OWNED_PREFIXES,
    EnvVar,
    Limits,
    ServerDefaults,
    ServerSpec,
)
from mooring_operator.plan.connection import Connection, StoreClient
from mooring_operator.plan.database import DatabaseClient
from mooring_operator.plan.jobs import canary_job, migration_job
from mooring_operator.plan.metadata import Manifest, Owner
from mooring_operator.plan.server import ServerPlan, server_objects, service_account
from mooring_operator.plan.sizing import excess, size

WORKSPACE = Owner("MlflowWorkspace", "team-a", "models", "1")
DATABASE = DatabaseClient("1")
STORE = StoreClient("s3://b/team-a/models", dict.fromkeys(contract.SECRET_KEYS, "x"), files={})
CONNECTION = Connection(WORKSPACE, STORE)
PLACED = {
    "nodeSelector": {"pool": "mlflow"},
    "tolerations": [{"key": "mlflow", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {}}},
}


def defaults(**fields: Any) -> ServerDefaults:
    return ServerDefaults.model_validate({"image": "mooring/server:1", **fields})


def spec(**fields: Any) -> ServerSpec:
    return ServerSpec.model_validate(fields)


def deployment(
    server: ServerDefaults, asked: ServerSpec | None = None, environment_digest: str = ""
) -> Manifest:
    asked = asked or spec()
    plan = ServerPlan(server, size(server, asked), asked.env, environment_digest)
    return server_objects(CONNECTION, plan, DATABASE)[-1]


def pod(manifest: Manifest) -> Manifest:
    found: Manifest = manifest["spec"]["template"]["spec"]
    return found


def test_a_team_changes_what_it_names_and_nothing_else() -> None:
    server = defaults(replicas=2)
    asked = spec(resources={"limits": {"memory": "2Gi"}})
    live = deployment(server, asked)
    assert live["spec"]["replicas"] == 2
    assert pod(live)["containers"][0]["resources"] == {
        "requests": {"cpu": "100m", "memory": "512Mi"},
        "limits": {"memory": "2Gi"},
    }
    assert deployment(server, spec(replicas=3))["spec"]["replicas"] == 3


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"replicas": 4}, "spec.server.replicas: found 4, but its class allows at most 3"),
        ({"resources": {"limits": {"memory": "2Gi"}}}, "resources.limits.memory: found 2Gi"),
        ({"resources": {"limits": {"memory": "1048577Ki"}}}, "allows at most 1Gi"),
        ({"resources": {"requests": {"cpu": "1001m"}}}, "spec.server.resources.requests.cpu"),
    ],
)
def test_what_a_class_does_not_allow_is_told(asked: dict[str, Any], told: str) -> None:
    limits = Limits(replicas=3, cpu="1", memory="1Gi")
    found = excess(WORKSPACE, size(defaults(), spec(**asked)), limits)
    assert found is not None
    assert found.reason == "LimitExceeded"
    assert "MlflowWorkspace team-a/models" in found.message
    assert told in found.message
    assert excess(WORKSPACE, size(defaults(), spec(**asked)), Limits()) is None


def test_as_much_as_a_class_allows_is_no_excess() -> None:
    limits = Limits(replicas=3, cpu="1", memory="1Gi")
    asked = spec(replicas=3, resources={"requests": {"cpu": "1000m", "memory": "1024Mi"}})
    assert excess(WORKSPACE, size(defaults(), asked), limits) is None


def test_the_operator_owns_every_variable_that_it_sets() -> None:
    server = defaults()
    plan = ServerPlan(server, size(server, spec()))
    own = {
        variable["name"]
        for connection in (CONNECTION, replace(CONNECTION, artifact_access="Proxied"))
        for variable in pod(server_objects(connection, plan, DATABASE)[-1])["containers"][0]["env"]
    }
    left = {name for name in own if not name.startswith(OWNED_PREFIXES)}
    assert left <= OWNED_ENVIRONMENT
    assert contract.AWS_ACCESS_KEY_ID in own - left


def test_a_changed_value_of_a_secret_changes_the_template() -> None:
    reference = {"secretKeyRef": {"name": "proxy", "key": "url"}}
    variables = [{"name": "HTTPS_PROXY", "valueFrom": reference}, {"name": "TZ", "value": ""}]
    asked = spec(env=variables)
    one, other = (deployment(defaults(), asked, each) for each in ("1", "2"))
    assert pod(one)["containers"][0]["env"][-2:] == [variables[0], {"name": "TZ"}]
    assert pod(one) == pod(other)
    assert one["spec"]["template"] != other["spec"]["template"]
    assert isinstance(asked.env[0], EnvVar)


def test_server_migration_and_canary_run_on_the_nodes_of_the_class() -> None:
    server = defaults(**PLACED)
    jobs = [
        migration_job(WORKSPACE, server, DATABASE),
        canary_job(CONNECTION, server, server, "1"),
    ]
    for manifest in (deployment(server), *jobs):
        assert PLACED.items() <= pod(manifest).items()
    assert not PLACED.keys() & pod(deployment(defaults())).keys()


def test_workers_and_pull_secrets_are_those_of_the_class() -> None:
    server = defaults(workers=3, imagePullSecrets=[{"name": "registry"}])
    env = pod(deployment(server))["containers"][0]["env"]
    assert {"name": "MLFLOW_WORKERS", "value": "3"} in env
    account = service_account(WORKSPACE, server)
    assert account["imagePullSecrets"] == [{"name": "registry"}]


def test_an_assigned_user_is_not_asked_for() -> None:
    fixed, assigned = (
        pod(deployment(defaults(user=user)))["containers"][0]["securityContext"]
        for user in ("Fixed", "Assigned")
    )
    assert fixed["runAsUser"] == 10001
    assert assigned == {name: value for name, value in fixed.items() if name != "runAsUser"}
    assert assigned["runAsNonRoot"] is True
