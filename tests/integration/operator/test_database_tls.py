"""A database server that proves itself by a certificate of the platform team's authority."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import trustme
from psycopg.sql import SQL, Identifier
from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import OperationalError

from mooring.contract import CA_FILE
from mooring_operator.kube import CRON_JOB, DEPLOYMENT, JOB, SECRET
from mooring_operator.plan.database import MIGRATION_URI, MOUNT_PATH, RUNTIME_URI, VOLUME
from mooring_operator.plan.metadata import MIGRATION
from tests.integration.operator.api import Api, Manifest
from tests.integration.operator.outside import passwords
from tests.integration.operator.process import Operator
from tests.integration.operator.world import World, until
from tests.services.postgresql import Postgresql, postgresql
from tests.services.tls import issue
from tests.services.versitygw import Versitygw

NAME = "localhost"
ADDRESS = "127.0.0.1"


@dataclass(frozen=True)
class TlsDatabase:
    """A server with a certificate for NAME, not for ADDRESS, and the authority that issued it."""

    service: Postgresql
    ca: str


@pytest.fixture(scope="module")
def tls_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsDatabase]:
    issued = issue(tmp_path_factory.mktemp("tls"), NAME)
    with postgresql(issued.files) as service:
        yield TlsDatabase(service, issued.ca)


@pytest.fixture
def tls_world(
    api: Api, operator: Operator, versitygw_service: Versitygw, tls_database: TlsDatabase
) -> Iterator[World]:
    assert operator.alive()
    with closing(World(api, tls_database.service, versitygw_service)) as made:
        yield made


def make_class(world: World, pem: str, host: str = NAME, mode: str = "verify-full") -> None:
    """Make the class, which checks the database server by `pem`."""
    world.admin_secrets()
    hold(world, pem)
    manifest = world.class_manifest()
    manifest["spec"]["backendStore"]["postgresql"] |= {
        "host": host,
        "sslMode": mode,
        "caBundle": {"name": "database-ca", "namespace": world.platform},
    }
    world.api.create(manifest)


def hold(world: World, pem: str) -> None:
    """Have the ConfigMap that the class names hold `pem`."""
    world.config_map(world.platform, "database-ca", {CA_FILE: pem})


def encrypted(world: World, team: str, key: str, authorities: Path) -> bool:
    """Log in with a URI of the database Secret, as a pod would that has this file mounted."""
    uri = passwords(world, team)[key].replace(f"{MOUNT_PATH}/{CA_FILE}", str(authorities))
    engine = create_engine(uri, poolclass=NullPool)
    with engine.connect() as session:
        driver: Any = session.connection.dbapi_connection
        return bool(driver.info.ssl_in_use)


def mounts(pod: Manifest) -> list[tuple[str, str]]:
    """The Secret and the path of the authorities in a pod."""
    found = [v["secret"]["secretName"] for v in pod["volumes"] if v["name"] == VOLUME]
    [container] = pod["containers"]
    paths = [m["mountPath"] for m in container["volumeMounts"] if m["name"] == VOLUME]
    return list(zip(found, paths, strict=True))


@pytest.mark.parametrize(("host", "mode"), [(NAME, "verify-full"), (ADDRESS, "verify-ca")])
def test_every_pod_that_reaches_the_database_checks_its_certificate(
    tls_world: World, tls_database: TlsDatabase, tmp_path: Path, host: str, mode: str
) -> None:
    world, team = tls_world, tls_world.namespace("team")
    make_class(world, tls_database.ca, host, mode)
    world.make_workspace(team, garbageCollection={"schedule": "@daily"})
    world.converge(team)

    mounted = tmp_path / CA_FILE
    mounted.write_text(passwords(world, team)[CA_FILE])
    other = tmp_path / "other.crt"
    other.write_bytes(trustme.CA().cert_pem.bytes())
    for key in (MIGRATION_URI, RUNTIME_URI):
        assert encrypted(world, team, key, mounted)
        with pytest.raises(OperationalError, match="certificate verify failed"):
            encrypted(world, team, key, other)

    server = world.api.get(DEPLOYMENT, team, "models-mlflow")
    collection = world.api.get(CRON_JOB, team, "models-mlflow")
    [migration] = [j for j in world.api.list(JOB, team) if MIGRATION in j["metadata"]["name"]]
    assert server is not None
    assert collection is not None
    for template in (server, migration, collection["spec"]["jobTemplate"]):
        pod = template["spec"]["template"]["spec"]
        assert mounts(pod) == [("models-mlflow-database", MOUNT_PATH)]


def test_authorities_that_change_reach_the_server(
    tls_world: World, tls_database: TlsDatabase
) -> None:
    world, team = tls_world, tls_world.namespace("team")
    make_class(world, tls_database.ca)
    world.make_workspace(team)
    world.converge(team)

    def template() -> Manifest:
        live = world.api.get(DEPLOYMENT, team, "models-mlflow")
        assert live is not None
        return dict(live["spec"]["template"])

    before = template()
    both = tls_database.ca + trustme.CA().cert_pem.bytes().decode()

    hold(world, both)

    until(lambda: passwords(world, team)[CA_FILE] == both, "the new authorities")

    def rolled() -> bool:
        world.converge(team)
        return template() != before

    until(rolled, "a server with them")


@pytest.mark.parametrize(
    ("spoil", "reason", "told"),
    [
        (
            lambda world, _: make_class(world, trustme.CA().cert_pem.bytes().decode()),
            "TlsRefused",
            "backendStore.postgresql.caBundle must hold the authority that issued",
        ),
        (
            lambda world, ca: make_class(world, ca, host=ADDRESS),
            "TlsRefused",
            "Set backendStore.postgresql.host to a name of the certificate, or "
            "backendStore.postgresql.sslMode to verify-ca",
        ),
        (
            lambda world, _: make_class(world, "MIIB not a certificate"),
            "InvalidCaBundle",
            "must hold PEM certificates and nothing else",
        ),
    ],
    ids=["another authority", "another name", "no PEM"],
)
def test_a_server_that_does_not_prove_itself_is_told(
    tls_world: World,
    tls_database: TlsDatabase,
    spoil: Callable[[World, str], None],
    reason: str,
    told: str,
) -> None:
    spoil(tls_world, tls_database.ca)
    found = tls_world.class_is(reason)
    assert told in found["message"]
    assert "backendStore.postgresql" in found["message"]


def test_a_database_of_the_teams_own_proves_itself_too(
    tls_world: World, tls_database: TlsDatabase, tmp_path: Path
) -> None:
    world, team, service = tls_world, tls_world.namespace("team"), tls_database.service
    make_class(world, tls_database.ca)
    name = f"own_{world.id}"
    with psycopg.connect(
        host=NAME, port=service.port, user=service.username, password=service.password,
        dbname="postgres", autocommit=True,
    ) as admin:  # fmt: skip
        admin.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    password = service.password.replace(" ", "%20")
    uri = f"postgresql://{service.username}:{password}@{NAME}:{service.port}/{name}"
    world.secret(team, "own", {"uri": f"{uri}?sslmode=verify-full"})
    world.make_workspace(team, backendStore={"existing": {"secretRef": {"name": "own"}}})
    lacks = world.workspace_is(team, "InvalidSecret", "DatabaseReady")
    assert f"there is no key {CA_FILE} beside it" in lacks["message"]
    assert password not in lacks["message"]

    world.api.delete(SECRET, team, "own")
    other = trustme.CA().cert_pem.bytes().decode()
    world.secret(team, "own", {"uri": f"{uri}?sslmode=verify-full", CA_FILE: other})
    wrong = world.workspace_is(team, "TlsRefused", "DatabaseReady")
    assert f"key {CA_FILE} of that Secret must hold the authority" in wrong["message"]

    world.api.delete(SECRET, team, "own")
    world.secret(team, "own", {"uri": f"{uri}?sslmode=verify-full", CA_FILE: tls_database.ca})
    world.converge(team)
    mounted = tmp_path / CA_FILE
    mounted.write_text(tls_database.ca)
    assert encrypted(world, team, RUNTIME_URI, mounted)
