"""What Mooring adds to Airflow's tasks, each figure beside its floor: `make bench-airflow`."""

import os
import tempfile

# Airflow reads its configuration when it is first imported; nothing is to be left in a home.
HOME = tempfile.TemporaryDirectory(prefix="mooring-bench-airflow-")
os.environ["AIRFLOW_HOME"] = HOME.name
