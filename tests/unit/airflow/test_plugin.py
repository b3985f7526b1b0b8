"""Every process of Airflow imports the plugin, so it must cost next to nothing."""

import json
import subprocess
import sys

from mooring_airflow.operators import MlflowPodOperator
from mooring_airflow.ui.records import ALWAYS_RENDERED

PROGRAM = """
import json, sys
import airflow.plugins_manager
before = set(sys.modules)
import mooring_airflow.plugin
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def test_the_plugin_imports_nothing_but_itself() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    loaded = json.loads(done.stdout.splitlines()[-1])
    # Airflow may have asked the package what the provider is called.
    assert [name for name in loaded if name != "mooring_airflow"] == [
        "mooring_airflow.plugin",
        "mooring_airflow.ui",
        "mooring_airflow.ui.mount",
    ]


def test_workers_record_what_the_page_looks_for() -> None:
    fields = set(MlflowPodOperator.template_fields)
    assert {"binding", "labels", "namespace", ALWAYS_RENDERED} <= fields
