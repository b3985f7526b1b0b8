"""What the reconcilers ask of an artifact store and of a database server.

Every method is synchronous, level-based and may run twice: it compares first, and writes nothing
when all is as wanted. Every method raises `errors.StoreError` and nothing else.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol
from urllib.parse import parse_qs

from mooring.contract import AWS_ACCESS_KEY_ID, AZURE_CONNECTION_STRING


@dataclass(frozen=True, slots=True)
class S3Connection:
    """The bucket of a workspace class or of one workspace, and the administrator's way to it.

    `bucket` is empty where each workspace has one and none is named. `owner` is the mark of the
    workspace that has the bucket for itself, see `names.identity`; None for one that is shared.
    `cluster` is what tells the caller's cluster from others that use the store, None for nobody's.
    `endpoint`, `iam_endpoint` and `sts_endpoint` are URLs, None on AWS itself. `token_issuer` is
    the issuer of the cluster's service account tokens; it is used for WorkloadIdentity only. `ca`
    are the authorities to trust, as PEM; None for the public ones. `kms_key` is the ARN of the key
    that objects are encrypted with, None where no client has to name one.
    """

    endpoint: str | None
    iam_endpoint: str | None
    sts_endpoint: str | None
    region: str
    bucket: str
    credentials: Literal["WorkloadIdentity", "Minted"]
    token_issuer: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    ca: str | None = field(default=None, repr=False)
    kms_key: str | None = None
    owner: str | None = None
    cluster: str | None = None

    @property
    def bucket_field(self) -> str:
        """The field that names the bucket, for messages."""
        return f"artifactStore.s3.{'bucketTemplate' if self.owner else 'bucket'}"


@dataclass(frozen=True, slots=True)
class AzureConnection:
    """A storage account, and the key to all of it.

    `endpoint` is the URL of its Blob service without a slash at its end; `account_key` is in
    base64, as Azure gives it.
    """

    account: str
    endpoint: str
    account_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class GcsConnection:
    """A bucket of Google Cloud Storage, and the key file of a service account for its objects.

    `endpoint` is a URL, None at Google itself.
    """

    endpoint: str | None
    bucket: str
    key_file: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoreGrant:
    """What one workspace may do in the bucket.

    `identity` is the name of its role or user, see `names.identity`; on Azure, of its container.
    `prefix` is where its objects lie, without a slash at either end. `subjects` are patterns of
    the token subjects that may assume the role, see `names.subject`; empty with Minted.
    `held_key_id` is the id of the credential that the caller keeps in its Secret, see
    `held_key_id`, None when it keeps none. `retiring_key_ids` are those that it kept before and
    that must work on.
    """

    identity: str
    prefix: str
    subjects: tuple[str, ...] = ()
    held_key_id: str | None = None
    retiring_key_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoreAccess:
    """What the holder of a grant sets in its environment, by the names of `mooring.contract`.

    WorkloadIdentity: `env` is always {AWS_ROLE_ARN}. Minted: {AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY} of a key, or {AZURE_CONNECTION_STRING} with a SAS, that was made just
    now and must be kept before anything else; or None: what the caller holds is live, keep it.
    Google: {}, and the key as a file. `files` are to be mounted at `mooring.contract.MOUNT_PATH`,
    by name. `held_works` says that what is held may work on, though `env` has another in its place.
    """

    env: Mapping[str, str] | None = field(repr=False)
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    held_works: bool = False


def held_key_id(env: Mapping[str, str]) -> str | None:
    """Id of the credential in `env`, by the names of `mooring.contract`; None when it has none.

    It is the id of the access key, or on Azure of the stored access policy behind the SAS.
    """
    sas = env.get(AZURE_CONNECTION_STRING, "").partition("SharedAccessSignature=")[2]
    return env.get(AWS_ACCESS_KEY_ID) or next(iter(parse_qs(sas).get("si", ())), None)


class ArtifactStore(Protocol):
    """A bucket in which every workspace has a prefix of its own."""

    def check(self) -> None:
        """Prove the administrator's connection; make the bucket when it is missing."""

    def ensure(self, grant: StoreGrant) -> StoreAccess:
        """Make the bucket, the role or user, its policy and its trust as `grant` says.

        Credentials that are neither held nor retiring are deleted. A new one is made when the
        held one is not live.
        """

    def revoke_leftover(self, identity: str) -> None:
        """Delete what `identity` was before the class changed its kind of credentials.

        The user where there is a role now, the role where there is a user now.
        """

    def revoke(self, identity: str) -> None:
        """Delete what `ensure` made for `identity`, and every credential of it; keep objects."""


