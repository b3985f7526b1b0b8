"""Servers are replaced and credentials too, while a training goes on."""

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest

from mooring import contract
from tests.cluster.process import wait_until
from tests.demo.store import tracking
from tests.demo.system import wait_ready
from tests.e2e.jobs import MOORED, Jobs, script
from tests.e2e.scenarios import GO, let_go, running, unique
from tests.e2e.workspaces import (
    OwnWorkspace,
    keys,
    operator_needed,
    own_bucket,
    own_workspace,
    rotate,
    select,
)

ROTATIONS: Final = 3
UPLOADED: Final = re.compile(r"uploaded: (\d+)")
LOGINS: Final = "select rolname from pg_roles where rolcanlogin"


@pytest.fixture(scope="module")
def hasty(jobs: Jobs) -> Iterator[OwnWorkspace]:
    """A workspace without keys, whose old logins get no grace once no server has them."""
    name = "e2e-hasty"
    class_spec = own_bucket(name, "WorkloadIdentity") | {"rotation": {"grace": "0s"}}
    with own_workspace(name, class_spec) as mine:
        yield mine


def test_a_training_sees_nothing_of_three_rotations(
    jobs: Jobs, hasty: OwnWorkspace, store: Any
) -> None:
    experiment = unique()
    env = {contract.EXPERIMENT_NAME: experiment}
    pod = {"arguments": [script("upload"), GO], "binding": hasty.name, "env_vars": env}
    started = jobs.start(MOORED, [pod])
    with tracking(hasty.name) as server:
        (run,) = running(server, experiment, 1)
    for _ in range(ROTATIONS):
        with operator_needed():
            _rotate(hasty)
    with tracking(hasty.name) as server:
        let_go(server, [run])
        (outcome,) = jobs.finish(started)
    assert outcome.state == "success", outcome.log
    uploaded = UPLOADED.search(outcome.log)
    assert uploaded
    files = {key.rpartition("/")[2] for key in keys(store, hasty.bucket) if run.run_id in key}
    assert files == {f"{number}.txt" for number in range(int(uploaded[1]))}


def _rotate(mine: OwnWorkspace) -> None:
    """Have other credentials in use; returns once the old ones are refused."""
    before = _logins(mine.name)
    rotate(mine)
    wait_until(
        lambda: len(now := _logins(mine.name)) == len(before) and now != before,
        f"the logins {before} to be replaced",
    )
    wait_ready("mlw", mine.name, mine.name)


def _logins(name: str) -> set[str]:
    """The workspace's logins of the database server, those of a rotation under way too."""
    return {login for login in select(LOGINS) if name in login}
