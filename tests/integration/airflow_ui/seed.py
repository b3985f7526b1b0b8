"""Airflow's database as its scheduler and workers leave it: run in a process of its own.

Airflow's own code makes the schema, reads the DAGs and creates the DAG runs; what the task
instances' workers would have written comes from standard input, as `Story` of `world.py` says it.
"""

import json
import sys
from datetime import timedelta
from typing import Any

from airflow._shared.timezones import timezone
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
from airflow.models.dagbag import DBDagBag
from airflow.models.dagrun import DagRun
from airflow.models.renderedtifields import RenderedTaskInstanceFields
from airflow.models.taskinstance import TaskInstance
from airflow.models.team import Team
from airflow.models.xcom import XComModel
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import insert
from sqlalchemy.orm import Session

from mooring import contract

Json = dict[str, Any]


def main() -> None:
    """Make the database, then tell every story."""
    stories = json.load(sys.stdin)
    initdb()
    with create_session(scoped=False) as session:
        session.add_all(Team(name=name) for name in ("team-a", "team-b"))
        session.commit()
        _read_dags(session)
    with create_session(scoped=False) as session:
        for story in stories:
            _tell(session, story)


def _read_dags(session: Session) -> None:
    bundles = DagBundlesManager()  # type: ignore[no-untyped-call]
    bundles.sync_bundles_to_db(session=session)
    session.commit()
    for bundle in bundles.get_all_dag_bundles():
        bundle.initialize()
        bag = BundleDagBag(bundle.path, bundle_path=bundle.path, bundle_name=bundle.name)
        if bag.import_errors:
            raise RuntimeError(bag.import_errors)
        sync_bag_to_db(bag, bundle.name, bundle_version=None, session=session)


def _tell(session: Session, story: Json) -> None:
    dag = DBDagBag().get_latest_version_of_dag(story["dag_id"], session=session)
    if dag is None:
        raise RuntimeError(f"no DAG {story['dag_id']}")
    now = timezone.utcnow()
    run = dag.create_dagrun(
        run_id=story["run_id"],
        run_after=now,
        run_type=DagRunType.MANUAL,
        triggered_by=DagRunTriggeredByType.TEST,
        state=DagRunState(story["state"]),
        start_date=now - timedelta(minutes=5),
        session=session,
    )
    session.flush()
    instances = {(ti.task_id, ti.map_index): ti for ti in run.get_task_instances(session=session)}
    for told in story["tasks"]:
        _tell_task(session, run, instances[told["task_id"], told["map_index"]], told)


def _tell_task(session: Session, run: DagRun, instance: TaskInstance, told: Json) -> None:
    instance.state = told["state"]
    instance.try_number = told["try_number"]
    instance.start_date = run.start_date
    instance.end_date = timezone.utcnow()
    session.flush()
    place: Json = {
        "dag_id": run.dag_id,
        "run_id": run.run_id,
        "task_id": instance.task_id,
        "map_index": instance.map_index,
    }
    if told["rendered"]:
        rendered = {**place, "rendered_fields": told["rendered"]}
        session.execute(insert(RenderedTaskInstanceFields.__table__).values(rendered))
    if told["reference"] is not None:
        value = told["reference"]
        XComModel.set(contract.XCOM_KEY, value, **place, serialize=False, session=session)


if __name__ == "__main__":
    main()
