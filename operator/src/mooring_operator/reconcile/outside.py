"""From a class and its admin Secrets to the store and the database server it names."""

from dataclasses import replace

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
from mooring_operator.api.artifactstore import VolumeStore
from mooring_operator.api.azure import AzureStore, container_name
from mooring_operator.api.base import SecretRef
from mooring_operator.api.conditions import Finding
from mooring_operator.api.external import ExternalArtifacts, ExternalDatabase
from mooring_operator.api.gcs import GcsStore
from mooring_operator.api.s3 import ExistingArtifacts, S3Store, bucket_of
from mooring_operator.kube import Kube
from mooring_operator.plan.existing import FORM, DatabaseUri, InvalidUri, parse_database_uri
from mooring_operator.plan.metadata import Owner
from mooring_operator.reconcile.references import (
    admin_values,
    ca_bundle,
    found_secret,
    own_authorities,
    secret_values,
)
from mooring_operator.reconcile.world import Blocked, ask
from mooring_operator.stores.azure import AzureBlobStore
from mooring_operator.stores.azure_data import AzureData
from mooring_operator.stores.contents import ArtifactData, DatabaseData, Records
from mooring_operator.stores.gcs import GcsBucketStore
from mooring_operator.stores.gcs_data import GcsData
from mooring_operator.stores.measured import measured
from mooring_operator.stores.names import DatabaseNames, identity
from mooring_operator.stores.postgresql import PostgresqlServer
from mooring_operator.stores.postgresql_copies import PostgresqlCopies
from mooring_operator.stores.postgresql_data import PostgresqlData, read
from mooring_operator.stores.postgresql_runs import PostgresqlRuns
from mooring_operator.stores.protocol import (
    ArtifactStore,
    Audit,
    AzureConnection,
    DatabaseConnection,
    DatabaseCopies,
    DatabaseRuns,
    DatabaseServer,
    GcsConnection,
    Login,
    S3Connection,
    StoreAccess,
)
from mooring_operator.stores.s3_data import S3Data
from mooring_operator.stores.s3_iam import S3IamStore
from mooring_operator.stores.unmanaged import UnmanagedArtifacts, UnmanagedDatabase

USERNAME = "username"
PASSWORD = "password"
KEY = (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)
URI = "uri"
POSTGRESQL = "postgresql"


def artifact_store(
    kube: Kube, store: artifactstore.ArtifactStore, workspace: Owner | None = None
) -> ArtifactStore:
    """The store of a workspace, with the administrator's credential if it has one; raises Blocked.

    Without a `workspace` it is the class's, which can be checked only.
    """
    namespace = workspace.namespace if workspace else ""
    match store.chosen:
        case S3Store() as s3:
            return measured(S3IamStore(_s3(kube, s3, workspace)), "s3")
        case AzureStore() as azure:
            return measured(_azure(kube, azure), "azure")
        case GcsStore() as gcs:
            return measured(_gcs(kube, gcs), "gcs")
        case VolumeStore() | ExternalArtifacts():
            return UnmanagedArtifacts(lambda: StoreAccess({}))
        case ExistingArtifacts() as existing:
            return UnmanagedArtifacts(lambda: _existing(kube, existing, namespace))


def asked_of_store(
    kube: Kube, store: artifactstore.ArtifactStore, workspace: Owner
) -> list[str | None] | None:
    """What of the class an answer of its store depends on; raises Blocked.

    None where it has to be asked each time: Google's proves a key, Azure's extends a signature.
    Without secrets: what a wrong one means is for the class to tell, whose pipeline proves it.
    """
    if not isinstance(store.chosen, S3Store):
        return None
    connection = _s3(kube, store.chosen, workspace)
    return [repr(connection), connection.ca]


def asked_of_database(kube: Kube, server: backendstore.PostgresqlStore) -> list[str | None]:
    """The same of the class's database server."""
    connection = _postgresql(kube, server).connection
    return [repr(connection), connection.ca]


def artifact_data(
    kube: Kube, store: artifactstore.ArtifactStore, workspace: Owner
) -> ArtifactData | None:
    """The artifacts of a workspace at the store of its class; raises Blocked.

    None where they lie on a volume, are the team's own, or an external server's.
    """
    namespace, name = workspace.namespace, workspace.name
    match store.chosen:
        case S3Store() as s3:
            prefix = artifactstore.artifact_prefix(s3, namespace, name)
            return measured(S3Data(_s3(kube, s3, workspace), prefix), "s3")
        case AzureStore() as azure:
            container = container_name(namespace, name)
            return measured(AzureData(_azure(kube, azure).connection, container), "azure")
        case GcsStore() as gcs:
            prefix = artifactstore.artifact_prefix(gcs, namespace, name)
            return measured(GcsData(_gcs(kube, gcs).connection, prefix), "gcs")
        case VolumeStore() | ExistingArtifacts() | ExternalArtifacts():
            return None


def _s3(kube: Kube, s3: S3Store, workspace: Owner | None) -> S3Connection:
    field = "spec.artifactStore.s3.adminSecret"
    key_id, key = admin_values(kube, s3.admin_secret, field, *KEY)
    connection = S3Connection(
        endpoint=s3.endpoint,
        iam_endpoint=s3.iam.endpoint if s3.iam else None,
        sts_endpoint=s3.sts.endpoint if s3.sts else None,
        region=s3.region,
        bucket=s3.bucket or "",
        credentials=s3.credentials,
        token_issuer=s3.token_issuer,
        access_key_id=key_id,
        secret_access_key=key,
        ca=ca_bundle(kube, s3.ca_bundle, "spec.artifactStore.s3.caBundle"),
        kms_key=s3.encryption.kms_key_id if s3.encryption else None,
        cluster=kube.cluster(),
    )
    if s3.bucket_template is None or workspace is None:
        return connection
    whose = workspace.namespace, workspace.name
    return replace(connection, bucket=bucket_of(s3, *whose), owner=identity(*whose))


