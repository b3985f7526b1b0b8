"""docs/reliability.md, made of the record of a run of the matrix. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

LONGEST: Final = 170
"""Of a message in the table: what was found. All of it stands in the record."""

HEAD: Final = """\
# Reliability

    make faults                                   # 20 minutes on two cores
    make faults ARGS="--only 'URI empty'"         # one fault by all its ways

brings each fault below about on real pods of a real cluster, looks **from outside** at what lies in
the database and in the store, and writes this page and `docs/reliability.json`, which has every
message in full. The pod's own word counts for nothing.

- **Kept** means that the tracking server of the workspace has the run as FINISHED, and the
  workspace's own bucket has the model's files.
- **Told** means that the API server refused the pod, the guard or the training ended with an exit
  code that is not 0, the Airflow task is red, or the operator counts the run in `status.findings`
  (that is within 600 s: it looks every 10 minutes).
- **Lost silently** means neither: nothing is kept, and everything looks well.
- **Without Mooring** is the same training with the same fault in a plain pod, as a
  KubernetesPodOperator makes it, against the same server and store: the environment that the
  documentation of the MLflow charts tells people to set by hand, with a static URI and a key (or a
  role and its token). Its client tries twice again, and waits for 10 s, instead of MLflow's
  seven times and 120 s, which changes how long it takes and not what is lost.

The training is `tests/e2e/scripts/train.py`: `mlflow.sklearn.autolog()`, and nothing else of
MLflow. The faults are declared in `tests/faults/corpus`, each with what Mooring is expected to say;
a unit test holds this page to the record. Seconds are of the pod's life and have its start in them,
on a machine with other work; a name or a port that may come back is waited for, up to 60 s.
"""

HOLES: Final = """\
## What is still lost silently with Mooring

Each of these is in the training's own process or container, where nothing but the process itself
can see it. `MlflowPodOperator` tells of all of them after the pod; `MOORING_STRICT=1` of those in
which MLflow itself warns.
"""

FAMILIES: Final = {
    "control": "Nothing is wrong",
    "uri": "The URI is lost",
    "credential": "The credential is lost",
    "identity": "The identity is lost",
    "platform": "A part of the platform fails",
}


def page(record: Mapping[str, Any]) -> str:
    """The whole page."""
    rows = record["faults"]
    parts = [HEAD, _summary(rows, record["measured"])]
    parts += [
        _family(title, [r for r in rows if r["family"] == f]) for f, title in FAMILIES.items()
    ]
    silent = [row for row in rows if row["lost_silently"]]
    if silent:
        parts.append(HOLES + "\n" + _listed(silent))
    return "\n".join(filter(None, parts))


def _summary(every: Sequence[Mapping[str, Any]], measured: str) -> str:
    rows = [row for row in every if row["family"] != "control"]
    peers = {row["name"]: row["peer"] for row in rows}
    lines = [
        "## In short",
        "",
        f"Measured {measured}.",
        "",
        "| | pods | not kept | of that lost silently |",
        "|---|---|---|---|",
        _counted(f"with Mooring ({len(peers)} faults by {_ways(rows)} ways in)", rows),
        _counted("without Mooring (once for each fault)", list(peers.values())),
        "",
    ]
    return "\n".join(lines)


def _ways(rows: Sequence[Mapping[str, Any]]) -> int:
    return len({row["way_in"] for row in rows})


def _counted(what: str, found: Sequence[Mapping[str, Any]]) -> str:
    lost = sum(not each["kept"] for each in found)
    silent = sum(each["lost_silently"] for each in found)
    return f"| {what} | {len(found)} | {lost} | **{silent}** |"


def _family(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return ""
    head = "| fault | way in | told by | after s | message | without Mooring |"
    return "\n".join([f"## {title}", "", head, f"|{'---|' * 6}", *map(_line, rows), ""])


def _line(row: Mapping[str, Any]) -> str:
    cells = (
        row["name"], row["way_in"], _teller(row), _seconds(row["told_after_s"]),
        _message(row), _peer(row["peer"]),
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _teller(row: Mapping[str, Any]) -> str:
    if row["lost_silently"]:
        return "**nobody**"
    return str(row["told_by"] or "nothing is lost")


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def _message(row: Mapping[str, Any]) -> str:
    return _cell(row["message"]) if row["told_by"] else ""


def _peer(peer: Mapping[str, Any]) -> str:
    if peer["kept"]:
        return "nothing is lost"
    if peer["lost_silently"]:
        return "**lost silently**"
    return f"told after {_seconds(peer['told_after_s'])} s: {_cell(peer['message'], 90)}"


def _cell(text: str, longest: int = LONGEST) -> str:
    short = text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"
    for mark in ("|", "<", "*", "_", "`"):
        short = short.replace(mark, f"\\{mark}")
    return short


def _listed(rows: Iterable[Mapping[str, Any]]) -> str:
    return "".join(f"- {row['name']}: {row['way_in']}\n" for row in rows)
