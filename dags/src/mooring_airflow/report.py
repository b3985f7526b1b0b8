"""What the task's log says of MLflow: a block before the pod, and one after it. No secrets."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from mooring import contract
from mooring.finding import Finding
from mooring_airflow.binding import Binding
from mooring_airflow.checks import Expectation
from mooring_airflow.evidence import Evidence, Run

MOST: Final = 20
"""Artifacts, and runs, that are named one by one."""


def begun(binding: Binding, tags: Mapping[str, str], experiment: str) -> str:
    """Where the runs of a pod will go."""
    return _block(
        f"pod {tags[contract.TAG_POD]} logs to MLflow",
        {
            "binding": f"{binding.name} (workspace {binding.workspace})",
            "server": binding.url,
            "store": binding.artifact_root,
            "experiment": experiment or "the binding's, unless the code names another",
        },
    )


def ended(expected: Expectation, evidence: Evidence, finding: Finding | None) -> str:
    """What landed, and the verdict."""
    verdict = f"NOT verified: {finding}" if finding else "verified"
    if not evidence.runs:
        return _block("MLflow run: none", {"verdict": verdict})
    run = evidence.main_run
    more = len(evidence.runs) - 1
    return _block(
        f"MLflow run {run.name} ({run.run_id}) is {run.status}",
        {
            "page": f"{expected.binding.pages}/#/experiments/{run.experiment_id}/runs/{run.run_id}",
            "experiment": evidence.experiment_name,
            **({"more runs": str(more)} if more else {}),
            **({"handed on": _chosen(evidence.peers)} if evidence.peers else {}),
            **{f"model {m.name}": f"{m.model_id}, {size(m.size)}" for m in evidence.models},
            **dict(_artifacts(evidence)),
            "verdict": verdict,
        },
    )


def _chosen(peers: Sequence[Run]) -> str:
    others = ", ".join(f"{run.name} ({run.run_id})" for run in peers[:MOST])
    return (
        f"this run, the latest of {len(peers) + 1} (the others: {others}); to hand on another one, "
        "log to one run, or nest the others in it (nested=True)"
    )


def size(count: int) -> str:
    """A number of bytes as people read it, in powers of 1,000."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.3g} TB"


def _artifacts(evidence: Evidence) -> Iterator[tuple[str, str]]:
    known = {**evidence.top, **evidence.files}
    for path in sorted(known)[:MOST]:
        count = known[path]
        yield f"artifact {path}", "a folder" if count is None else size(count)
    if len(known) > MOST:
        yield "artifacts", f"{len(known) - MOST} more"


def _block(title: str, lines: Mapping[str, str]) -> str:
    return "\n".join([title, *(f"  {name}: {value}" for name, value in lines.items())])
