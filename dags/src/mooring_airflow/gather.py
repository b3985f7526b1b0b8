"""What a tracking server is asked about the runs of a pod."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import yaml

from mooring_airflow.checks import MODEL_FILE
from mooring_airflow.evidence import READY, Evidence, Model, Run
from mooring_airflow.require import Requirement
from mooring_airflow.tracking import Json, StoreNotListed, Tracking

AT_ONCE: Final = 8
"""Questions on their way at once: the server lists a store folder by folder."""

List = Callable[[str, str], list[Json]]
"""The entries of one folder of what an id names."""


def gather(tracking: Tracking, tags: Mapping[str, str], require: Sequence[Requirement]) -> Evidence:
    """Ask the tracking server for all that the checks look at of the runs that carry `tags`."""
    experiments = tracking.experiments()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.submit(tracking.models, tags, experiments)
        runs = [Run.of(found) for found in tracking.runs(tags, experiments)]
        if not runs:
            return Evidence(runs, [])
        main = Evidence(runs, []).main_run
        name = pool.submit(tracking.experiment_name, main.experiment_id)
        versions = pool.submit(tracking.versions, main.run_id)
        # Once for each folder: requirements often lie in the same one.
        listed = cache(tracking.artifacts)
        top = pool.submit(listed, main.run_id, "")
        evidence = Evidence(
            runs,
            [Model.of(model) for model in found.result()],
            experiment_name=name.result(),
            registered=[(v["name"], str(v["version"])) for v in versions.result()],
        )
        try:
            evidence = replace(evidence, models=_read(tracking, evidence.models, require, pool))
            for wanted in require:
                evidence = _looked_for(listed, evidence, wanted, pool)
            return replace(evidence, top={e["path"]: _size(e) for e in top.result()})
        except StoreNotListed as error:
            return replace(evidence, unlisted=str(error))


def _read(
    tracking: Tracking,
    models: Sequence[Model],
    require: Sequence[Requirement],
    pool: ThreadPoolExecutor,
) -> list[Model]:
    """The models with their files, of those that are READY: of others there is nothing to list.

    And with their flavors, where somebody requires one.
    """
    files: dict[str, dict[str, int]] = {}
    places = [_Place(model.model_id) for model in models if model.status == READY]
    for place, entry in _walk(tracking.model_files, places, pool):
        files.setdefault(place.of, {})[entry["path"]] = _size(entry) or 0
    read = [replace(model, files=files.get(model.model_id, {})) for model in models]
    flavored = [
        model.model_id
        for model in read
        if MODEL_FILE in model.files and any(r.flavor and r.matches(model.name) for r in require)
    ]
    said = pool.map(lambda model_id: tracking.model_file(model_id, MODEL_FILE), flavored)
    documents = dict(zip(flavored, map(yaml.safe_load, said), strict=True))
    flavors = {key: frozenset((d or {}).get("flavors") or ()) for key, d in documents.items()}
    return [replace(m, flavors=flavors.get(m.model_id, m.flavors)) for m in read]


def _looked_for(
    listed: List, evidence: Evidence, wanted: Requirement, pool: ThreadPoolExecutor
) -> Evidence:
    """`evidence` with the artifacts that `wanted` means, of as many runs as it takes."""
    runs = () if wanted.flavor else evidence.runs
    for start in range(0, len(runs), AT_ONCE):
        if wanted.enough(evidence.sizes(wanted)):
            break
        places = [_Place(run.run_id, wanted.folder()) for run in runs[start : start + AT_ONCE]]
        entries = (entry for _, entry in _walk(listed, places, pool, wanted.leads_to))
        found = {e["path"]: _size(e) or 0 for e in entries if wanted.matches(e["path"])}
        evidence = replace(evidence, files={**evidence.files, **found})
    return evidence


@dataclass(frozen=True, slots=True)
class _Place:
    """A folder of a run or of a logged model; the empty one is the top."""

    of: str
    folder: str = ""


def _walk(
    listed: List,
    places: Sequence[_Place],
    pool: ThreadPoolExecutor,
    enter: Callable[[str], bool] = lambda _: True,
) -> Iterator[tuple[_Place, Json]]:
    """The files below `places`, each with its folder; goes into those that `enter` says yes to.

    All folders of one depth at once: each takes the server one request to the store.
    """
    while places:
        listings = pool.map(lambda place: listed(place.of, place.folder), places)
        pairs = [(p, e) for p, entries in zip(places, listings, strict=True) for e in entries]
        yield from (pair for pair in pairs if not pair[1].get("is_dir"))
        places = [_Place(p.of, e["path"]) for p, e in pairs if e.get("is_dir") and enter(e["path"])]


def _size(entry: Json) -> int | None:
    return None if entry.get("is_dir") else int(entry.get("file_size") or 0)
