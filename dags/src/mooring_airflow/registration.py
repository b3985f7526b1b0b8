"""The model of a verified run becomes a version of a registered model."""

from dataclasses import replace
from typing import Final

from mooring.finding import Finding
from mooring_airflow.checks import Expectation
from mooring_airflow.client import MlflowClient
from mooring_airflow.errors import MooringError
from mooring_airflow.ref import MlflowRunRef

PATIENCE_S: Final = 60.0


def registered(expected: Expectation, reference: MlflowRunRef, name: str) -> MlflowRunRef:
    """The reference with the version of registered model `name` that its model now is.

    Done twice, it is the same version. Raises MooringError.
    """
    binding = expected.binding
    if reference.model_id is None:
        raise MooringError(
            Finding(
                "NothingToRegister",
                f"register is {name!r}, and run {reference.run_id} of {expected.task} has no "
                "logged model: log one (log_model), or remove register.",
            )
        )
    with MlflowClient(binding.url, PATIENCE_S, binding.login, binding.headers) as client:
        version = client.register(name, reference.model_id, expected.try_tags)
    return replace(reference, registered_model=name, registered_version=version.version)
