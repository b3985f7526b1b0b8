"""The failures, played: the same pods without Mooring and with it, at the same time."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from mooring import contract
from mooring_operator.stores.names import identity
from tests.cluster.process import wait_until
from tests.demo.cluster import kubectl
from tests.demo.store import Run, Tracking, iam, s3, tracking
from tests.demo.system import wait_ready
from tests.e2e.jobs import MOORED, PLAIN, POD, Jobs, Outcome, Started, script, training
from tests.e2e.workspaces import (
    OwnWorkspace,
    end_sidecar,
    hand_wired,
    operator_needed,
    operator_stopped,
    overwrite,
    remove_bucket,
    rotate,
    start_server,
    stop_server,
    suspended,
)

TRAINING_S: Final = 300.0
"""In which several trainings that start at once import MLflow, on a machine with other work."""
GO: Final = "e2e.go"
"""The tag that lets a waiting training go on."""

SIDECAR: Final = "airflow-xcom-sidecar"
RETURN_FILE: Final = "/airflow/xcom/return.json"
TEAM: Final = "team-a"


@dataclass(frozen=True, slots=True)
class Broken:
    """What came of a pod that ran while something broke, and of one that started after that."""

    plain: Outcome
    moored: Outcome
    moored_later: Outcome


def key_revoked(jobs: Jobs, mine: OwnWorkspace) -> Broken:
    """The workspace's key is deleted while pods train with it; it has another one at the end."""
    user = identity(mine.name, mine.name)
    deleted = mine.secret()[contract.AWS_ACCESS_KEY_ID]
    try:
        with iam() as client, suspended(mine):
            return _break(jobs, mine, lambda: _delete_keys(client, user))
    finally:
        with operator_needed():
            rotate(mine)
            wait_until(
                lambda: mine.secret()[contract.AWS_ACCESS_KEY_ID] != deleted,
                f"pods of {mine.name} to get another key",
            )
            wait_ready("mlw", mine.name, mine.name)


def _delete_keys(client: Any, user: str) -> None:
    for key in client.list_access_keys(UserName=user)["AccessKeyMetadata"]:
        client.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])


def bucket_deleted(jobs: Jobs, mine: OwnWorkspace) -> Broken:
    """The bucket is deleted while pods train, and made again, empty, at the end."""
    with s3() as client, suspended(mine):
        try:
            return _break(jobs, mine, lambda: remove_bucket(client, mine.bucket))
        finally:
            remove_bucket(client, mine.bucket)
            client.create_bucket(Bucket=mine.bucket)


def server_down(jobs: Jobs, mine: OwnWorkspace) -> tuple[Outcome, Outcome]:
    """Without and with Mooring while the tracking server is down; it is back at the end."""
    impatient = {contract.HTTP_MAX_RETRIES: "0"}
    by_hand = hand_wired(mine.name, mine.name)
    with suspended(mine):
        stop_server(mine.name)
        try:
            started = (
                jobs.start(PLAIN, [training("--autolog-only", env_vars=impatient, **by_hand)]),
                jobs.start(MOORED, [training(binding=mine.name)]),
            )
            (plain,), (moored,) = map(jobs.finish, started)
        finally:
            start_server(mine.name)
    return plain, moored


def key_wrong(jobs: Jobs, mine: OwnWorkspace) -> Outcome:
    """With Mooring while the published Secret holds a wrong key and nobody heals it."""
    right = mine.secret()
    with operator_stopped():
        overwrite(mine, {contract.AWS_SECRET_ACCESS_KEY: "w" * 40})
        (outcome,) = jobs.run(MOORED, [training(binding=mine.name)])
    wait_until(lambda: mine.secret() == right, f"the operator to heal {mine.published}")
    return outcome


def _break(jobs: Jobs, mine: OwnWorkspace, breaking: Callable[[], None]) -> Broken:
    experiment, waiting = _waiting()
    started = (
        jobs.start(PLAIN, [waiting | hand_wired(mine.name, mine.name)]),
        jobs.start(MOORED, [waiting | {"binding": mine.name}]),
    )
    with tracking(mine.name) as server:
        runs = running(server, experiment, 2)
        breaking()
        let_go(server, runs)
    (plain,), (moored,) = map(jobs.finish, started)
    (later,) = jobs.run(MOORED, [training(binding=mine.name)])
    return Broken(plain, moored, later)


