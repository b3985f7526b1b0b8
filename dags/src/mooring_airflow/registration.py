"""The model of a verified run becomes a version of a registered model."""

import logging
from dataclasses import replace
from typing import Final

from mooring.finding import Finding
from mooring_airflow.binding import Binding
from mooring_airflow.checks import Expectation
from mooring_airflow.client import MlflowClient, ModelVersion
from mooring_airflow.errors import MooringError
from mooring_airflow.ref import MlflowRunRef

log = logging.getLogger(__name__)

PATIENCE_S: Final = 60.0


def registered(expected: Expectation, reference: MlflowRunRef, name: str) -> MlflowRunRef:
    """The reference with the version of registered model `name` that its model now is.

    Done twice, it is the same version. Raises MooringError.
    """
    if reference.model_id is None:
        raise MooringError(
            Finding(
                "NothingToRegister",
                f"register is {name!r}, and run {reference.run_id} of {expected.task} has no "
                "logged model: log one (log_model of MLflow 3; that of 2.x logs files alone), or "
                "remove register.",
            )
        )
    with MlflowClient.of(expected.binding, PATIENCE_S) as client:
        version = client.register(name, reference.model_id, expected.try_tags)
    return replace(reference, registered_model=name, registered_version=version.version)


def version_of(binding: Binding, reference: MlflowRunRef) -> ModelVersion | None:
    """The version that was registered of the run, by the task or in the pod; None without one.

    Logs and goes on when it cannot be asked for: what is verified does not fail because of it.
    """
    name, number = reference.registered_model, reference.registered_version
    if name is None or number is None:
        return None
    try:
        with MlflowClient.of(binding, PATIENCE_S) as client:
            return client.get_model_version(name, number)
    except MooringError as error:
        log.warning("No DAG is told of version %s of %s: %s", number, name, error)
        return None
