"""MlflowWorkspaceClass: what the platform team owns."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from mooring_operator.api.artifactstore import ArtifactStore
from mooring_operator.api.backendstore import BackendStore
from mooring_operator.api.base import ApiModel, Launcher, matches, rule, rules
from mooring_operator.api.conditions import Condition

DEFAULT_CLASS_ANNOTATION: Final = "mooring.dev/is-default-class"

PullPolicy = Annotated[
    Literal["Always", "IfNotPresent", "Never"], Field(description="When the kubelet pulls it.")
]
Quantity = Annotated[
    str,
    Field(
        max_length=32,
        json_schema_extra=rules(
            rule(
                "isQuantity(self) && !quantity(self).isLessThan(quantity('0'))",
                "a quantity is a number with perhaps a unit, as in 500m, 2 or 1Gi",
            )
        ),
    ),
]
ResourceList = Annotated[
    dict[str, Quantity],
    Field(
        max_length=16,
        json_schema_extra=rules(
            rule(
                "self.all(key, key in ['cpu', 'memory', 'ephemeral-storage'] || "
                "key.startsWith('hugepages-') || key.contains('/'))",
                "a resource is cpu, memory, ephemeral-storage, hugepages-SIZE or one of a device "
                "plugin, as in example.com/gpu",
            )
        ),
    ),
]


class Resources(ApiModel):
    """Compute resources of a container."""

    model_config = ApiModel.model_config | {
        "json_schema_extra": rules(
            rule(
                "!has(self.requests) || !has(self.limits) || self.requests.all(key, "
                "!(key in self.limits) || !isQuantity(self.requests[key]) || "
                "!isQuantity(self.limits[key]) || "
                "!quantity(self.requests[key]).isGreaterThan(quantity(self.limits[key])))",
                "what is requested is at most what limits allows",
            )
        )
    }

    requests: Annotated[ResourceList, Field(description="What is reserved.")] = Field(
        default_factory=dict
    )
    limits: Annotated[ResourceList, Field(description="What may be used at most.")] = Field(
        default_factory=dict
    )


class ContainerImage(ApiModel):
    """An image and how it is pulled."""

    image: Annotated[
        str,
        Field(
            max_length=512,
            description="Image reference.",
            json_schema_extra=rules(
                matches(
                    r"^[A-Za-z0-9][-A-Za-z0-9_.:/@]*[A-Za-z0-9]$",
                    "an image is a reference as in registry.example.com/mooring/server:1.0",
                ),
                rule("!self.contains('://')", "an image has no scheme: leave https:// out"),
            ),
        ),
    ]
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
