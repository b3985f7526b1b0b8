"""What the schema cannot know is told in a condition, within two seconds of the apply."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from mooring.contract import API_VERSION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY
from mooring_operator.api.workspaceclass import DEFAULT_CLASS_ANNOTATION
from mooring_operator.kube import BINDING, NAMESPACE, WORKSPACE, WORKSPACE_CLASS, Kind
from tests.integration.operator.promptness import Answers, prompt
from tests.integration.operator.world import World, condition, until
from tests.services.process import closed_port

PROMPT_S = 2.0


@pytest.fixture(scope="module")
def answers() -> Iterator[Answers]:
    """What is wrong is told within two seconds."""
    with prompt(PROMPT_S) as answers:
        yield answers


def told(answers: Answers, world: World, kind: Kind, namespace: str, name: str) -> dict[str, Any]:
    """The condition Ready once it is False."""

    def look() -> dict[str, Any]:
        found = condition(world.api.get(kind, namespace, name), "Ready")
        wrong = found.get("status") == "False" and found["reason"] not in {"Waiting", "Running"}
        return found if wrong else {}

    return answers.until(look, "what is wrong")


@dataclass(frozen=True)
class Case:
    """What is wrong with a class, and what its condition and its workspaces' must say."""

    how: str
    spoil: Callable[[World, dict[str, Any]], object]
    reason: str
    says: tuple[str, ...]
    of_its_workspaces: bool = True


def twice(value: str) -> str:
    """The text that is left of `value` when it was encoded twice and decoded once."""
    return base64.b64encode(value.encode()).decode()


def store_admin(**values: str) -> Callable[[World, Any], None]:
    """Have the store's admin Secret hold these values."""
    return lambda world, _: world.secret(world.platform, "store-admin", values)


def database_admin(**values: str) -> Callable[[World, Any], None]:
    """Have the database's admin Secret hold these values."""
    return lambda world, _: world.secret(world.platform, "database-admin", values)


def s3(**fields: Any) -> Callable[[World, dict[str, Any]], None]:
    """Set fields of the store; a callable is given the world."""

    def spoil(world: World, spec: dict[str, Any]) -> None:
        known = {k: v(world) if callable(v) else v for k, v in fields.items()}
        spec["artifactStore"]["s3"] |= known

    return spoil


def postgresql(**fields: Any) -> Callable[[World, dict[str, Any]], None]:
    """Set fields of the database server; a callable is given the world."""

    def spoil(world: World, spec: dict[str, Any]) -> None:
        known = {k: v(world) if callable(v) else v for k, v in fields.items()}
        spec["backendStore"]["postgresql"] |= known

    return spoil


def ca(
    pem: str, key: str = "ca.crt", store: str = "s3", **fields: str
) -> Callable[[World, dict[str, Any]], None]:
    """Have a store of the class name a ConfigMap with this certificate authority."""

    def spoil(world: World, spec: dict[str, Any]) -> None:
        world.config_map(world.platform, "ca", {key: pem})
        named = {"name": "ca", "namespace": world.platform}
        stores = {**spec["artifactStore"], **spec["backendStore"]}
        stores[store] |= {"caBundle": named, **fields}

    return spoil


def powerless(world: World, _: Any) -> None:
    """Have the database's admin be a role that may make nothing."""
    server, role = world.postgresql, f"powerless_{world.id}"
    with psycopg.connect(
        host=server.host, port=server.port, user=server.username, password=server.password,
        dbname="postgres", autocommit=True,
    ) as session:  # fmt: skip
        session.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'powerless'")
    world.secret(world.platform, "database-admin", {"username": role, "password": "powerless"})


def closed(_: World) -> str:
    """An endpoint at which nothing listens."""
    return f"http://127.0.0.1:{closed_port()}"


