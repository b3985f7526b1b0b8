"""Runs DAGs in this process, one after the other, and prints what came of their task instances.

In: ids of DAGs of Airflow's DAG folder. A process of its own, because Airflow reads its
configuration once and a test process has it already. Airflow's log goes to standard output too, so
the answer, JSON, is the last line.
"""

import json
import sys
from pathlib import Path

from airflow.dag_processing.dagbag import DagBag
from airflow.models.xcom import XComModel
from airflow.utils.db import initdb
from airflow.utils.session import create_session


def main(folder: Path, *dag_ids: str) -> None:
    """Run the DAGs `dag_ids` of `folder`."""
    initdb()
    bag = DagBag(folder)
    if bag.import_errors:
        sys.exit(json.dumps(bag.import_errors))
    told = []
    for dag_id in dag_ids:
        run = bag.dags[dag_id].test()
        with create_session() as session:
            for ti in run.get_task_instances(session=session):
                where = {"dag_id": dag_id, "run_id": run.run_id, "task_id": ti.task_id}
                rows = session.query(XComModel).filter_by(**where, map_index=ti.map_index)
                pushed = {row.key: XComModel.deserialize_value(row) for row in rows}
                told.append({**where, "map_index": ti.map_index, "state": ti.state, "xcom": pushed})
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
