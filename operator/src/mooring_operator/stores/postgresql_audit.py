"""What was lost in a workspace, or lies elsewhere, as its database tells.

MLflow fixes `artifact_location` when an experiment is made, and takes any that a client names:
https://github.com/mlflow/mlflow/issues/212. A run's own place is always below its experiment's.
A logged model that could not be uploaded says so, while autologging only warns and the run is
FINISHED.
"""

from typing import Any, Final

import psycopg

from mooring.contract import TAG_POD
from mooring_operator.stores.protocol import Audit, Losses, Lost, Stray, Strays

NAMED: Final = 4
"""How many experiments elsewhere are named; the others are counted."""
NAMED_LOSSES: Final = 10
"""How many of each type of loss are named."""

_MIGRATED: Final = """
SELECT to_regclass('public.experiments') IS NOT NULL AS migrated,
  to_regclass('public.logged_models') IS NOT NULL AS has_models,
  to_regclass('public.tags') IS NOT NULL AS has_tags
"""

_IN_PODS: Final = """
SELECT EXISTS (
  SELECT FROM public.runs r JOIN public.tags t ON t.run_uuid = r.run_uuid AND t.key = %s
  WHERE r.status = 'RUNNING' AND r.lifecycle_stage = 'active') AS in_pods
"""

_ELSEWHERE: Final = r"""
e.lifecycle_stage = 'active' AND (
  NOT starts_with(e.artifact_location || '/', %(below)s)
  OR e.artifact_location ~ '(^|/)\.\.(/|$)')
"""
"""The rule is that of `mooring.location.lies_under`."""

_STRAYS: Final = f"""
SELECT e.name, e.artifact_location AS location, count(*) OVER () AS total
FROM public.experiments e WHERE {_ELSEWHERE}
ORDER BY e.experiment_id LIMIT %(named)s
"""  # noqa: S608 (no value in it)

_MODEL_NOT_READY: Final = """
SELECT r.run_uuid AS run, e.name AS experiment, min(m.name) AS detail, count(*) OVER () AS total
FROM public.logged_models m
JOIN public.runs r ON r.run_uuid = m.source_run_id
JOIN public.experiments e ON e.experiment_id = r.experiment_id
WHERE m.status <> 2 AND m.lifecycle_stage = 'active'
  AND r.status = 'FINISHED' AND r.lifecycle_stage = 'active'
GROUP BY r.run_uuid, e.name, r.start_time
ORDER BY r.start_time DESC, r.run_uuid LIMIT %(named)s
"""
"""2 is READY: `LoggedModelStatus` in mlflow/protos/service.proto. Tables as since MLflow 3.0."""

_ARTIFACTS_ELSEWHERE: Final = f"""
SELECT r.run_uuid AS run, e.name AS experiment, e.artifact_location AS detail,
  count(*) OVER () AS total
FROM public.runs r JOIN public.experiments e ON e.experiment_id = r.experiment_id
WHERE r.lifecycle_stage = 'active' AND {_ELSEWHERE}
ORDER BY r.start_time DESC, r.run_uuid LIMIT %(named)s
"""  # noqa: S608 (no value in it)

_EXPERIMENT_LOCAL: Final = f"""
SELECT NULL AS run, e.name AS experiment, e.artifact_location AS detail, count(*) OVER () AS total
FROM public.experiments e
WHERE {_ELSEWHERE} AND e.artifact_location !~* '^(?!file:)[a-z][-+.a-z0-9]*:'
ORDER BY e.experiment_id DESC LIMIT %(named)s
"""  # noqa: S608 (no value in it)


def audit(session: psycopg.Connection[dict[str, Any]], root: str | None) -> Audit:
    """What is lost or lies outside of `root`; nothing before there is a schema.

    What a user has deleted does not count: nobody can log to it, or wants it.
    """
    if root is None:
        return Audit()
    tables = session.execute(_MIGRATED).fetchone()
    if tables is None or not tables["migrated"]:
        return Audit()
    wanted = {"below": f"{root.rstrip('/')}/", "named": NAMED}
    found = session.execute(_STRAYS, wanted).fetchall()
    named = tuple(Stray(each["name"], each["location"]) for each in found)
    strays = Strays(named, total=found[0]["total"] if found else 0)
    queries = [("ModelNotReady", _MODEL_NOT_READY)] if tables["has_models"] else []
    if strays.total:
        queries += [
            ("ArtifactsElsewhere", _ARTIFACTS_ELSEWHERE),
            ("ExperimentLocal", _EXPERIMENT_LOCAL),
        ]
    wanted["named"] = NAMED_LOSSES
    losses = []
    for kind, query in queries:
        rows = session.execute(query, wanted).fetchall()
        if rows:
            lost = tuple(Lost(row["experiment"], row["run"], row["detail"]) for row in rows)
            losses.append(Losses(kind, rows[0]["total"], lost))
    running = session.execute(_IN_PODS, [TAG_POD]).fetchone() if tables["has_tags"] else None
    return Audit(strays, tuple(losses), in_pods=running is not None and running["in_pods"])