def _azure(kube: Kube, azure: AzureStore) -> AzureBlobStore:
    field = "spec.artifactStore.azure.adminSecret"
    (key,) = admin_values(kube, azure.admin_secret, field, AZURE_ACCESS_KEY)
    return AzureBlobStore(AzureConnection(azure.account, azure.url, key))


def _gcs(kube: Kube, gcs: GcsStore) -> GcsBucketStore:
    field = "class, spec.artifactStore.gcs.keySecret"
    where, values = found_secret(kube, gcs.key_secret, field)
    key_file = values.get(GOOGLE_KEY_FILE, "")
    if not key_file.strip():
        found = f"the keys {', '.join(sorted(values)) or '(none)'}"
        message = f"{where} has {found}; it must have {GOOGLE_KEY_FILE}"
        raise Blocked(Finding("InvalidSecret", message))
    return GcsBucketStore(GcsConnection(gcs.endpoint, gcs.bucket, key_file))


def database_server(kube: Kube, store: backendstore.BackendStore) -> DatabaseServer:
    """The database server of the class, with the administrator's login; raises Blocked."""
    match store.chosen:
        case backendstore.PostgresqlStore() as server:
            return measured(_postgresql(kube, server), POSTGRESQL)
        case backendstore.SqliteStore() | backendstore.ExistingDatabase() | ExternalDatabase():
            return UnmanagedDatabase()


def database_copies(
    kube: Kube, server: backendstore.PostgresqlStore, database: str
) -> DatabaseCopies:
    """The copies of a workspace's database on the server of the class; raises Blocked."""
    return measured(PostgresqlCopies(_postgresql(kube, server), database), POSTGRESQL)


def database_data(
    kube: Kube, server: backendstore.PostgresqlStore, names: DatabaseNames
) -> DatabaseData:
    """A workspace's database on the server of its class; raises Blocked."""
    return measured(PostgresqlData(_postgresql(kube, server), names), POSTGRESQL)


def database_runs(
    kube: Kube, server: backendstore.PostgresqlStore, database: str, login: Login
) -> DatabaseRuns:
    """The runs of a workspace on the database server of its class; raises Blocked."""
    return measured(PostgresqlRuns(_postgresql(kube, server), database, login), POSTGRESQL)


def _postgresql(kube: Kube, postgresql: backendstore.PostgresqlStore) -> PostgresqlServer:
    field = "spec.backendStore.postgresql.adminSecret"
    username, password = admin_values(kube, postgresql.admin_secret, field, USERNAME, PASSWORD)
    return PostgresqlServer(
        DatabaseConnection(
            host=postgresql.host,
            port=postgresql.port,
            ssl_mode=postgresql.ssl_mode,
            username=username,
            password=password,
            ca=database_authorities(kube, postgresql),
            cluster=kube.cluster(),
        )
    )


def database_authorities(kube: Kube, postgresql: backendstore.PostgresqlStore) -> str | None:
    """The authorities to ask about the server's certificate, as PEM; raises Blocked."""
    return ca_bundle(kube, postgresql.ca_bundle, "spec.backendStore.postgresql.caBundle")


def _existing(kube: Kube, existing: ExistingArtifacts, namespace: str) -> StoreAccess:
    """What the team's own Secret says; raises Blocked."""
    ref = SecretRef(name=existing.secret_ref.name, namespace=namespace)
    field = "spec.artifactStore.existing.secretRef"
    values = secret_values(kube, ref, field, KEY, optional=(AWS_REGION, S3_ENDPOINT_URL))
    pem = own_authorities(values, ref, field)
    taken = (*KEY, AWS_REGION, S3_ENDPOINT_URL)
    environment = {key: values[key] for key in taken if key in values}
    return StoreAccess(environment, {CA_FILE: pem} if pem is not None else {})


def existing_database(
    kube: Kube, existing: backendstore.ExistingDatabase, namespace: str, root: str | None
) -> tuple[DatabaseUri, Audit]:
    """The team's own database, into which its login gets; raises Blocked.

    Also what in it lies outside of `root` or is lost, if the root is known.
    """
    server, found, where = _existing_server(kube, existing, namespace)
    login = Login(found.role, found.password)
    audit = ask(lambda: server.probe(found.database, login, root), about=f"{where}: ")
    return found, audit


def existing_records(
    kube: Kube, existing: backendstore.ExistingDatabase, namespace: str, since: int
) -> Records | None:
    """What is in the team's own database, see `contents.DatabaseData.read`; raises Blocked."""
    server, found, where = _existing_server(kube, existing, namespace)

    def look() -> Records | None:
        with server.session(found.database, Login(found.role, found.password)) as session:
            return read(session, since)

    return ask(look, about=f"{where}: ")


def _existing_server(
    kube: Kube, existing: backendstore.ExistingDatabase, namespace: str
) -> tuple[PostgresqlServer, DatabaseUri, str]:
    """The server of the team's own database, the way into it, and where that is written."""
    ref = SecretRef(name=existing.secret_ref.name, namespace=namespace)
    field = "spec.backendStore.existing.secretRef"
    where = f"key {URI} of Secret {namespace}/{ref.name}"
    values = secret_values(kube, ref, field, (URI,))
    try:
        found = parse_database_uri(values[URI], own_authorities(values, ref, field))
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
        ca=found.ca,
        ca_where=f"key {CA_FILE} of that Secret",
    )
    return PostgresqlServer(connection), found, f"{field}: {where}"
