"""Where artifacts lie: the choice among the artifact stores, and the volume, which is ours."""

from typing import Annotated, Literal

from pydantic import Field

from mooring_operator.api.azure import AzureStore
from mooring_operator.api.base import ApiModel, ObjectName, OneOf, OneStore, rule, rules
from mooring_operator.api.external import ExternalArtifacts
from mooring_operator.api.gcs import GcsStore
from mooring_operator.api.s3 import ExistingArtifacts, S3Store


class VolumeStore(ApiModel):
    """A volume for each workspace, for a cluster without an object store.

    Only the tracking server mounts it, so artifacts go through the server.
    """

    storage_class: Annotated[
        ObjectName | None, Field(description="StorageClass; left out, the default one.")
    ] = None
    size: Annotated[
        str,
        Field(
            max_length=32,
            description="Size of the volume of a workspace that is made from now on.",
            json_schema_extra=rules(
                rule(
                    "isQuantity(self) && quantity(self).isGreaterThan(quantity('0'))",
                    "size is a quantity above zero, as in 10Gi",
                )
            ),
        ),
    ] = "10Gi"
    access_mode: Annotated[
        Literal["ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"],
        Field(
            description="Access mode of the volume; one server mounts it at a time anyway. With "
            "ReadWriteOncePod a workspace cannot have garbageCollection, whose pod mounts it too."
        ),
    ] = "ReadWriteOnce"


class OwnArtifactStore(OneOf[ExistingArtifacts]):
    """The artifact store that a workspace uses instead of its class's."""

    existing: Annotated[
        ExistingArtifacts | None, Field(description="A store and a key that the team has.")
    ] = None


Store = S3Store | AzureStore | GcsStore | VolumeStore | ExistingArtifacts | ExternalArtifacts


class ArtifactStore(OneStore[Store]):
    """Where artifacts lie: exactly one store."""

    s3: Annotated[S3Store | None, Field(description="An S3 bucket.")] = None
    azure: Annotated[AzureStore | None, Field(description="A storage account of Azure.")] = None
    gcs: Annotated[GcsStore | None, Field(description="A bucket of Google Cloud Storage.")] = None
    volume: Annotated[
        VolumeStore | None,
        Field(description="A volume of the tracking server, through which artifacts go then."),
    ] = None


class EffectiveArtifactStore(ArtifactStore):
    """The store of one workspace: its class's, its own, or its external server's."""

    existing: ExistingArtifacts | None = None
    external: ExternalArtifacts | None = None


def artifact_prefix(store: S3Store | GcsStore, namespace: str, name: str) -> str:
    """Prefix of a workspace's objects in the bucket, without slashes at its ends."""
    return store.prefix.replace("{namespace}", namespace).replace("{name}", name)
