"""The README's commands work as they stand there."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cluster.paths import CHECKOUT
from tests.cluster.tools import tool
from tests.demo.cluster import environment
from tests.demo.system import VALUES

README = (CHECKOUT / "README.md").read_text()
COMMANDS = re.findall(r"^    ((?:kubectl|helm|make) .*?)(?:\s+#.*)?$", README, re.MULTILINE)


@pytest.fixture
def shell(system: None, tmp_path: Path) -> dict[str, str]:
    """The environment of a person in the checkout: kubectl, helm, the cluster, a values.yaml."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("kubectl", "helm"):
        (programs / name).symlink_to(tool(name))
    shutil.copy(VALUES, tmp_path / "values.yaml")
    (tmp_path / "charts").symlink_to(CHECKOUT / "charts")
    return {**os.environ, **environment(), "PATH": f"{programs}:{os.environ['PATH']}"}


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("kubectl")])
def test_kubectl_command(command: str, shell: dict[str, str]) -> None:
    done = subprocess.run(
        ["bash", "-c", command], env=shell, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("helm")])
def test_helm_command(command: str, shell: dict[str, str], tmp_path: Path) -> None:
    """On a cluster that has the release, up to the point where Helm would install it again."""
    rehearsal = f"{command.replace('install mooring', 'install rehearsal')} --dry-run=client"
    done = subprocess.run(
        ["bash", "-c", rehearsal],
        cwd=tmp_path, env=shell, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_make_targets_exist() -> None:
    targets = {c.split()[1] for c in COMMANDS if c.startswith("make")}
    targets |= set(re.findall(r"`make ([a-z-]+)`", README))
    known = set(re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
    assert targets
    assert targets <= known
