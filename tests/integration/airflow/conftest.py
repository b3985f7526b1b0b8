"""An Airflow without a home of its own."""

import os
import tempfile

# Airflow reads its configuration when it is first imported.
HOME = tempfile.TemporaryDirectory(prefix="mooring-airflow-")
os.environ["AIRFLOW_HOME"] = HOME.name
os.environ["AIRFLOW_CONN_KUBERNETES_DEFAULT"] = '{"conn_type": "kubernetes"}'
