"""Runs of pods, in the database of one workspace; see docs/decisions/0012 and 0016.

Columns as MLflow 3.17 has them (mlflow/store/tracking/dbmodels/models.py), since its 1.0.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from mooring.contract import TAG_BINDING, TAG_FINDING, TAG_HEARTBEAT, TAG_POD
from mooring_operator.stores.postgresql import PostgresqlServer
from mooring_operator.stores.protocol import Closing, Login, OpenRun, PodRun

MOST: Final = 10_000

_OPEN: Final = """
SELECT r.run_uuid AS id, p.value AS pod, b.value AS binding, h.value AS heartbeat,
  (SELECT max(m.timestamp) FROM public.latest_metrics m WHERE m.run_uuid = r.run_uuid) AS metric
FROM public.runs r
JOIN public.tags p ON p.run_uuid = r.run_uuid AND p.key = %(pod)s
LEFT JOIN public.tags b ON b.run_uuid = r.run_uuid AND b.key = %(binding)s
LEFT JOIN public.tags h ON h.run_uuid = r.run_uuid AND h.key = %(heartbeat)s
WHERE r.status = 'RUNNING' AND r.lifecycle_stage = 'active'
ORDER BY r.start_time LIMIT %(most)s
"""

_HAS_MODELS: Final = "SELECT to_regclass('public.logged_models') IS NOT NULL AS has_models"

_MODEL: Final = """
(SELECT min(m.name) FROM public.logged_models m
 WHERE m.source_run_id = r.run_uuid AND m.status <> 2 AND m.lifecycle_stage = 'active')
"""
"""2 is READY: `LoggedModelStatus` in mlflow/protos/service.proto. The table is there since 3.0."""

_OF_PODS: Final = """
SELECT r.run_uuid AS id, p.value AS pod, b.value AS binding, {model} AS model,
  CASE WHEN r.lifecycle_stage = 'active' THEN r.status ELSE 'FINISHED' END AS status
FROM public.tags p
JOIN public.runs r ON r.run_uuid = p.run_uuid
LEFT JOIN public.tags b ON b.run_uuid = r.run_uuid AND b.key = %(binding)s
WHERE p.key = %(pod)s AND (p.value = ANY(%(names)s) OR p.value LIKE ANY(%(owners)s))
ORDER BY r.start_time DESC LIMIT %(most)s
"""
"""A run that was deleted was there, and nobody misses what it lost."""

_CLOSE: Final = """
WITH closed AS (
  UPDATE public.runs SET status = %(status)s, end_time = %(at)s
  WHERE run_uuid = %(id)s AND status = 'RUNNING' RETURNING run_uuid)
INSERT INTO public.tags (key, value, run_uuid) SELECT %(key)s, %(why)s, run_uuid FROM closed
ON CONFLICT (key, run_uuid) DO UPDATE SET value = excluded.value
"""


@dataclass(frozen=True, slots=True)
class PostgresqlRuns:
    """The runs in `database`, as `login` sees them; see `protocol.DatabaseRuns`."""

    server: PostgresqlServer
    database: str
    login: Login

    def open(self) -> list[OpenRun]:
        """Those that have not ended and name their pod."""
        wanted = {
            "pod": TAG_POD, "binding": TAG_BINDING, "heartbeat": TAG_HEARTBEAT, "most": MOST,
        }  # fmt: skip
        with self.server.session(self.database, self.login) as session:
            rows = session.execute(_OPEN, wanted).fetchall()
        return [
            OpenRun(row["id"], row["pod"], row["binding"], _latest(row["heartbeat"], row["metric"]))
            for row in rows
        ]

    def of_pods(self, names: Sequence[str], owners: Sequence[str]) -> list[PodRun]:
        """The runs of pods with these names, and of those whose names begin with `OWNER-`."""
        wanted = {
            "pod": TAG_POD, "binding": TAG_BINDING, "most": MOST,
            "names": list(names), "owners": [f"{owner}-%" for owner in owners],
        }  # fmt: skip
        with self.server.session(self.database, self.login) as session:
            tables = session.execute(_HAS_MODELS).fetchone()
            model = _MODEL if tables and tables["has_models"] else "NULL::text"
            rows = session.execute(_OF_PODS.format(model=model), wanted).fetchall()
        return [
            PodRun(row["id"], row["pod"], row["binding"], row["status"], row["model"])
            for row in rows
        ]

    def close(self, closings: Iterable[Closing]) -> list[str]:
        """End these runs, unless they have ended meanwhile; the ids of those that it ended."""
        closed = []
        with self.server.session(self.database, self.login) as session:
            for each in closings:
                values = {
                    "id": each.run, "status": each.status, "key": TAG_FINDING, "why": each.why,
                    "at": int(each.at.timestamp() * 1000),
                }  # fmt: skip
                if session.execute(_CLOSE, values).rowcount:
                    closed.append(each.run)
        return closed


def _latest(heartbeat: str | None, metric: int | None) -> datetime | None:
    """The later of the two signs of life; what makes no sense as a time is none."""
    signs = []
    with suppress(ValueError, OverflowError):
        signs.append(datetime.fromisoformat(heartbeat or "").astimezone(UTC))
    with suppress(ValueError, OverflowError, OSError):
        signs += [] if metric is None else [datetime.fromtimestamp(metric / 1000, UTC)]
    return max(signs, default=None)
