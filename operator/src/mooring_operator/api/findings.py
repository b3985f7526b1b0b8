"""What the operator found lost or elsewhere in a workspace, in its status."""

from typing import Annotated, Literal

from pydantic import Field

from mooring_operator.api.base import ApiModel

FindingType = Literal["ModelNotReady", "ArtifactsElsewhere", "ExperimentLocal"]


class FoundLoss(ApiModel):
    """One run or experiment whose artifacts are lost, or where they will be."""

    experiment: Annotated[str, Field(max_length=64, description="Name of the experiment.")]
    run: Annotated[
        str | None, Field(max_length=64, description="Id of the run; none for an experiment.")
    ] = None
    detail: Annotated[
        str,
        Field(
            max_length=256,
            description="ModelNotReady: the logged model. Else: where the artifacts lie.",
        ),
    ]


class FoundLosses(ApiModel):
    """Findings of one type."""

    type: Annotated[
        FindingType,
        Field(
            description="ModelNotReady: the run is FINISHED, and a model that it logged never "
            "arrived. ArtifactsElsewhere: the artifacts of the run lie outside of artifactRoot. "
            "ExperimentLocal: the artifacts of the experiment stay in whichever pod logs there."
        ),
    ]
    count: Annotated[int, Field(description="How many runs, or experiments, it is true of.")]
    newest: Annotated[
        list[FoundLoss], Field(max_length=10, description="The newest of them, in part.")
    ]


class FindingsStatus(ApiModel):
    """What is lost, or lies elsewhere; looked for every 10 minutes."""

    total: Annotated[int, Field(description="How many findings there are of all types.")]
    types: Annotated[
        list[FoundLosses] | None, Field(max_length=3, description="The findings of each type.")
    ] = None
