"""Runs a DAG in this process, and prints what Airflow's database then holds of assets.

In: a folder of DAGs, the id of one. A process of its own, because Airflow reads its configuration
once. Airflow's log goes to standard output too, so the answer, JSON, is the last line.
"""

import json
import sys
from pathlib import Path

from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.models.asset import AssetDagRunQueue, AssetEvent
from airflow.models.dag import DagModel
from airflow.models.xcom import XComModel
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from sqlalchemy import select, update

from mooring_airflow.links import MlflowModelVersionLink

BUNDLE = "dags-folder"
"""What Airflow calls the one that it has where nothing else is configured."""

LINK = MlflowModelVersionLink().xcom_key


def main(folder: str, dag_id: str) -> None:
    """Run the DAG `dag_id` while all the others of `folder` wait for assets."""
    initdb()
    DagBundlesManager().sync_bundles_to_db()  # type: ignore[no-untyped-call]
    bag = DagBag(folder, bundle_path=Path(folder), bundle_name=BUNDLE)
    if bag.import_errors:
        sys.exit(json.dumps(bag.import_errors))
    sync_bag_to_db(bag, BUNDLE, None)
    with create_session() as session:
        session.execute(update(DagModel).values(is_paused=False))
    run = bag.dags[dag_id].test()
    with create_session() as session:
        instances = run.get_task_instances(session=session)
        events = session.scalars(select(AssetEvent).order_by(AssetEvent.id))
        links = session.scalars(select(XComModel).where(XComModel.key == LINK))
        answer = {
            "states": {f"{ti.task_id}[{ti.map_index}]": ti.state for ti in instances},
            "events": [[event.asset.uri, event.extra] for event in events],
            "links": {f"{x.task_id}[{x.map_index}]": XComModel.deserialize_value(x) for x in links},
            "queued": sorted(session.scalars(select(AssetDagRunQueue.target_dag_id))),
        }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
