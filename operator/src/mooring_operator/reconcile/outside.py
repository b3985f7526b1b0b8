"""From a class and its admin Secrets to the store and the database server it names."""

import ssl
from collections.abc import Sequence

from mooring.contract import (
    AWS_ACCESS_KEY_ID,
    AWS_REGION,
    AWS_SECRET_ACCESS_KEY,
    AZURE_ACCESS_KEY,
    CA_FILE,
    GOOGLE_KEY_FILE,
    S3_ENDPOINT_URL,
)
from mooring_operator.api import artifactstore, backendstore
from mooring_operator.api.base import CaBundle, SecretRef
from mooring_operator.api.conditions import Finding
from mooring_operator.kube import CONFIG_MAP, SECRET, Kube
from mooring_operator.plan.binding import decoded
from mooring_operator.plan.existing import FORM, DatabaseUri, InvalidUri, parse_database_uri
from mooring_operator.reconcile.world import Blocked
from mooring_operator.stores.azure import AzureBlobStore
from mooring_operator.stores.errors import StoreError
from mooring_operator.stores.gcs import GcsStore
from mooring_operator.stores.measured import measured
from mooring_operator.stores.postgresql import PostgresqlServer
from mooring_operator.stores.postgresql_copies import PostgresqlCopies
from mooring_operator.stores.protocol import (
    ArtifactStore,
    AzureConnection,
    DatabaseConnection,
    DatabaseCopies,
    DatabaseServer,
    GcsConnection,
    Login,
    S3Connection,
    StoreAccess,
)
from mooring_operator.stores.s3_iam import S3IamStore
from mooring_operator.stores.unmanaged import UnmanagedArtifacts, UnmanagedDatabase

USERNAME = "username"
PASSWORD = "password"
KEY = (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)
URI = "uri"
POSTGRESQL = "postgresql"


def artifact_store(
    kube: Kube, store: artifactstore.ArtifactStore, namespace: str = ""
) -> ArtifactStore:
    """The store, with the administrator's credential if it has one; raises Blocked.

    `namespace` is that of the workspace, whose own Secrets lie there.
    """
    match store.chosen:
        case artifactstore.S3Store() as s3:
            return measured(_s3(kube, s3), "s3")
        case artifactstore.AzureStore() as azure:
            return measured(_azure(kube, azure), "azure")
        case artifactstore.GcsStore() as gcs:
            return measured(_gcs(kube, gcs), "gcs")
        case artifactstore.VolumeStore():
            return UnmanagedArtifacts(lambda: StoreAccess({}))
        case artifactstore.ExistingArtifacts() as existing:
            return UnmanagedArtifacts(lambda: _existing(kube, existing, namespace))


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


def _azure(kube: Kube, azure: artifactstore.AzureStore) -> AzureBlobStore:
    field = "spec.artifactStore.azure.adminSecret"
    (key,) = _admin(kube, azure.admin_secret, field, AZURE_ACCESS_KEY)
    return AzureBlobStore(AzureConnection(azure.account, azure.url, key))


def _gcs(kube: Kube, gcs: artifactstore.GcsStore) -> GcsStore:
    field = "class, spec.artifactStore.gcs.keySecret"
    where, values = _found(kube, gcs.key_secret, field)
    key_file = values.get(GOOGLE_KEY_FILE, "")
    if not key_file.strip():
        found = f"the keys {', '.join(sorted(values)) or '(none)'}"
        message = f"{where} has {found}; it must have {GOOGLE_KEY_FILE}"
        raise Blocked(Finding("InvalidSecret", message))
    return GcsStore(GcsConnection(gcs.endpoint, gcs.bucket, key_file))


def database_server(kube: Kube, store: backendstore.BackendStore) -> DatabaseServer:
    """The database server of the class, with the administrator's login; raises Blocked."""
    match store.chosen:
        case backendstore.PostgresqlStore() as server:
            return measured(_postgresql(kube, server), POSTGRESQL)
        case backendstore.SqliteStore() | backendstore.ExistingDatabase():
            return UnmanagedDatabase()


def database_copies(
    kube: Kube, server: backendstore.PostgresqlStore, database: str
) -> DatabaseCopies:
    """The copies of a workspace's database on the server of the class; raises Blocked."""
    return measured(PostgresqlCopies(_postgresql(kube, server), database), POSTGRESQL)


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


def _existing(kube: Kube, existing: artifactstore.ExistingArtifacts, namespace: str) -> StoreAccess:
    """What the team's own Secret says; raises Blocked."""
    ref = SecretRef(name=existing.secret_ref.name, namespace=namespace)
    field = "spec.artifactStore.existing.secretRef"
    values = _secret(kube, ref, field, KEY, optional=(AWS_REGION, S3_ENDPOINT_URL))
    pem = values.pop(CA_FILE, None)
    found = _pem_flaw(pem) if pem is not None else ""
    if found:
        where = f"{field}: Secret {namespace}/{ref.name}, key {CA_FILE}"
        message = f"{where}: {found}; it must hold PEM certificates and nothing else"
        raise Blocked(Finding("InvalidCaBundle", message))
    taken = (*KEY, AWS_REGION, S3_ENDPOINT_URL)
    environment = {key: values[key] for key in taken if key in values}
    return StoreAccess(environment, {CA_FILE: pem} if pem is not None else {})


def existing_database(
    kube: Kube, existing: backendstore.ExistingDatabase, namespace: str
) -> DatabaseUri:
    """The team's own database, into which its login gets; raises Blocked."""
    ref = SecretRef(name=existing.secret_ref.name, namespace=namespace)
    field = "spec.backendStore.existing.secretRef"
    where = f"key {URI} of Secret {namespace}/{ref.name}"
    values = _secret(kube, ref, field, (URI,))
    try:
        found = parse_database_uri(values[URI])
    except InvalidUri as flaw:
        message = f"{field}: {where}: {flaw}; it must be {FORM}"
        raise Blocked(Finding("InvalidSecret", message)) from None
    connection = DatabaseConnection(
        host=found.host,
        port=found.port,
        ssl_mode=found.ssl_mode,
        username="",
        password="",
        where="the {part} in " + where,
    )
    try:
        PostgresqlServer(connection).probe(found.database, Login(found.role, found.password))
    except StoreError as error:
        raise Blocked(Finding(error.reason, f"{field}: {where}: {error.message}")) from None
    return found


def _admin(kube: Kube, ref: SecretRef, field: str, *keys: str) -> list[str]:
    """The values of `keys` in the admin Secret; raises Blocked for what cannot be a credential."""
    values = _secret(kube, ref, f"class, {field}", keys)
    return [values[key] for key in keys]


def _secret(
    kube: Kube, ref: SecretRef, field: str, keys: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, str]:
    """The values of a Secret with `keys`; raises Blocked for what cannot be a credential."""
    where, values = _found(kube, ref, field)
    wanted = " and ".join(keys)
    for key in (*keys, *(key for key in optional if key in values)):
        found = _flaw(values, key)
        if found:
            raise Blocked(Finding("InvalidSecret", f"{where} has {found}; it must have {wanted}"))
    return values


def _found(kube: Kube, ref: SecretRef, field: str) -> tuple[str, dict[str, str]]:
    """A Secret in words, and its values; raises Blocked when it is not there."""
    secret = kube.get(SECRET, ref.namespace, ref.name)
    where = f"{field}: Secret {ref.namespace}/{ref.name}"
    if secret is None:
        raise Blocked(Finding("SecretNotFound", f"{where} does not exist; create it"))
    return where, decoded(secret)


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
