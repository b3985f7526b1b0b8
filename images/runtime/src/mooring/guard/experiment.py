"""Checks of what runs are logged to: the experiment, and the run where the pod goes on with one.

MLflow's client looks at these names when a run starts. What it finds wrong then is an error in the
training's own code, and with autologging a mere warning: the pod ends with 0 and logged nothing.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from mooring import contract
from mooring.finding import Finding
from mooring.guard.http import Http
from mooring.guard.reasons import Reason
from mooring.guard.tracking import DEFAULT_EXPERIMENT, ask, location_of, look, server
from mooring.location import lies_under

CREATE: Final = "/api/2.0/mlflow/experiments/create"
BY_NAME: Final = "/api/2.0/mlflow/experiments/get-by-name?experiment_name="
BY_ID: Final = "/api/2.0/mlflow/experiments/get?experiment_id="
RUN: Final = "/api/2.0/mlflow/runs/get?run_id="


def experiment_is_the_workspaces(environ: Mapping[str, str], http: Http) -> Finding | None:
    """The experiment of MLFLOW_EXPERIMENT_NAME is there, and lies under the artifact root.

    The location is fixed when an experiment is made; a wrong one sends artifacts elsewhere while
    every run still says FINISHED. It is made here, because MLflow's client looks for it and then
    makes it: of parallel pods all but one would fail, with autolog only by a warning.
    """
    name = environ.get(contract.EXPERIMENT_NAME)
    if not name:
        return None
    found = _named(environ, http, name)
    if isinstance(found, Finding):
        return found
    if found.get("experiment", {}).get("lifecycle_stage") == "deleted":
        return Finding(
            Reason.EXPERIMENT_DELETED,
            f"the experiment {name!r} of {server(environ)} was deleted, and keeps its name until "
            "it is removed for good: no run can be logged to it.",
            f"Restore it (mlflow experiments restore), or set {contract.EXPERIMENT_NAME}, or "
            "spec.experiment of the MlflowBinding, to another one.",
        )
    location, root = location_of(found), environ[contract.ARTIFACT_ROOT]
    if lies_under(location, root):
        return None
    return Finding(
        Reason.EXPERIMENT_ELSEWHERE,
        f"the experiment {name!r} of {server(environ)} keeps its artifacts at "
        f"{location or 'an unknown place'}, not under {root}, and that cannot be changed.",
        f"Rename or delete it, or set {contract.EXPERIMENT_NAME} to another one."
        f"{_root_of_an_external_server(environ)}",
    )


def experiment_id_is_the_named_ones(environ: Mapping[str, str], http: Http) -> Finding | None:
    """MLFLOW_EXPERIMENT_ID, where it is set, is that of the experiment that the name is of.

    A binding always gives a name, and MLflow's client takes no run where the two differ.
    """
    wanted, name = environ.get(contract.EXPERIMENT_ID), environ.get(contract.EXPERIMENT_NAME)
    if not wanted or not name:
        return None
    named = _named(environ, http, name)
    if isinstance(named, Finding):
        return named
    if named.get("experiment", {}).get("experiment_id") == wanted:
        return None
    # its database would not even compare anything else with an id
    found = ask(environ, http, f"{BY_ID}{wanted}") if wanted.isdecimal() else {}
    if isinstance(found, Finding):
        return found
    other = (found.get("experiment") or {}).get("name")
    what = f"that of the experiment {other!r}" if other else "that of no experiment"
    instead = f" Set {contract.EXPERIMENT_NAME} to {other!r} instead." if other else ""
    return Finding(
        Reason.EXPERIMENT_ID_WRONG,
        f"{contract.EXPERIMENT_ID} is {wanted!r}, which is {what} of {server(environ)}, while "
        f"{contract.EXPERIMENT_NAME} is {name!r}: MLflow logs nothing where the two differ.",
        f"Take {contract.EXPERIMENT_ID} out of the pod: the name, which the binding gives, is "
        f"enough.{instead}",
    )


def run_can_go_on(environ: Mapping[str, str], http: Http) -> Finding | None:
    """The run of MLFLOW_RUN_ID, where that is set, is there, and keeps its artifacts as it should.

    It may be of another experiment than the pod's: MLflow goes on with it where it is.
    """
    run = environ.get(contract.RUN_ID)
    if not run:
        return None
    found = ask(environ, http, RUN + quote(run, safe=""))
    if isinstance(found, Finding):
        return found
    info = (found.get("run") or {}).get("info") or {}
    instead = f"Take {contract.RUN_ID} out of the pod, or set it to a run that is there"
    if not info:
        return Finding(
            Reason.RUN_UNKNOWN,
            f"{contract.RUN_ID} is {run!r}, and {server(environ)} has no such run: nothing can be "
            "logged to it.",
            f"{instead}.",
        )
    if info.get("lifecycle_stage") == "deleted":
        return Finding(
            Reason.RUN_DELETED,
            f"{contract.RUN_ID} is {run!r}, a run of {server(environ)} that was deleted: nothing "
            "can be logged to it.",
            f"{instead}, or restore it (mlflow runs restore --run-id {run}).",
        )
    location, root = info.get("artifact_uri", ""), environ[contract.ARTIFACT_ROOT]
    if lies_under(location, root):
        return None
    return Finding(
        Reason.RUN_ELSEWHERE,
        f"{contract.RUN_ID} is {run!r}, a run of {server(environ)} that keeps its artifacts at "
        f"{location or 'an unknown place'}, not under {root}, and that cannot be changed.",
        f"{instead}.",
    )


def experiment_location(environ: Mapping[str, str], http: Http) -> str | Finding:
    """Where the pod's experiment keeps its artifacts, which `experiment_is_the_workspaces` made."""
    name = environ.get(contract.EXPERIMENT_NAME)
    found = ask(environ, http, BY_NAME + quote(name, safe="") if name else DEFAULT_EXPERIMENT)
    return found if isinstance(found, Finding) else location_of(found)


def _named(environ: Mapping[str, str], http: Http, name: str) -> dict[str, Any] | Finding:
    """The experiment of a name, which is made where there is none."""
    by_name = BY_NAME + quote(name, safe="")
    found = ask(environ, http, by_name)
    if found:
        return found
    made = ask(environ, http, CREATE, {"name": name})
    return made if isinstance(made, Finding) else ask(environ, http, by_name)


def _root_of_an_external_server(environ: Mapping[str, str]) -> str:
    """What else may be wrong where the server decides about places, and the operator was told."""
    if environ.get(contract.SERVER) != contract.SERVER_EXTERNAL:
        return ""
    return (
        " If the server puts every new experiment there, make the workspace anew with "
        f"artifactAccess and artifactStore as the server has it. {look(environ)}"
    )