@dataclass(frozen=True, slots=True)
class DatabaseConnection:
    """A database server, and the administrator's way to it. `ssl_mode` is libpq's sslmode.

    `ca` are the authorities to trust, as PEM, where `ssl_mode` is verify-ca or verify-full.
    `where` and `ca_where` are the places in which a person wrote them, for messages. `cluster` is
    what tells the caller's cluster from others that use the server, None where nothing is made.
    """

    host: str
    port: int
    ssl_mode: str
    username: str
    password: str = field(repr=False)
    where: str = "backendStore.postgresql.{part}"
    ca: str | None = field(default=None, repr=False)
    ca_where: str = "backendStore.postgresql.caBundle"
    cluster: str | None = None

    def named(self, part: str) -> str:
        """The place of host, port or sslMode, for a message."""
        return self.where.format(part=part)


@dataclass(frozen=True, slots=True)
class Login:
    """A role that can log in, and the password that the caller has chosen for it."""

    role: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DatabaseGrant:
    """The database of one workspace and the logins to it.

    The names come from `names.database_names`. `migration` may change the schema, as `owner`;
    `runtime` reads and writes rows through `access` and owns nothing. `connection_limit` is the
    number of connections that `runtime` may have at once. The experiments of the workspace
    keep their artifacts under `artifact_root`; None where nobody knows it yet.
    """

    database: str
    owner: str
    access: str
    migration: Login
    runtime: Login
    connection_limit: int
    artifact_root: str | None = None


@dataclass(frozen=True, slots=True)
class Stray:
    """An experiment that keeps its artifacts elsewhere than its workspace does."""

    name: str
    location: str


@dataclass(frozen=True, slots=True)
class Strays:
    """Some of the experiments that keep their artifacts elsewhere, and how many there are."""

    named: tuple[Stray, ...] = ()
    total: int = 0


@dataclass(frozen=True, slots=True)
class Lost:
    """Something that was lost, or lies where it will be; `run` is None for a whole experiment.

    `detail` is the logged model that is not READY, or the place where the artifacts are.
    """

    experiment: str
    run: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class Losses:
    """How many losses of a type there are, and the newest of them.

    ModelNotReady: runs that are FINISHED with logged models that are not. ArtifactsElsewhere: runs
    whose artifacts lie outside of the workspace. ExperimentLocal: experiments whose artifacts stay
    in whichever pod logs there.
    """

    type: str
    total: int
    newest: tuple[Lost, ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """What a database tells of experiments and runs whose artifacts are lost or elsewhere.

    With `in_pods` there are runs that have not ended and name the pod that they run in.
    """

    strays: Strays = Strays()
    losses: tuple[Losses, ...] = ()
    in_pods: bool = False


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run that has not ended: the values of its tags for pod and binding.

    `sign_of_life` is when it was last heard of, by its heartbeat or a metric; None if never.
    """

    id: str
    pod: str
    binding: str | None
    sign_of_life: datetime | None


@dataclass(frozen=True, slots=True)
class PodRun:
    """A run that names its pod: the values of its tags for pod and binding, and its status.

    `model` is the name of a logged model of it that is not READY; None where there is none.
    """

    id: str
    pod: str
    binding: str | None
    status: str
    model: str | None


@dataclass(frozen=True, slots=True)
class Closing:
    """The end of a run: its status, why in a few words, and when."""

    run: str
    status: Literal["FAILED", "KILLED"]
    why: str
    at: datetime


class DatabaseRuns(Protocol):
    """The runs of one workspace."""

    def open(self) -> list[OpenRun]:
        """Those that have not ended and name their pod, the oldest first."""

    def of_pods(self, names: Sequence[str], owners: Sequence[str]) -> list[PodRun]:
        """The runs of pods with these names, and of those whose names begin with `OWNER-`."""

    def close(self, closings: Iterable[Closing]) -> list[str]:
        """End these runs, unless they have ended meanwhile; the ids of those that it ended."""


class DatabaseCopies(Protocol):
    """Copies of one workspace's database, each from before an upgrade of its schema.

    Raises StoreError with BUSY while somebody is connected to the database.
    """

    def names(self) -> list[str]:
        """The copies there are, the newest first."""

    def make(self, migration: Login, keep: int) -> str:
        """Copy the database unless its schema has a copy; its name. Only `keep` copies stay."""

    def restore(self, copy: str, migration: Login, owner: str) -> None:
        """Put `copy` in the database's place, which stays under another name."""

    def drop(self) -> None:
        """Drop every copy, and what a restore has put aside."""


class DatabaseServer(Protocol):
    """A database server on which every workspace has a database and logins of its own."""

    def check(self) -> None:
        """Prove that the administrator can log in and may make databases and roles."""

    def connections(self) -> int | None:
        """How many connections it takes of logins like ours; None where nobody shares it."""

    def ensure(self, grant: DatabaseGrant) -> Audit:
        """Make roles, database and privileges as `grant` says, and prove both logins.

        The answer is of the experiments and runs that are there; see `DatabaseGrant.artifact_root`.
        """

    def probe(self, database: str, login: Login, root: str | None = None) -> Audit:
        """Prove that `login` gets into `database`; what lies outside of `root` or is lost."""

    def revoke(self, roles: tuple[str, ...], owner: str) -> None:
        """Cut the sessions of the login roles and drop them; database and `owner` stay."""
