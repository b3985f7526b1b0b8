"""Pods that train: processes with the environment of a binding, in an empty folder."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mooring import contract
from tests.cluster.process import die_with_parent, wait_until
from tests.integration.airflow.world import Workspace

INHERITED = ("PATH", "HOME", "LANG")
END_S = 120


@dataclass(frozen=True, slots=True)
class Image:
    """A Python with MLflow, and the path on which it finds `mooring` with its plugins."""

    python: Path
    path: str


@dataclass(frozen=True, slots=True)
class Pod:
    """A training that runs."""

    process: "subprocess.Popen[bytes]"
    log: Path

    def said(self) -> str:
        """What it has printed so far."""
        return self.log.read_text(errors="replace")

    def await_line(self, line: str) -> None:
        """Wait until it has printed `line`."""
        wait_until(
            lambda: line in self.said().splitlines() or self.process.poll() is not None,
            f"the training to print {line!r}",
        )
        assert line in self.said().splitlines(), self.said()

    def end(self) -> int:
        """Wait for its end; the exit code, negative for a signal that killed it."""
        return self.process.wait(timeout=END_S)


@contextmanager
def training(
    image: Image, environment: Mapping[str, str], program: str, **env: str
) -> Iterator[Pod]:
    """Run `program` with `environment` and `env` until the block ends."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    with tempfile.TemporaryDirectory(prefix="mooring-pod-") as home:
        log = Path(home, "log")
        with log.open("wb") as out:
            process = subprocess.Popen(
                [image.python, "-u", "-c", program],
                env={**inherited, "PYTHONPATH": image.path, **environment, **env},
                cwd=home,
                stdout=out,
                stderr=subprocess.STDOUT,
                preexec_fn=die_with_parent,
            )
        try:
            yield Pod(process, log)
        finally:
            process.kill()
            process.wait()


def run(team: Workspace, tag: str, value: str) -> dict[str, Any]:
    """The one run of `team` with a tag: status, tags, id."""
    found = team.api("experiments/search", {"max_results": 1000})["experiments"]
    body = {
        "experiment_ids": [experiment["experiment_id"] for experiment in found],
        "filter": f"tags.`{tag}` = '{value}'",
    }
    [only] = team.api("runs/search", body)["runs"]
    tags = {entry["key"]: entry["value"] for entry in only["data"].get("tags", [])}
    return {"id": only["info"]["run_id"], "status": only["info"]["status"], "tags": tags}


def unbound(team: Workspace) -> dict[str, str]:
    """The environment of a pod without a binding that reaches the same server."""
    return {k: v for k, v in team.environment.items() if not k.startswith("MOORING_")}


def own_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Those of `tags` that Mooring or Airflow gives, without the heartbeat, which changes."""
    ours = {k: v for k, v in tags.items() if k.startswith(("mooring.", "airflow."))}
    ours.pop(contract.TAG_HEARTBEAT, None)
    return ours
