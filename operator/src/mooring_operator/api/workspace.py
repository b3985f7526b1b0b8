"""MlflowWorkspace: what a team owns."""

from typing import Annotated, Final, Literal

from pydantic import Field

from mooring_operator.api.artifactstore import OwnArtifactStore
from mooring_operator.api.auth import Auth
from mooring_operator.api.backendstore import OwnBackendStore
from mooring_operator.api.base import ApiModel, Name, matches, rule, rules
from mooring_operator.api.conditions import Condition
from mooring_operator.api.findings import FindingsStatus
from mooring_operator.api.lifecycle import (
    AnsweredStatus,
    CredentialsStatus,
    DeletionPolicy,
    DeletionStatus,
    Duration,
    Rotation,
)
from mooring_operator.api.server import ServerSpec

ArtifactAccess = Literal["Direct", "Proxied"]
LABEL_KEY: Final = r"^([-a-z0-9.]+/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"

LabelValues = Annotated[
    dict[
        str,
        Annotated[
            str,
            Field(
                max_length=63,
                json_schema_extra=rules(
                    matches(
                        r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$",
                        "the value of a label is made of letters, digits, '-', '_' and '.', and "
                        "starts and ends with a letter or a digit",
                    )
                ),
            ),
        ],
    ],
    Field(
        max_length=32,
        description="Labels that the namespace must carry, all of them.",
        json_schema_extra=rules(
            rule(
                f"self.all(key, key.matches(r'{LABEL_KEY}'))",
                "the key of a label is a name, perhaps with a domain and '/' before it",
            ),
            rule("size(self) > 0", "name a label; from: All admits every namespace"),
        ),
    ),
]


class NamespaceSelector(ApiModel):
    """Which namespaces, by their labels."""

    match_labels: LabelValues


class AllowedNamespaces(ApiModel):
    """Which namespaces may bind to a workspace, as in the Gateway API."""

    model_config = ApiModel.model_config | {
        "json_schema_extra": rules(
            rule(
                "self.from == 'Selector' ? has(self.selector) : !has(self.selector)",
                "selector goes with from: Selector, and only with it",
            )
        )
    }

    from_: Annotated[
        Literal["Same", "All", "Selector"],
        Field(alias="from", description="Same: only the workspace's own namespace."),
    ] = "Same"
    selector: Annotated[
        NamespaceSelector | None, Field(description="With from: Selector, which namespaces.")
    ] = None

    def admits(self, own: str, namespace: str, labels: dict[str, str]) -> bool:
        """Whether pods of `namespace`, which carries `labels`, may use a workspace of `own`."""
        if namespace == own or self.from_ == "All":
            return True
        if self.selector is None:
            return False
        return self.selector.match_labels.items() <= labels.items()


class GarbageCollection(ApiModel):
    """When runs that were deleted go for good, with their artifacts."""

    schedule: Annotated[
        str,
        Field(
            max_length=64,
            description="When to look, in cron format and the time zone of the cluster, as in "
            "'0 3 * * *' for three in the morning.",
            json_schema_extra=rules(
                rule(
                    "self.matches('^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$') || "
                    "self.matches('^[-0-9A-Za-z*/,?]+( [-0-9A-Za-z*/,?]+){4}$')",
                    "schedule has five fields with one space between them, minute hour day month "
                    "weekday, as in '0 3 * * *', or is one of @hourly, @daily, @weekly, @monthly, "
                    "@yearly",
                )
            ),
        ),
    ]
    older_than: Annotated[
        Duration,
        Field(description="What was deleted longer ago than this goes; until then it comes back."),
    ] = "720h"


