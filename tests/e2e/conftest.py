"""What the end-to-end tests share: the system, Airflow with their DAGs, the store."""

from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from typing import Any, Final

import httpx
import pytest

from tests.cluster.files import lock
from tests.cluster.paths import cluster_name
from tests.cluster.process import ClusterError
from tests.demo.airflow import airflow
from tests.demo.cluster import kubectl
from tests.demo.store import s3
from tests.demo.system import bring_up
from tests.e2e import scenarios
from tests.e2e.jobs import Jobs, Outcome, install_dags, remove_dags
from tests.e2e.scenarios import Broken
from tests.e2e.workspaces import (
    OwnWorkspace,
    own_bucket,
    own_workspace,
    start_operator,
)

LONGEST: Final = ("test_rotation", "TestBrokenWorkspace", "test_three_failures", "test_examples")
"""What must not be begun last: it would go on alone."""
LOG_LINES: Final = 60
EVENTS: Final = 40


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, testrun_uid: str) -> Callable[..., None]:
    """Calls a function in one of the processes that share a test run; the others wait for it."""

    def call(function: Callable[[], None]) -> None:
        done = tmp_path_factory.getbasetemp().parent / f"{testrun_uid}-{function.__name__}"
        with lock(f"{cluster_name()}-e2e"):
            if not done.exists():
                function()
                done.touch()

    return call


@pytest.fixture(scope="session")
def system(once: Callable[..., None]) -> None:
    """The cluster, both charts and the workspaces of both teams, all ready."""
    once(_bring_up)


@pytest.fixture(scope="session")
def jobs(system: None, once: Callable[..., None]) -> Iterator[Jobs]:
    """Airflow, with the DAGs of these tests in its folder until the last of them is over."""
    once(install_dags)
    with airflow() as client:
        yield Jobs(client)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files and classes that take longest."""
    rank = {scope: place for place, scope in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(_scope(item), len(rank)))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Take the DAGs away, in the process that outlives those that run tests at the same time."""
    if not hasattr(session.config, "workerinput"):
        # where there is no system there are no DAGs
        with suppress(ClusterError):
            remove_dags()


@pytest.fixture(scope="session")
def store(system: None) -> Iterator[Any]:
    """An S3 client with the administrator's key."""
    with s3() as client:
        yield client


@pytest.fixture(scope="module")
def fragile(jobs: Jobs) -> Iterator[OwnWorkspace]:
    """A workspace that may be broken: a bucket and a key of its own."""
    name = "e2e-fragile"
    with own_workspace(name, own_bucket(name, "Minted")) as mine:
        yield mine


@pytest.fixture(scope="module")
def revoked(jobs: Jobs, fragile: OwnWorkspace) -> Broken:
    """What came of pods whose key was revoked."""
    return scenarios.key_revoked(jobs, fragile)


@pytest.fixture(scope="module")
def bucketless(jobs: Jobs, fragile: OwnWorkspace) -> Broken:
    """What came of pods whose bucket was deleted."""
    return scenarios.bucket_deleted(jobs, fragile)


@pytest.fixture(scope="module")
def serverless(jobs: Jobs, fragile: OwnWorkspace) -> tuple[Outcome, Outcome]:
    """What came of a plain and of a moored pod while the tracking server was down."""
    return scenarios.server_down(jobs, fragile)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to a failure what Airflow and the cluster know about it."""
    report = yield
    if report.failed:
        jobs = getattr(item, "funcargs", {}).get("jobs")
        report.sections += [
            ("conditions", _told(_objects)),
            ("events", _told(_events)),
            ("task logs", _told(lambda: _task_logs(jobs) if jobs else "")),
        ]
    return report


def _scope(item: pytest.Item) -> str:
    """What runs in one process: a class, or the functions of a file."""
    holder = item.getparent(pytest.Class)
    return holder.name if holder else item.path.stem


def _bring_up() -> None:
    bring_up()
    # A killed session may have left it stopped.
    start_operator()


def _task_logs(jobs: Jobs) -> str:
    """The end of each task's log of the newest DAG runs."""
    parts = []
    for started in jobs.started[-2:]:
        for task in jobs.airflow.task_instances(started.dag_id, started.run_id):
            lines = jobs.log(started, task).splitlines() if task.try_number else []
            head = f"--- {started.dag_id} {started.run_id} {task.name}: {task.state}"
            parts.append("\n".join([head, *lines[-LOG_LINES:]]))
    return "\n".join(parts)


def _objects() -> str:
    return kubectl("get", "mlwc,mlw,mlb,deploy,pods", "-A", "-o", "wide")


def _events() -> str:
    return "\n".join(kubectl("events", "-A").splitlines()[-EVENTS:])


def _told(tell: Callable[[], str]) -> str:
    """What `tell` says: on a broken cluster there is less to tell, but the failure must show."""
    try:
        return tell()
    except (ClusterError, httpx.HTTPError) as error:
        return f"{type(error).__name__}: {error}"
