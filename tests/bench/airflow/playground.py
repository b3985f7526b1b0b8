"""The playground's Airflow with the DAGs of this bench."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tests.bench.airflow.dags.training import SETTINGS
from tests.cluster.paths import CHECKOUT
from tests.demo.airflow import Airflow, airflow
from tests.demo.cluster import kubectl
from tests.demo.system import TEAMS
from tests.e2e.jobs import IN_AIRFLOW
from tests.e2e.workspaces import hand_wired, training_image

TEAM: Final = TEAMS[0]
HERE: Final = Path(__file__).parent
ROOT: Final = "/opt/airflow/dags/tests"
FOLDER: Final = f"/opt/airflow/dags/{(HERE / 'dags').relative_to(CHECKOUT)}"
"""As in this repository: the DAGs import what they share by that name."""


@dataclass(frozen=True, slots=True)
class Many:
    """How many pods the mapped task has, how many at once, and what is to happen to some.

    Of those with the map indices `deleted` XCom is deleted; those of `waiting` wait to be told.
    """

    pods: int = 1
    at_once: int = 1
    deleted: Sequence[int] = ()
    waiting: Sequence[int] = ()


@contextmanager
def installed(dag_ids: Sequence[str], many: Many | None = None) -> Iterator[Airflow]:
    """Airflow with the DAGs in its folder, and with these known to it; both end with the block.

    Raises ClusterError when it does not get to know them.
    """
    began = datetime.now(UTC)
    kubectl(*IN_AIRFLOW, "mkdir", "-p", FOLDER)
    try:
        _write(SETTINGS, json.dumps(_settings(many or Many())))
        for file in (HERE / "dags").glob("*.py"):
            _write(file.name, file.read_text())
        with airflow() as client:
            client.wait_until_read(
                lambda: all(client.parsed_since(dag_id, began) for dag_id in dag_ids), FOLDER
            )
            yield client
    finally:
        kubectl(*IN_AIRFLOW, "rm", "-rf", ROOT)


def _write(name: str, text: str) -> None:
    kubectl(*IN_AIRFLOW, "tee", f"{FOLDER}/{name}", stdin=text)


def _settings(many: Many) -> dict[str, Any]:
    train, mapped = ((HERE / "scripts" / f"{name}.py").read_text() for name in ("train", "mapped"))
    return {
        "pod": {"image": training_image(), "cmds": ["python", "-c"], "arguments": [train]},
        "plain": hand_wired(TEAM, TEAM),
        "moored": {"binding": TEAM, "require": ["model.txt", "plots"]},
        "mapped": {
            "binding": TEAM,
            "require": ["model.txt"],
            "arguments": [mapped, *map(str, many.waiting)],
            "do_xcom_push": True,
        },
        "many": {**asdict(many), "binding": f"{TEAM}/{TEAM}"},
    }