STORE = "spec.artifactStore.s3.adminSecret"
DATABASE = "spec.backendStore.postgresql.adminSecret"
CASES = (
    Case("no store Secret", lambda world, _: world.drop_secret("store-admin"),
         "SecretNotFound", (STORE, "store-admin does not exist; create it")),
    Case("no database Secret", lambda world, _: world.drop_secret("database-admin"),
         "SecretNotFound", (DATABASE, "database-admin does not exist; create it")),
    Case("secret key misnamed", store_admin(AWS_ACCESS_KEY="x", AWS_SECRET_KEY="y"),
         "InvalidSecret", (STORE, "has the keys AWS_ACCESS_KEY, AWS_SECRET_KEY",
                           "must have AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")),
    Case("user instead of username", database_admin(user="postgres", password="p"),
         "InvalidSecret", (DATABASE, "has the keys password, user", "must have username")),
    Case("empty Secret", database_admin(), "InvalidSecret", (DATABASE, "has the keys (none)")),
    Case("empty value", store_admin(**{AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "y"}),
         "InvalidSecret", (STORE,)),
    Case("line feed", store_admin(**{AWS_ACCESS_KEY_ID: "x", AWS_SECRET_ACCESS_KEY: "y\n"}),
         "InvalidSecret", ("AWS_SECRET_ACCESS_KEY with white space around its value",)),
    Case("no text", store_admin(**{AWS_ACCESS_KEY_ID: "x", AWS_SECRET_ACCESS_KEY: "a\x01b"}),
         "InvalidSecret", ("AWS_SECRET_ACCESS_KEY with bytes that are no printable text",)),
    Case("store key encoded twice",
         lambda world, _: world.store_admin(twice(world.versitygw.secret_access_key)),
         "WrongCredentials",
         ("artifactStore.s3.adminSecret", "AWS_SECRET_ACCESS_KEY looks like base64", "twice?")),
    Case("id of the store key encoded twice",
         lambda world, _: store_admin(**{
             AWS_ACCESS_KEY_ID: twice(world.versitygw.access_key_id),
             AWS_SECRET_ACCESS_KEY: world.versitygw.secret_access_key})(world, None),
         "WrongCredentials", ("AWS_ACCESS_KEY_ID looks like base64 of a text: encoded twice?",)),
    Case("password encoded twice",
         lambda world, _: world.database_admin(twice(world.postgresql.password)),
         "WrongCredentials", ("adminSecret", "password looks like base64 of a text")),
    Case("an unknown key",
         store_admin(**{AWS_ACCESS_KEY_ID: "nobody", AWS_SECRET_ACCESS_KEY: "nothing"}),
         "WrongCredentials", ("does not accept the access key", "correct AWS_ACCESS_KEY_ID")),
    Case("a role that may make nothing", powerless,
         "MissingPrivilege", ("CREATEDB", "CREATEROLE", "powerless_")),
    Case("the store is elsewhere", s3(endpoint=closed),
         "Unreachable", ("does not answer", "artifactStore.s3.endpoint")),
    Case("the IAM API is elsewhere", s3(iam=lambda world: {"endpoint": closed(world)}),
         "Unreachable", ("IAM at", "artifactStore.s3.iam.endpoint")),
    Case("the STS API is elsewhere", s3(sts=lambda world: {"endpoint": closed(world)}),
         "Unreachable", ("STS at", "artifactStore.s3.sts.endpoint"), of_its_workspaces=False),
    Case("the store is a database", s3(endpoint=lambda world: f"http://127.0.0.1:{world.postgresql.port}"),
         "Unreachable", ("artifactStore.s3.endpoint",)),
    Case("the database is elsewhere", postgresql(port=lambda _: closed_port()),
         "Unreachable", ("backendStore.postgresql.host and backendStore.postgresql.port",)),
    Case("no such host", postgresql(host="nosuch.invalid"),
         "UnknownHost", ("nosuch.invalid", "Correct backendStore.postgresql.host")),
    Case("TLS where there is none", postgresql(sslMode="require"),
         "TlsRefused", ("backendStore.postgresql.sslMode",)),
    Case("no CA", s3(caBundle=lambda world: {"name": "ca", "namespace": world.platform}),
         "ConfigMapNotFound", ("spec.artifactStore.s3.caBundle", "does not exist; create it")),
    Case("CA under another key", ca("x", key="tls.crt"),
         "InvalidCaBundle", ("has no key 'ca.crt' but tls.crt", "caBundle.key")),
    Case("CA not PEM", ca("MIIB not a certificate"),
         "InvalidCaBundle", ("cannot be read", "must hold PEM certificates")),
    Case("CA encoded twice", ca(twice("-----BEGIN CERTIFICATE-----\nAAAA\n")),
         "InvalidCaBundle", ("it looks like base64 of a text, encoded twice",)),
    Case("CA empty", ca(" \n"), "InvalidCaBundle", ("it is empty",)),
    Case("CA with a key", ca("-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n"),
         "InvalidCaBundle", ("there is a private key in it",)),
    Case("CA of the database not PEM",
         ca("MIIB not a certificate", store="postgresql", sslMode="verify-ca"),
         "InvalidCaBundle", ("spec.backendStore.postgresql.caBundle", "must hold PEM")),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.how)
def test_what_is_wrong_with_a_class(world: World, answers: Answers, case: Case) -> None:
    world.admin_secrets()
    manifest = world.class_manifest()
    case.spoil(world, manifest["spec"])
    world.api.create(manifest)
    found = told(answers, world, WORKSPACE_CLASS, "", world.class_name)
    assert found["reason"] == case.reason, found
    for part in case.says:
        assert part in found["message"], found["message"]

    if not case.of_its_workspaces:
        return
    team = world.namespace("team")
    world.make_workspace(team)
    of_workspace = told(answers, world, WORKSPACE, team, "models")
    assert of_workspace["reason"] == case.reason, of_workspace
    mend(world)


def mend(world: World) -> None:
    """Put the class right, so that the end of its workspaces can be told to both stores."""
    world.store_admin(world.versitygw.secret_access_key)
    world.database_admin(world.postgresql.password)
    world.drop_class()
    world.api.create(world.class_manifest())


