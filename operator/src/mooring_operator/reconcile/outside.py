"""From a class and its admin Secrets to the store and the database server it names."""

import ssl

from mooring.contract import AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY
from mooring_operator.api import artifactstore, backendstore
from mooring_operator.api.base import CaBundle, SecretRef
from mooring_operator.api.conditions import Finding
from mooring_operator.kube import CONFIG_MAP, SECRET, Kube
from mooring_operator.plan.binding import decoded
from mooring_operator.reconcile.world import Blocked
from mooring_operator.stores.postgresql import PostgresqlServer
from mooring_operator.stores.postgresql_copies import PostgresqlCopies
from mooring_operator.stores.protocol import (
    ArtifactStore,
    DatabaseConnection,
    DatabaseCopies,
    DatabaseServer,
    S3Connection,
)
from mooring_operator.stores.s3_iam import S3IamStore
from mooring_operator.stores.volume import VolumeArtifacts, VolumeDatabase

USERNAME = "username"
PASSWORD = "password"


def artifact_store(kube: Kube, store: artifactstore.ArtifactStore) -> ArtifactStore:
    """The store of the class, with the administrator's credential; raises Blocked."""
    match store.chosen:
        case artifactstore.S3Store() as s3:
            return _s3(kube, s3)
        case artifactstore.VolumeStore():
            return VolumeArtifacts()


def _s3(kube: Kube, s3: artifactstore.S3Store) -> S3IamStore:
    field = "spec.artifactStore.s3.adminSecret"
    key_id, key = _admin(kube, s3.admin_secret, field, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)
    return S3IamStore(
        S3Connection(
            endpoint=s3.endpoint,
            iam_endpoint=s3.iam.endpoint if s3.iam else None,
            sts_endpoint=s3.sts.endpoint if s3.sts else None,
            region=s3.region,
            bucket=s3.bucket,
            credentials=s3.credentials,
            token_issuer=s3.token_issuer,
            access_key_id=key_id,
            secret_access_key=key,
            ca=_ca(kube, s3.ca_bundle, "spec.artifactStore.s3.caBundle"),
        )
    )


def database_server(kube: Kube, store: backendstore.BackendStore) -> DatabaseServer:
    """The database server of the class, with the administrator's login; raises Blocked."""
    match store.chosen:
        case backendstore.PostgresqlStore() as server:
            return _postgresql(kube, server)
        case backendstore.SqliteStore():
            return VolumeDatabase()


def database_copies(
    kube: Kube, server: backendstore.PostgresqlStore, database: str
) -> DatabaseCopies:
    """The copies of a workspace's database on the server of the class; raises Blocked."""
    return PostgresqlCopies(_postgresql(kube, server), database)


def _postgresql(kube: Kube, postgresql: backendstore.PostgresqlStore) -> PostgresqlServer:
    field = "spec.backendStore.postgresql.adminSecret"
    username, password = _admin(kube, postgresql.admin_secret, field, USERNAME, PASSWORD)
    return PostgresqlServer(
        DatabaseConnection(
            host=postgresql.host,
            port=postgresql.port,
            ssl_mode=postgresql.ssl_mode,
            username=username,
            password=password,
        )
    )


def _admin(kube: Kube, ref: SecretRef, field: str, *keys: str) -> list[str]:
    """The values of `keys` in the admin Secret; raises Blocked for what cannot be a credential."""
    secret = kube.get(SECRET, ref.namespace, ref.name)
    where = f"class, {field}: Secret {ref.namespace}/{ref.name}"
    if secret is None:
        raise Blocked(Finding("SecretNotFound", f"{where} does not exist; create it"))
    values = decoded(secret)
    wanted = " and ".join(keys)
    for key in keys:
        found = _flaw(values, key)
        if found:
            raise Blocked(Finding("InvalidSecret", f"{where} has {found}; it must have {wanted}"))
    return [values[key] for key in keys]


def _ca(kube: Kube, ref: CaBundle | None, field: str) -> str | None:
    """The authorities that `ref` names, as PEM; raises Blocked for what is none."""
    if ref is None:
        return None
    kind = SECRET if ref.kind == "Secret" else CONFIG_MAP
    live = kube.get(kind, ref.namespace, ref.name)
    where = f"class, {field}: {ref.kind} {ref.namespace}/{ref.name}"
    if live is None:
        raise Blocked(Finding(f"{ref.kind}NotFound", f"{where} does not exist; create it"))
    values = decoded(live) if ref.kind == "Secret" else live.get("data", {})
    pem = values.get(ref.key)
    if pem is None:
        found = ", ".join(sorted(values)) or "(none)"
        message = f"{where} has no key {ref.key!r} but {found}; correct {field}.key"
        raise Blocked(Finding("InvalidCaBundle", message))
    found = _pem_flaw(pem)
    if found:
        message = f"{where}, key {ref.key}: {found}; it must hold PEM certificates and nothing else"
        raise Blocked(Finding("InvalidCaBundle", message))
    return pem


def _pem_flaw(pem: str) -> str:
    """What is wrong with authorities that pods are to get; empty when nothing is."""
    if not pem.strip():
        return "it is empty"
    if not pem.isascii():
        return "there are characters in it that are not ASCII"
    if "PRIVATE KEY" in pem:
        return "there is a private key in it"
    try:
        ssl.create_default_context(cadata=pem)
    except (ssl.SSLError, ValueError) as error:
        return f"it cannot be read ({error})"
    return ""


def _flaw(values: dict[str, str], key: str) -> str:
    """What is wrong with a key of an admin Secret; empty when nothing is."""
    value = values.get(key, "")
    if not value:
        return f"the keys {', '.join(sorted(values)) or '(none)'}"
    if value != value.strip():
        return f"{key} with white space around its value"
    if not value.isprintable() or "\N{REPLACEMENT CHARACTER}" in value:
        return f"{key} with bytes that are no printable text"
    return ""
