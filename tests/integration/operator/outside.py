"""What is really there at the store and at the database server, and what a pod can do with it."""

from collections.abc import Mapping
from contextlib import closing
from typing import LiteralString

import psycopg
from psycopg.sql import SQL, Identifier

from mooring_operator.kube import SECRET
from mooring_operator.plan.database import RUNTIME_URI
from mooring_operator.stores.names import database_names, identity
from mooring_operator.stores.policies import POLICY_NAME
from mooring_operator.stores.protocol import S3Connection
from tests.integration.operator.world import World, decoded
from tests.integration.stores.s3_client import OK, admin, client, outcome

ABSENT = "NoSuchEntity"


def connection(world: World) -> S3Connection:
    """The store of the class, as its administrator."""
    service = world.versitygw
    return S3Connection(
        endpoint=service.s3,
        iam_endpoint=service.iam,
        sts_endpoint=service.iam,
        region=service.region,
        bucket=f"mlflow-{world.id}",
        credentials="Minted",
        token_issuer=world.issuer,
        access_key_id=service.access_key_id,
        secret_access_key=service.secret_access_key,
    )


def register_issuer(world: World) -> None:
    """Have IAM know the class's token issuer, as a platform team does that pins its certificate.

    The IAM service would fetch it otherwise, and refuses to do so on loopback.
    """
    iam = admin(connection(world), "iam")
    iam.create_open_id_connect_provider(Url=world.issuer, ThumbprintList=["0" * 40])


def put(
    world: World, environment: Mapping[str, str], prefix: str, bucket: str | None = None
) -> str:
    """`OK` when a pod with `environment` can write below `prefix`, else why not.

    In `bucket`, or else in the one of the class.
    """
    store = connection(world)
    pod = client(store, environment)
    return outcome(
        pod.put_object, Bucket=bucket or store.bucket, Key=f"{prefix}/artifact", Body=b"weights"
    )


def objects(world: World, prefix: str) -> list[str]:
    """Keys of all objects below `prefix`."""
    store = connection(world)
    listed = admin(store).list_objects_v2(Bucket=store.bucket, Prefix=f"{prefix}/")
    return [entry["Key"] for entry in listed.get("Contents", [])]


def user_exists(world: World, namespace: str, name: str = "models") -> bool:
    """Whether IAM has a user for the workspace."""
    iam = admin(connection(world), "iam")
    answer = outcome(iam.get_user, UserName=identity(namespace, name))
    assert answer in {OK, ABSENT}
    return answer == OK


def key_ids(world: World, namespace: str, name: str = "models") -> list[str]:
    """Ids of the access keys that IAM has for the workspace."""
    iam = admin(connection(world), "iam")
    listed = iam.list_access_keys(UserName=identity(namespace, name))["AccessKeyMetadata"]
    return [key["AccessKeyId"] for key in listed]


def role_exists(world: World, namespace: str, name: str = "models") -> bool:
    """Whether IAM has a role for the workspace."""
    iam = admin(connection(world), "iam")
    answer = outcome(iam.get_role, RoleName=identity(namespace, name))
    assert answer in {OK, ABSENT}
    return answer == OK


def trusted(world: World, namespace: str, name: str = "models") -> list[str]:
    """The token subjects that may assume the workspace's role."""
    iam = admin(connection(world), "iam")
    role = iam.get_role(RoleName=identity(namespace, name))["Role"]
    statement = role["AssumeRolePolicyDocument"]["Statement"][0]
    found = statement["Condition"]["StringLike"][f"{world.issuer.removeprefix('https://')}:sub"]
    return [found] if isinstance(found, str) else sorted(found)


def allowed_objects(world: World, namespace: str, name: str = "models") -> str:
    """The objects that the policy of the workspace's role allows."""
    iam = admin(connection(world), "iam")
    policy = iam.get_role_policy(RoleName=identity(namespace, name), PolicyName=POLICY_NAME)
    return str(policy["PolicyDocument"]["Statement"][0]["Resource"])


def passwords(world: World, namespace: str, name: str = "models") -> dict[str, str]:
    """What the database Secret of the workspace holds."""
    return decoded(world.api.get(SECRET, namespace, f"{name}-mlflow-database"))


def login(world: World, namespace: str, name: str = "models") -> str:
    """The role as which the server of the workspace gets into its database."""
    uri = passwords(world, namespace, name)[RUNTIME_URI].replace("+psycopg2", "")
    with closing(psycopg.connect(uri)) as session:
        row = session.execute("SELECT current_user").fetchone()
    assert row is not None
    return str(row[0])


def logins(world: World, namespace: str, name: str = "models") -> list[str]:
    """The roles with a login that the database server has for the workspace."""
    names = database_names(namespace, name)
    query = "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) AND rolcanlogin ORDER BY 1"
    return ask(world, query, [*names.logins])


def databases(world: World, namespace: str, name: str = "models") -> list[str]:
    """The databases that the server has for the workspace."""
    query = "SELECT datname FROM pg_database WHERE datname = ANY(%s)"
    return ask(world, query, [database_names(namespace, name).database])


def ask(world: World, query: str, names: list[str]) -> list[str]:
    """The first column of what the database server answers about `names`."""
    server = world.postgresql
    with closing(
        psycopg.connect(
            host=server.host, port=server.port, user=server.username, password=server.password,
            dbname="postgres",
        )
    ) as session:  # fmt: skip
        return [str(row[0]) for row in session.execute(query, [names]).fetchall()]


def make_login(world: World, role: str) -> None:
    """Make a role with a password that nobody keeps."""
    execute(world, "CREATE ROLE {} LOGIN PASSWORD 'lost'", role)


def execute(world: World, statement: LiteralString, name: str) -> None:
    """Have the administrator of the database server run a statement on `name`."""
    server = world.postgresql
    with closing(
        psycopg.connect(
            host=server.host, port=server.port, user=server.username, password=server.password,
            dbname="postgres", autocommit=True,
        )
    ) as session:  # fmt: skip
        session.execute(SQL(statement).format(Identifier(name)))