def workspace(namespace: str, name: str = "models", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": "MlflowWorkspace",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def test_two_default_classes(world: World, answers: Answers) -> None:
    world.admin_secrets()
    for name in (f"a-{world.id}", f"b-{world.id}"):
        manifest = world.class_manifest(name=name)
        manifest["metadata"]["annotations"] = {DEFAULT_CLASS_ANNOTATION: "true"}
        world.api.create(manifest)
        world.until_condition(WORKSPACE_CLASS, "", name, "Ready", expected="True")
    team = world.namespace("team")
    world.api.create(workspace(team))
    found = told(answers, world, WORKSPACE, team, "models")
    assert found["reason"] == "NoDefaultClass"
    assert f"2 classes are marked (a-{world.id}, b-{world.id})" in found["message"]
    assert "name a class, or have exactly one marked" in found["message"]


def test_a_default_class_that_is_marked_with_yes(world: World, answers: Answers) -> None:
    world.admin_secrets()
    manifest = world.class_manifest()
    manifest["metadata"]["annotations"] = {DEFAULT_CLASS_ANNOTATION: "yes"}
    world.api.create(manifest)
    # by then the operator also knows that the classes of other tests are gone
    world.class_is("True")
    team = world.namespace("team")
    world.api.create(workspace(team))
    found = told(answers, world, WORKSPACE, team, "models")
    assert f"no class is marked with {DEFAULT_CLASS_ANNOTATION}=true" in found["message"]


def test_a_class_that_is_deleted_under_its_workspaces(world: World, answers: Answers) -> None:
    team = world.ready_workspace()
    world.drop_class()
    found = told(answers, world, WORKSPACE, team, "models")
    assert found["reason"] == "ClassNotFound"
    assert f"there is no MlflowWorkspaceClass '{world.class_name}'" in found["message"]
    told(answers, world, BINDING, team, "models")
    assert world.published(team, "models"), "pods go on"
    world.api.create(world.class_manifest())


def test_two_workspaces_whose_own_bindings_lead_to_each_other(
    world: World, answers: Answers
) -> None:
    world.make_class()
    one, other = world.namespace("one"), world.namespace("other")
    world.make_binding(one, "models", "models", other)
    world.make_binding(other, "models", "models", one)
    world.make_workspace(one)
    world.make_workspace(other)
    for namespace in (one, other):
        found = told(answers, world, WORKSPACE, namespace, "models")
        assert found["reason"] == "NameTaken"
        assert f"MlflowBinding {namespace}/models exists" in found["message"]
        assert "delete or rename it" in found["message"]


def test_the_own_binding_cannot_be_led_elsewhere(world: World) -> None:
    team = world.ready_workspace()
    elsewhere = {"spec": {"workspaceRef": {"name": "models", "namespace": "elsewhere"}}}
    world.api.patch(BINDING, team, "models", elsewhere)
    until(
        lambda: (
            (world.api.get(BINDING, team, "models") or {})["spec"]["workspaceRef"]
            == {"name": "models", "namespace": team}
        ),
        "the binding to lead home",
    )
    world.binding_is(team, "models", "True")


@pytest.mark.parametrize(
    ("name", "reason", "says"),
    [
        ("nobody", "WorkspaceNotFound", "there is no MlflowWorkspace 'nobody' in namespace"),
        ("models", "NotAdmitted", "does not admit namespace"),
    ],
)
def test_what_is_wrong_with_a_binding(
    world: World, answers: Answers, name: str, reason: str, says: str
) -> None:
    world.make_class()
    team, guests = world.namespace("team"), world.namespace("guests")
    world.make_workspace(team)
    world.binding_is(team, "models", "True")
    world.make_binding(guests, "guest", name, team)
    found = told(answers, world, BINDING, guests, "guest")
    assert found["reason"] == reason
    assert "spec.workspaceRef: " in found["message"]
    assert says in found["message"]


def test_a_namespace_that_is_deleted_half_way(world: World, answers: Answers) -> None:
    """No controller ends it here, as when a finalizer of somebody else's hangs."""
    world.make_class()
    team = world.namespace("team")
    world.api.delete(NAMESPACE, "", team)
    live = world.api.get(NAMESPACE, "", team) or {}
    assert live["status"]["phase"] == "Terminating"
    guests = world.namespace("guests")
    world.make_workspace(guests)
    world.make_binding(guests, "late", "models", team)
    found = told(answers, world, BINDING, guests, "late")
    assert found["reason"] == "WorkspaceNotFound"


def test_a_workspace_in_a_namespace_that_ends(world: World, answers: Answers) -> None:
    world.make_class()
    team = world.namespace("team")
    world.make_workspace(team)
    world.workspace_is(team, "False")
    world.api.delete(NAMESPACE, "", team)
    world.api.delete(BINDING, team, "models")
    world.edit_class({"server": {"image": "mooring/server:2"}})
    found = told(answers, world, WORKSPACE, team, "models")
    assert found["reason"] == "Refused"
    assert "because it is being terminated" in found["message"]
