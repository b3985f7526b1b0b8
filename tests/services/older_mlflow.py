"""MLflow 3.11 with this checkout's `mooring`, in an environment of its own."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.cluster.files import digest_of, digest_of_file, lock, remove
from tests.cluster.paths import CHECKOUT, cache_root
from tests.cluster.process import run

_REQUIREMENTS = Path(__file__).parent / "mlflow_3_11" / "requirements.txt"
_MOORING = CHECKOUT / "images" / "runtime" / "src"


def older_python() -> Path:
    """Return the interpreter of the environment, which is made once for each lock file."""
    digest = digest_of([digest_of_file(_REQUIREMENTS), sys.version])[:16]
    home = cache_root() / "venvs" / f"mlflow-3.11-{digest}"
    with lock(home.name):
        if not (home / "complete").exists():
            remove(home)
            uv = Path(sys.executable).parent / "uv"
            run([uv, "venv", "--quiet", "--python", sys.executable, home])
            run([uv, "pip", "install", "--quiet", "--python", home / "bin" / "python",
                 "--require-hashes", "--no-deps", "-r", _REQUIREMENTS])  # fmt: skip
            (home / "complete").touch()
    return home / "bin" / "python"


def older_environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return the environment in which it finds this checkout's `mooring`, and `env`."""
    return {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"],
            "PYTHONPATH": str(_MOORING), **env}  # fmt: skip