@dataclass(frozen=True, slots=True)
class HandOver:
    """What came of trainings, and of the task that was handed their references."""

    trainings: list[Outcome]
    following: Outcome
    runs: list[Run]


def sidecar_killed(jobs: Jobs, alphas: list[float]) -> tuple[HandOver, HandOver]:
    """Trainings at once, without and with Mooring; the XCom sidecar of each first one is ended.

    The second one's sidecar is well but is given nothing.
    """
    plain_experiment, plain_pods = _hand_over(alphas[:2])
    experiment, pods = _hand_over(alphas)
    by_hand = hand_wired(TEAM, TEAM)
    following = script("evaluate")
    started = (
        jobs.start(f"{PLAIN}_handover", [p | by_hand for p in plain_pods], next=following),
        jobs.start(f"{MOORED}_handover", [p | {"binding": TEAM} for p in pods], next=following),
    )
    with tracking(TEAM) as server:
        ways = ((started[0], plain_experiment, 2), (started[1], experiment, len(alphas)))
        for way, name, count in ways:
            runs = running(server, name, count)
            _end_sidecar(jobs, way)
            let_go(server, runs)
        results = [(jobs.finish(way), jobs.following(way)) for way in started]
        all_runs = [server.runs(name) for name in (plain_experiment, experiment)]
    plain, moored = (
        HandOver(*result, runs) for result, runs in zip(results, all_runs, strict=True)
    )
    return plain, moored


def _hand_over(alphas: list[float]) -> tuple[str, list[dict[str, Any]]]:
    experiment = unique()
    env = {contract.EXPERIMENT_NAME: experiment}
    pods = []
    for position, alpha in enumerate(alphas):
        delivers = [] if position == 1 else ["--hand-over", RETURN_FILE]
        arguments = ["--alpha", str(alpha), "--wait-for", GO, *delivers]
        pods.append(training(*arguments, env_vars=env, do_xcom_push=True))
    return experiment, pods


def _end_sidecar(jobs: Jobs, started: Started) -> None:
    pod = jobs.xcom(started, jobs.tasks(started, POD)[0], "pod_name")
    end_sidecar(TEAM, pod, SIDECAR)


def first_try_evicted(jobs: Jobs) -> tuple[list[Run], list[Run], list[Outcome]]:
    """Without and with Mooring: the pod of try 1 is deleted in the middle, try 2 is left alone.

    The runs without, the runs with, and what came of both tasks.
    """
    plain_experiment, plain_pod = _waiting()
    experiment, pod = _waiting()
    started = [
        jobs.start(f"{PLAIN}_retry", [plain_pod | hand_wired(TEAM, TEAM)]),
        jobs.start(f"{MOORED}_retry", [pod | {"binding": TEAM}]),
    ]
    experiments = [plain_experiment, experiment]
    with tracking(TEAM) as server:
        first = [running(server, name, 1)[0] for name in experiments]
        for way in started:
            evicted = jobs.xcom(way, jobs.tasks(way, POD)[0], "pod_name")
            kubectl("delete", "pod", evicted, "-n", TEAM, "--grace-period=1", "--wait=false")
        for name, run in zip(experiments, first, strict=True):
            let_go(server, running(server, name, 1, but=run.run_id))
        outcomes = [outcome for way in started for outcome in jobs.finish(way)]
        without, with_mooring = (server.runs(name) for name in experiments)
    return without, with_mooring, outcomes


def unique() -> str:
    """A name for an experiment that no other test has."""
    return f"e2e-{uuid.uuid4().hex[:12]}"


def running(server: Tracking, experiment: str, count: int, but: str = "") -> list[Run]:
    """The runs under way in an experiment, besides the run `but`, once there are `count`."""
    found: list[Run] = []

    def enough() -> bool:
        runs = server.runs(experiment)
        found[:] = [r for r in runs if r.status == "RUNNING" and r.run_id != but]
        return len(found) == count

    what = f"{count} trainings to wait in experiment {experiment}"
    wait_until(enough, what, timeout=TRAINING_S)
    return found


def let_go(server: Tracking, runs: list[Run]) -> None:
    """Let waiting trainings go on."""
    for run in runs:
        server.set_tag(run.run_id, GO, "yes")


def _waiting() -> tuple[str, dict[str, Any]]:
    experiment = unique()
    env = {contract.EXPERIMENT_NAME: experiment}
    return experiment, training("--wait-for", GO, env_vars=env)
