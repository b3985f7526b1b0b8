"""MlflowWorkspaceClass: what the platform team owns."""

from typing import Annotated, Any, Final

from pydantic import Field

from mooring_operator.api.artifactstore import ArtifactStore, VolumeStore
from mooring_operator.api.backendstore import BackendStore, SqliteStore
from mooring_operator.api.base import ApiModel, Launcher, rule, rules
from mooring_operator.api.conditions import Condition
from mooring_operator.api.exposure import Exposure
from mooring_operator.api.image import ContainerImage
from mooring_operator.api.lifecycle import DeletionPolicy, RotationDefaults
from mooring_operator.api.monitoring import Monitoring
from mooring_operator.api.network import NetworkAccess
from mooring_operator.api.server import Limits, ServerDefaults

DEFAULT_CLASS_ANNOTATION: Final = "mooring.dev/is-default-class"


class WorkspaceClassSpec(ApiModel):
    """Spec of an MlflowWorkspaceClass; without any store, runs and artifacts lie on a volume."""

    model_config = ApiModel.model_config | {
        "json_schema_extra": rules(
            rule(
                "!has(self.backendStore.sqlite) || has(self.artifactStore.volume)",
                "backendStore.sqlite is a file on the volume: set backendStore.postgresql, or have "
                "artifactStore.volume",
                fieldPath=".backendStore",
            )
        )
    }

    artifact_store: Annotated[ArtifactStore, Field(description="Where artifacts lie.")] = (
        ArtifactStore(volume=VolumeStore())
    )
    backend_store: Annotated[BackendStore, Field(description="Where runs are kept.")] = (
        BackendStore(sqlite=SqliteStore())
    )
    server: Annotated[ServerDefaults, Field(description="The tracking server.")]
    limits: Annotated[
        Limits, Field(description="What a workspace may ask for at most; left out, anything.")
    ] = Limits()
    network_policy: Annotated[
        NetworkAccess, Field(description="Who may reach the tracking servers.")
    ] = NetworkAccess()
    monitoring: Annotated[
        Monitoring | None,
        Field(
            description="Metrics of the tracking servers, and how Prometheus finds them; left out, "
            "there are none. Name its namespace in networkPolicy.alsoFrom."
        ),
    ] = None
    exposure: Annotated[
        Exposure | None,
        Field(
            description="How people outside the cluster reach the tracking servers; left out, not "
            "at all. They ask nobody who they are unless a workspace sets auth; else the Gateway "
            "or the ingress controller must."
        ),
    ] = None
    guard: Annotated[
        ContainerImage, Field(description="The init container that checks a pod's connection.")
    ]
    launchers: Annotated[
        list[Launcher],
        Field(
            max_length=64,
            description="Airflow service accounts that may start pods beside every binding.",
            json_schema_extra={
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["namespace", "serviceAccount"],
            },
        ),
    ] = Field(default_factory=list)
    rotation: Annotated[
        RotationDefaults, Field(description="When the workspaces' credentials are replaced.")
    ] = RotationDefaults()
    deletion_policy: Annotated[
        DeletionPolicy,
        Field(
            description="What becomes of the data of a workspace that is deleted and does not say "
            "so itself (spec.deletionPolicy). Retain: it stays. Delete: it goes for good."
        ),
    ] = "Retain"


class WorkspaceClassStatus(ApiModel):
    """Status of an MlflowWorkspaceClass."""

    observed_generation: Annotated[int, Field(description="Generation last reconciled.")] = 0
    conditions: Annotated[
        list[Condition], Field(max_length=16, description="Ready: the admin connections work.")
    ] = Field(default_factory=list)


def is_default(manifest: dict[str, Any]) -> bool:
    """Whether a live class object is marked as the default, as StorageClasses are."""
    annotations = manifest["metadata"].get("annotations", {})
    return bool(annotations.get(DEFAULT_CLASS_ANNOTATION) == "true")
