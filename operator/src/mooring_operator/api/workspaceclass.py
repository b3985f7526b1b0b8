"""MlflowWorkspaceClass: what the platform team owns."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from mooring_operator.api.artifactstore import ArtifactStore
from mooring_operator.api.backendstore import BackendStore
from mooring_operator.api.base import ApiModel, Launcher
from mooring_operator.api.conditions import Condition

DEFAULT_CLASS_ANNOTATION: Final = "mooring.dev/is-default-class"

PullPolicy = Annotated[
    Literal["Always", "IfNotPresent", "Never"], Field(description="When the kubelet pulls it.")
]
ResourceList = Annotated[dict[str, Annotated[str, Field(max_length=32)]], Field(max_length=16)]


class Resources(ApiModel):
    """Compute resources of a container."""

    requests: Annotated[ResourceList, Field(description="What is reserved.")] = Field(
        default_factory=dict
    )
    limits: Annotated[ResourceList, Field(description="What may be used at most.")] = Field(
        default_factory=dict
    )


class ContainerImage(ApiModel):
    """An image and how it is pulled."""

    image: Annotated[str, Field(min_length=1, max_length=512, description="Image reference.")]
    image_pull_policy: PullPolicy = "IfNotPresent"


class ServerDefaults(ContainerImage):
    """The tracking server of every workspace of the class."""

    resources: Annotated[Resources, Field(description="Resources of the server container.")] = (
        Resources(
            requests={"cpu": "100m", "memory": "512Mi"},
            limits={"memory": "1Gi"},
        )
    )


class WorkspaceClassSpec(ApiModel):
    """Spec of an MlflowWorkspaceClass."""

    artifact_store: Annotated[ArtifactStore, Field(description="Where artifacts lie.")]
    backend_store: Annotated[BackendStore, Field(description="Where runs are kept.")]
    server: Annotated[ServerDefaults, Field(description="The tracking server.")]
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
