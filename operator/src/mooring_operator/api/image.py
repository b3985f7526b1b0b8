"""Images: how they are named and run, and which versions of MLflow there are."""

from typing import Annotated, Literal

from pydantic import Field

from mooring_operator.api.base import ApiModel, ObjectName, matches, rule, rules

PullPolicy = Annotated[
    Literal["Always", "IfNotPresent", "Never"], Field(description="When the kubelet pulls it.")
]
Image = Annotated[
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
Version = Annotated[
    str,
    Field(
        max_length=32,
        json_schema_extra=rules(
            matches(
                r"^[0-9]+(\.[0-9]+){2}((a|b|rc|\.dev|\.post)[0-9]+)?$",
                "a version is one of MLflow with all its parts, as in 3.17.2",
            )
        ),
    ),
]


class ContainerImage(ApiModel):
    """An image and how it is run."""

    image: Image
    image_pull_policy: PullPolicy = "IfNotPresent"
    user: Annotated[
        Literal["Fixed", "Assigned"],
        Field(
            description="Fixed: user 10001, whom the files of the image belong to. Assigned: none "
            "is asked for, and the cluster assigns one, as OpenShift does."
        ),
    ] = "Fixed"


class PullSecret(ApiModel):
    """A Secret to pull images with."""

    name: Annotated[ObjectName, Field(description="Name of the Secret, in every namespace.")]


class OfferedVersion(ApiModel):
    """A version of MLflow that a workspace may ask for."""

    version: Annotated[Version, Field(description="The version of MLflow in the image.")]
    image: Image
