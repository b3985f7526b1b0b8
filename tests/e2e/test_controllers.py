"""Pods without Airflow: those that a Job, a CronJob and a Deployment make of a label."""

import uuid
from collections.abc import Iterator
from typing import Any, Final

import pytest

from mooring import contract
from tests.cluster.process import wait_until
from tests.demo.cluster import apply, get, kubectl
from tests.demo.store import BUCKET, Run, tracking
from tests.e2e.jobs import script
from tests.e2e.scenarios import TRAINING_S
from tests.e2e.workspaces import keys, training_image

TEAM: Final = "team-a"
KINDS: Final = ("job", "cronjob", "deployment")
OWNED: Final = "job,cronjob,deployment"


@pytest.fixture(scope="module")
def name() -> str:
    """What all objects of this test are called, and with a suffix their runs."""
    return f"e2e-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def runs(system: None, name: str) -> Iterator[dict[str, Run]]:
    """The run of each kind, by the kind that made its pod."""
    apply(*(_manifest(kind, name, bound=True) for kind in KINDS), _unbound(name))
    try:
        from_cron = f"{name}-from-cron"
        kubectl("create", "job", from_cron, f"--from=cronjob/{name}", "-n", TEAM)
        jobs = (name, from_cron, f"{name}-unbound")
        wait_until(
            lambda: all(_ended(job) for job in jobs), f"the Jobs {jobs} to end", timeout=TRAINING_S
        )
        with tracking(TEAM) as server:
            yield wait_until(
                lambda: _all(server.runs(), name), "the runs of all kinds", timeout=TRAINING_S
            )
    finally:
        kubectl("delete", OWNED, "-n", TEAM, "-l", f"e2e={name}", "--wait=false")


@pytest.mark.parametrize("kind", KINDS)
def test_a_label_in_the_pod_template_is_enough(
    runs: dict[str, Run], kind: str, name: str, store: Any
) -> None:
    run = runs[kind]
    assert run.status == "FINISHED"
    assert [key for key in keys(store, BUCKET, run.prefixes[0]) if key.endswith("model.txt")]
    assert run.tags[contract.TAG_BINDING] == f"{TEAM}/{TEAM}"
    assert run.tags[contract.TAG_POD].startswith(name), "its pod, by no code of the script"


def test_the_loss_without_it_the_job_succeeds_and_nothing_is_kept(
    runs: dict[str, Run], name: str
) -> None:
    job = f"{name}-unbound"
    assert get("job", job, TEAM)["status"]["succeeded"] == 1
    assert "logged" in kubectl("logs", "-n", TEAM, f"job/{job}")
    with tracking(TEAM) as server:
        assert [run for run in server.runs() if run.name == job] == []


def _all(found: list[Run], name: str) -> dict[str, Run]:
    by_name = {run.name: run for run in found if run.status == "FINISHED"}
    of_kind = {kind: by_name.get(f"{name}-{kind}") for kind in KINDS}
    return {kind: run for kind, run in of_kind.items() if run} if all(of_kind.values()) else {}


def _ended(job: str) -> bool:
    status = get("job", job, TEAM).get("status", {})
    assert not status.get("failed"), kubectl("describe", "job", "-n", TEAM, job)
    return bool(status.get("succeeded"))


def _unbound(name: str) -> dict[str, Any]:
    manifest = _manifest("job", name, bound=False)
    manifest["metadata"]["name"] = f"{name}-unbound"
    return manifest


def _manifest(kind: str, name: str, *, bound: bool) -> dict[str, Any]:
    """A workload whose pod logs one run, called after it; the label stands in its pod template."""
    run = f"{name}-{kind if bound else 'unbound'}"
    stays = ["--stay"] if kind == "deployment" else []
    labels = {"e2e": name, **({contract.BINDING_LABEL: TEAM} if bound else {})}
    container = {
        "name": "train",
        "image": training_image(),
        "command": ["python", "-c", script("log_one"), run, *stays],
    }
    spec = {"containers": [container], "terminationGracePeriodSeconds": 1}
    template = {"metadata": {"labels": labels}, "spec": spec}
    job = {"backoffLimit": 0, "template": template}
    spec["restartPolicy"] = "Always" if stays else "Never"
    body: dict[str, tuple[str, str, dict[str, Any]]] = {
        "job": ("batch/v1", "Job", job),
        "cronjob": (
            "batch/v1", "CronJob",
            {"schedule": "0 0 1 1 *", "suspend": True,
             "jobTemplate": {"metadata": {"labels": {"e2e": name}}, "spec": job}},
        ),
        "deployment": (
            "apps/v1", "Deployment",
            {"replicas": 1, "selector": {"matchLabels": {"e2e": name}}, "template": template},
        ),
    }  # fmt: skip
    version, type_, fields = body[kind]
    metadata = {"name": name, "namespace": TEAM, "labels": {"e2e": name}}
    return {"apiVersion": version, "kind": type_, "metadata": metadata, "spec": fields}
