"""What a tracking server is asked about the runs of a pod."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import yaml

from mooring_airflow.checks import MODEL_FILE
from mooring_airflow.evidence import READY, Evidence, Model, Run
from mooring_airflow.require import Requirement
from mooring_airflow.tracking import Json, StoreNotListed, Tracking


def gather(tracking: Tracking, tags: Mapping[str, str], require: Sequence[Requirement]) -> Evidence:
    """Ask the tracking server for all that the checks look at of the runs that carry `tags`."""
    runs = [Run.of(found) for found in tracking.runs(tags)]
    if not runs:
        return Evidence(runs, [])
    models = [Model.of(found) for found in tracking.models(tags)]
    evidence = Evidence(runs, models)
    main = evidence.main_run
    evidence = replace(
        evidence,
        experiment_name=tracking.experiment_name(main.experiment_id),
        registered=[(v["name"], str(v["version"])) for v in tracking.versions(main.run_id)],
    )
    flavored = [wanted for wanted in require if wanted.flavor]
    try:
        evidence = replace(evidence, models=[_read(tracking, m, flavored) for m in models])
        for wanted in require:
            evidence = _looked_for(tracking, evidence, wanted)
        top = {e["path"]: _size(e) for e in tracking.artifacts(main.run_id)}
        return replace(evidence, top=top)
    except StoreNotListed as error:
        return replace(evidence, unlisted=str(error))


def _read(tracking: Tracking, model: Model, flavored: Sequence[Requirement]) -> Model:
    """The model with its files, when it is READY: of another one there is nothing to list."""
    if model.status != READY:
        return model
    entries = _walk(lambda folder: tracking.model_files(model.model_id, folder))
    files = {entry["path"]: _size(entry) or 0 for entry in entries}
    if MODEL_FILE not in files or not any(wanted.matches(model.name) for wanted in flavored):
        return replace(model, files=files)
    said = yaml.safe_load(tracking.model_file(model.model_id, MODEL_FILE)) or {}
    return replace(model, files=files, flavors=frozenset(said.get("flavors") or ()))


def _looked_for(tracking: Tracking, evidence: Evidence, wanted: Requirement) -> Evidence:
    """`evidence` with the artifacts that `wanted` means, of as many runs as it takes."""
    for run in () if wanted.flavor else evidence.runs:
        if wanted.enough(evidence.sizes(wanted)):
            break
        listed = partial(tracking.artifacts, run.run_id)
        entries = _walk(listed, wanted.folder(), wanted.leads_to)
        found = {e["path"]: _size(e) or 0 for e in entries if wanted.matches(e["path"])}
        evidence = replace(evidence, files={**evidence.files, **found})
    return evidence


def _walk(
    listed: Callable[[str], list[Json]],
    folder: str = "",
    enter: Callable[[str], bool] = lambda _: True,
) -> Iterator[Json]:
    """The files below `folder`; goes into the folders that `enter` says yes to."""
    for entry in listed(folder):
        if not entry.get("is_dir"):
            yield entry
        elif enter(entry["path"]):
            yield from _walk(listed, entry["path"], enter)


def _size(entry: Json) -> int | None:
    return None if entry.get("is_dir") else int(entry.get("file_size") or 0)
