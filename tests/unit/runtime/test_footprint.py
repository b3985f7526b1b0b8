"""What the guard loads: it runs before every training, so its imports are part of every start."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from mooring import contract
from tests.services.process import closed_port

LOOK: Final = r"""
import json, re, sys
from pathlib import Path
from mooring import guard
from mooring.guard import patience
patience.DEADLINE_S = 0
result = guard.check(json.loads(sys.argv[1]))
# not ru_maxrss: that has what the parent held before the exec
peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
resident = int(peak[1]) / 1024
print(json.dumps([[f.reason for f in result.findings], sorted(sys.modules), resident]))
"""
RESIDENT_MB: Final = 50
NEVER: Final = (
    "mlflow", "boto3", "requests", "numpy", "pandas", "pydantic", "kubernetes", "httpx",
    "typer", "rich",
)  # fmt: skip


def look(tmp_path: Path, root: str, **store: str) -> tuple[list[str], set[str], float]:
    """Reasons, top-level packages and resident megabytes of a guard whose servers are down."""
    down = f"http://127.0.0.1:{closed_port()}"
    environ = {
        contract.TRACKING_URI: down,
        contract.WORKSPACE: "team-a/team-a",
        contract.BINDING: "team-a",
        contract.ARTIFACT_ROOT: root,
        **{name: value.replace("DOWN", down) for name, value in store.items()},
    }
    done = subprocess.run(
        [sys.executable, "-c", LOOK, json.dumps(environ)],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    reasons, modules, resident = json.loads(done.stdout)
    return reasons, {module.partition(".")[0] for module in modules}, resident


KEYS: Final = {contract.AWS_ACCESS_KEY_ID: "a", contract.AWS_SECRET_ACCESS_KEY: "b"}
SAS: Final = {
    contract.AZURE_CONNECTION_STRING: "BlobEndpoint=DOWN/a;SharedAccessSignature=sig=not-to-be-seen"
}


@pytest.mark.parametrize(
    ("root", "store", "reasons", "needed"),
    [
        ("s3://b/team-a", {contract.S3_ENDPOINT_URL: "DOWN", **KEYS},
         ["ServerUnreachable", "StoreUnreachable"], {"botocore"}),
        ("wasbs://c@a.blob.core.windows.net/x", SAS,
         ["ServerUnreachable", "StoreUnreachable"], set()),
        ("gs://b/team-a", {contract.GOOGLE_CREDENTIALS: "/nosuch"},
         ["ServerUnreachable", "CredentialsInvalid"], {"google"}),
        (contract.PROXIED_ROOT, {}, ["ServerUnreachable"], set()),
    ],
)  # fmt: skip
def test_loads_what_its_store_needs_and_nothing_else(
    tmp_path: Path, root: str, store: dict[str, str], reasons: list[str], needed: set[str]
) -> None:
    found, packages, resident = look(tmp_path, root, **store)
    assert found == reasons, "it must have come as far as to the store"
    assert not packages & set(NEVER)
    assert packages & {"botocore", "google"} == needed
    assert resident <= RESIDENT_MB


def test_the_program_loads_nothing_of_the_command_line_for_people() -> None:
    look = "import sys, mooring.main, mooring.guard, mooring.run; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", look], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not set(loaded) & {"mooring.cli", "typer", "rich", "kubernetes"}
