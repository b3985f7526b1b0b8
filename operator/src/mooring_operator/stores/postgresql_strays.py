"""Experiments of a workspace that keep their artifacts elsewhere, as its database tells.

MLflow fixes `artifact_location` when an experiment is made, and takes any that a client names:
https://github.com/mlflow/mlflow/issues/212.
"""

from typing import Any, Final

import psycopg

from mooring_operator.stores.protocol import Stray, Strays

NAMED: Final = 4
"""How many are named; the others are counted."""

_MIGRATED: Final = "SELECT to_regclass('public.experiments') IS NOT NULL AS migrated"

_STRAYS: Final = r"""
SELECT name, artifact_location AS location, count(*) OVER () AS total
FROM public.experiments
WHERE lifecycle_stage = 'active' AND (
  NOT starts_with(artifact_location || '/', %(below)s)
  OR artifact_location ~ '(^|/)\.\.(/|$)')
ORDER BY experiment_id LIMIT %(named)s
"""
"""The rule is that of `mooring.location.lies_under`."""


def strays(session: psycopg.Connection[dict[str, Any]], root: str | None) -> Strays:
    """The experiments whose artifacts do not lie under `root`; none before there is a schema.

    Those that a user has deleted do not count: nobody can log to them.
    """
    if root is None:
        return Strays()
    row = session.execute(_MIGRATED).fetchone()
    if row is None or not row["migrated"]:
        return Strays()
    wanted = {"below": f"{root.rstrip('/')}/", "named": NAMED}
    found = session.execute(_STRAYS, wanted).fetchall()
    named = tuple(Stray(each["name"], each["location"]) for each in found)
    return Strays(named, total=found[0]["total"] if found else 0)