class WorkspaceSpec(ApiModel):
    """Spec of an MlflowWorkspace; every field has a default."""

    model_config = ApiModel.model_config | {
        "json_schema_extra": rules(
            rule(
                "has(self.artifactAccess) == has(oldSelf.artifactAccess) && "
                "(!has(self.artifactAccess) || self.artifactAccess == oldSelf.artifactAccess)",
                "artifactAccess cannot be changed: every experiment keeps the place of its "
                "artifacts that it was made with, and pods would no longer reach it. Make another "
                "workspace, and copy to it what it needs",
                fieldPath=".artifactAccess",
            ),
            rule(
                "has(self.artifactStore) == has(oldSelf.artifactStore) && "
                "(!has(self.artifactStore) || "
                "self.artifactStore.existing.uri == oldSelf.artifactStore.existing.uri)",
                "the place of the artifacts cannot be changed: every experiment keeps the one that "
                "it was made with. Make another workspace, and copy to it what it needs",
                fieldPath=".artifactStore",
            ),
            rule(
                "has(self.backendStore) == has(oldSelf.backendStore)",
                "backendStore cannot be set or removed later: the runs would stay behind. Make "
                "another workspace; to move a database, copy it with pg_dump first",
                fieldPath=".backendStore",
            ),
            rule(
                "!has(self.server) || !has(self.server.external) || !has(self.backendStore)",
                "backendStore is for a server that the operator runs: with server.external, its "
                "database is its own; leave it out",
                fieldPath=".backendStore",
            ),
            rule(
                "!has(self.server) || !has(self.server.external) || !has(self.garbageCollection)",
                "garbageCollection is for a server that the operator runs: with server.external, "
                "whoever runs it runs mlflow gc too; leave it out",
                fieldPath=".garbageCollection",
            ),
            rule(
                "!has(self.server) || !has(self.server.external) || !has(self.auth)",
                "auth is for a server that the operator runs: with server.external, that server "
                "decides who gets in, and server.external.secretRef has the login; leave it out",
                fieldPath=".auth",
            ),
            rule(
                "!has(self.server) || !has(self.server.external) || !has(self.artifactStore) || "
                "(has(self.artifactAccess) && self.artifactAccess == 'Direct')",
                "with server.external, the server keeps the artifacts, and artifactStore is for "
                "pods that write to the store themselves: set artifactAccess: Direct, or leave "
                "artifactStore out",
                fieldPath=".artifactStore",
            ),
        )
    }

    class_name: Annotated[
        Name | None,
        Field(description="The MlflowWorkspaceClass; left out, the class marked as default."),
    ] = None
    artifact_store: Annotated[
        OwnArtifactStore | None,
        Field(description="An artifact store of the team's own; left out, the class's."),
    ] = None
    backend_store: Annotated[
        OwnBackendStore | None,
        Field(description="A database of the team's own; left out, the class's."),
    ] = None
    artifact_access: Annotated[
        ArtifactAccess | None,
        Field(
            description="Direct: pods talk to the artifact store themselves, which is fastest. "
            "Proxied: the tracking server does, and pods hold nothing of the store. Left out, "
            "Direct; with server.external Proxied, and Direct where that server has "
            "artifactStore, or the class's store, as its own artifact root."
        ),
    ] = None
    allowed_namespaces: Annotated[
        AllowedNamespaces, Field(description="Which namespaces may bind to this workspace.")
    ] = AllowedNamespaces()
    server: Annotated[ServerSpec, Field(description="The tracking server.")] = ServerSpec()
    auth: Annotated[
        Auth | None,
        Field(
            description="Whom the tracking server answers; left out, everybody who reaches it. "
            "Pods that were started before it is set have no login, and are refused from then on."
        ),
    ] = None
    rotation: Annotated[
        Rotation, Field(description="When the credentials of the workspace are replaced.")
    ] = Rotation()
    deletion_policy: Annotated[
        DeletionPolicy | None,
        Field(
            description="What becomes of the data when the workspace, or its namespace, is "
            "deleted. Retain: artifacts and runs stay where they are (a volume only as long as "
            "its namespace). Delete: they go for good, every object below the workspace's prefix "
            "in every version, or its container or volume, and its database with all copies; "
            "never what artifactStore.existing, backendStore.existing and server.external name. "
            "Credentials are revoked either way. Left out, as the class says."
        ),
    ] = None
    suspend: Annotated[
        bool,
        Field(
            description="With true the operator leaves the workspace as it is: nothing is changed, "
            "healed or rotated. Deletion still works."
        ),
    ] = False
    garbage_collection: Annotated[
        GarbageCollection | None,
        Field(
            description="Remove runs that were deleted, with their artifacts, after a while; left "
            "out, they stay."
        ),
    ] = None


class BindingRef(ApiModel):
    """The Secret with the connection, as the Service Binding specification names it."""

    name: Annotated[str, Field(max_length=253, description="Name of the Secret.")]


class WorkspaceStatus(ApiModel):
    """Status of an MlflowWorkspace."""

    observed_generation: Annotated[int, Field(description="Generation last reconciled.")] = 0
    url: Annotated[str | None, Field(max_length=512, description="The tracking URI.")] = None
    external_url: Annotated[
        str | None, Field(max_length=512, description="The same outside the cluster, if exposed.")
    ] = None
    artifact_root: Annotated[
        str | None, Field(max_length=1024, description="Where the artifacts lie.")
    ] = None
    class_name: Annotated[
        str | None,
        Field(max_length=253, description="The class that it was provisioned from."),
    ] = None
    binding: Annotated[
        BindingRef | None, Field(description="Provisioned service of the workspace's own binding.")
    ] = None
    credentials: Annotated[
        CredentialsStatus | None, Field(description="The credentials of store, database and users.")
    ] = None
    findings: Annotated[
        FindingsStatus | None,
        Field(
            description="Runs and experiments whose artifacts are lost or lie elsewhere, where the "
            "operator reads the database. One goes with its cause: delete the run, the model or "
            "the experiment, or log it anew."
        ),
    ] = None
    answered: Annotated[
        AnsweredStatus | None,
        Field(
            description="What the object store and the database server of the class have answered. "
            "An operator that starts asks the same of them again within a minute, and anything "
            "else at once."
        ),
    ] = None
    deletion: Annotated[
        DeletionStatus | None,
        Field(
            description="What the deletion of the workspace takes along: written before it begins, "
            "and whenever the annotation mooring.dev/list-deletion gets another value."
        ),
    ] = None
    conditions: Annotated[
        list[Condition],
        Field(
            max_length=16,
            description="Ready, DatabaseReady, ArtifactStoreReady, ServerAvailable, "
            "RoundTripVerified (of these, DatabaseReady and ServerAvailable only for a server "
            "that the operator runs); ArtifactRootsMatch, where the operator reads the database: "
            "it names experiments that keep artifacts elsewhere, and Ready does not depend on it; "
            "Exposed and Monitored, where the class asks for it; "
            "Suspended, while spec.suspend is set.",
        ),
    ] = Field(default_factory=list)
