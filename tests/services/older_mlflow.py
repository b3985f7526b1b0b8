"""Older versions of MLflow with this checkout's `mooring`, each in an environment of its own."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.cluster.files import digest_of, digest_of_file, lock, remove
from tests.cluster.paths import CHECKOUT, cache_root
from tests.cluster.process import run

_MOORING = CHECKOUT / "images" / "runtime" / "src"

UPGRADED: Final = "3.11"
"""The version whose data an upgrade must keep readable."""
OLDEST: Final = "2.22"
"""The oldest version whose trainings are looked after."""


def older_python(version: str = UPGRADED) -> Path:
    """Return the interpreter of the environment, which is made once for each lock file."""
    folder = f"mlflow_{version.replace('.', '_')}"
    requirements = Path(__file__).parent / folder / "requirements.txt"
    digest = digest_of([digest_of_file(requirements), sys.version])[:16]
    home = cache_root() / "venvs" / f"mlflow-{version}-{digest}"
    with lock(home.name):
        if not (home / "complete").exists():
            remove(home)
            uv = Path(sys.executable).parent / "uv"
            run([uv, "venv", "--quiet", "--python", sys.executable, home])
            run([uv, "pip", "install", "--quiet", "--python", home / "bin" / "python",
                 "--require-hashes", "--no-deps", "-r", requirements])  # fmt: skip
            (home / "complete").touch()
    return home / "bin" / "python"


def older_environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return the environment in which it finds this checkout's `mooring`, and `env`."""
    return {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"],
            "PYTHONPATH": str(_MOORING), **env}  # fmt: skip


def install_mooring(folder: Path) -> None:
    """Install this checkout's `mooring` in `folder`, for any Python that has it on its path.

    With its metadata: MLflow finds plugins there, and not by a path to the sources.
    """
    uv = Path(sys.executable).parent / "uv"
    run([uv, "pip", "install", "--quiet", "--python", sys.executable, "--target", folder,
         "--no-deps", "--no-build-isolation", CHECKOUT / "images" / "runtime"])  # fmt: skip


LOG = """
import mlflow, sys
mlflow.set_tracking_uri(sys.argv[1])
client = mlflow.MlflowClient()
experiment = client.create_experiment("old", artifact_location=sys.argv[2])
with mlflow.start_run(experiment_id=experiment) as run:
    mlflow.log_param("depth", 3)
    mlflow.log_metric("loss", 0.25, step=7)
    mlflow.log_text("weights", "model.txt")
client.create_registered_model("forest")
version = client.create_model_version("forest", run.info.artifact_uri, run.info.run_id)
client.set_registered_model_alias("forest", "champion", version.version)
"""
READ = """
import mlflow, sys
mlflow.set_tracking_uri(sys.argv[1])
client = mlflow.MlflowClient()
champion = client.get_model_version_by_alias("forest", "champion")
run = client.get_run(champion.run_id)
metrics = [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, "loss")]
text = mlflow.artifacts.load_text(run.info.artifact_uri + "/model.txt")
print(run.data.params, metrics, text)
"""
WRITTEN = "{'depth': '3'} [(7, 0.25)] weights\n"
"""What READ prints of what LOG wrote."""


def older(program: str, *arguments: str) -> str:
    """Run a Python program with MLflow 3.11; what it printed."""
    return run([older_python(), "-c", program, *arguments], env=older_environment({}))
