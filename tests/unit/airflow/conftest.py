"""Airflow writes its configuration where AIRFLOW_HOME says when it is first imported."""

import os
import tempfile

HOME = tempfile.TemporaryDirectory(prefix="mooring-airflow-")
os.environ["AIRFLOW_HOME"] = HOME.name
