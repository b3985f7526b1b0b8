"""Secrets stand in Secrets, and nowhere else.

Not in logs, also those of the database server, in statuses, events, annotations, metrics, or on
command lines.
"""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from kubernetes import client, dynamic

from mooring.contract import (
    AUTH_LOGINS_FILE,
    AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY,
    TRACKING_USERNAME,
)
from mooring_operator.kube import SECRET, WORKSPACE
from mooring_operator.plan.auth import STATE_KEY
from mooring_operator.plan.database import RUNTIME_ROLE
from mooring_operator.plan.rotation import ROTATION_KEY
from mooring_operator.reconcile.provision import ACCOUNTS_KEY
from tests.integration.operator.api import Api
from tests.integration.operator.kubelet import fake_kubelet
from tests.integration.operator.process import Operator
from tests.integration.operator.world import World, decoded, until

SHORTEST = 12
"""Keys and passwords are longer; shorter values, such as user names, stand everywhere."""


PUBLIC = {
    AWS_ACCESS_KEY_ID,
    ACCOUNTS_KEY,
    AUTH_LOGINS_FILE,
    ROTATION_KEY,
    RUNTIME_ROLE,
    STATE_KEY,
    TRACKING_USERNAME,
}
"""Keys of Secrets that hold names and times: who may do what, and since when."""


def secrets(world: World, namespaces: list[str]) -> set[str]:
    """Every secret value of the namespaces, plain and as Secrets and URLs hold it."""
    plain = {
        value
        for namespace in namespaces
        for secret in world.api.list(SECRET, namespace)
        for key, value in decoded(secret).items()
        if len(value) >= SHORTEST and key not in PUBLIC
    }
    return written(plain)


def written(plain: set[str]) -> set[str]:
    """The values as they are, and as Secrets, URLs and JSON hold them."""
    return {
        form
        for value in plain
        for form in (
            value,
            base64.b64encode(value.encode()).decode(),
            quote(value, safe=""),
            json.dumps(value)[1:-1],
        )
    }


def everything_else(api: client.ApiClient) -> Iterator[tuple[str, str]]:
    """Name and text of every object of the API server that is no Secret."""
    kinds = dynamic.DynamicClient(api).resources
    for kind in kinds.search():
        listable = "list" in (getattr(kind, "verbs", None) or [])
        if not listable or kind.kind.endswith("List") or kind.kind == "Secret":
            continue
        try:
            items = kind.get().to_dict()["items"]
        except dynamic.exceptions.NotFoundError:
            # a definition that another test made and took away is known to the client's cache
            continue
        for live in items:
            yield f"{kind.kind} {live['metadata']['name']}", json.dumps(live)


def test_no_secret_leaves_the_secrets(
    world: World, api: Api, admin: client.ApiClient, operator: Operator
) -> None:
    team = world.ready_workspace(auth={"basic": {}})
    first, key = secrets(world, [team]), world.published(team, "models")[AWS_SECRET_ACCESS_KEY]
    # what was minted before counts as well as what stands in its place
    world.api.delete(SECRET, team, "models-mlflow-store")
    world.api.delete(SECRET, team, "models-mlflow-database")
    world.api.delete(SECRET, team, "models-mlflow-auth")
    until(lambda: world.published(team, "models").get(AWS_SECRET_ACCESS_KEY) not in {None, key},
          "a new key")  # fmt: skip
    world.converge(team)
    # errors are where secrets like to show up: wrong credentials, with all that is then said
    world.store_admin("a-wrong-key-that-nobody-may-see")
    world.database_admin("a-wrong-password-that-nobody-may-see")
    try:
        other = world.namespace("other")
        world.make_workspace(other)
        world.workspace_is(other, "WrongCredentials", "ArtifactStoreReady")
        world.workspace_is(other, "WrongCredentials", "DatabaseReady")
        fake_kubelet(api, team)
        _assert_hidden(world, admin, operator, first, [team, other])
    finally:
        # no workspace could be deleted otherwise
        world.store_admin(world.versitygw.secret_access_key)
        world.database_admin(world.postgresql.password)
    world.until_condition(WORKSPACE, other, "models", "ArtifactStoreReady", expected="True")


def _assert_hidden(
    world: World, admin: client.ApiClient, operator: Operator, first: set[str], teams: list[str]
) -> None:
    """No secret of `first`, of the teams or of the platform stands anywhere but in a Secret."""
    hidden = first | secrets(world, [*teams, world.platform])
    hidden |= written({"a-wrong-key-that-nobody-may-see", "a-wrong-password-that-nobody-may-see"})
    assert len(hidden) > 8, "there is something to hide"
    sample = next(iter(hidden))
    assert found({sample}, [("Secret", json.dumps(sample))]) == ["Secret"], "it would be found"

    objects = list(everything_else(admin))
    kinds = {name.split()[0] for name, _ in objects}
    assert kinds >= {"MlflowWorkspace", "Job", "Deployment", "Event"}
    log = operator.log.read_text()
    assert "does not accept the access key" in log
    statements = world.postgresql.log.read_text()
    assert "CREATE ROLE" in statements.upper(), "the server logs what it is asked"
    texts = [("log", log), ("statements", statements), *process_texts(operator)]
    assert found(hidden, [*objects, *texts]) == []


def process_texts(operator: Operator) -> list[tuple[str, str]]:
    """Name and text of what the process shows to others."""
    shown = [(path, operator.answer(path)) for path in ("/metrics", "/healthz", "/readyz")]
    return [*shown, ("arguments", Path(f"/proc/{operator.pid}/cmdline").read_text())]


def found(hidden: set[str], texts: list[tuple[str, str]]) -> list[str]:
    """Names of the texts that show one of the secrets."""
    return [name for name, text in texts if any(value in text for value in hidden)]
