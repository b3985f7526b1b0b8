"""skaffold.yaml builds every image and installs both charts with them."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.chart.rendering import CHARTS, find
from tests.cluster.tools import tool

ROOT = CHARTS.parent
IMAGES = sorted(f"mooring/{path.parent.name}" for path in ROOT.glob("images/*/Dockerfile"))


@dataclass(frozen=True, slots=True)
class Skaffold:
    """Skaffold with the Helm that it can drive, and no cluster."""

    environment: Mapping[str, str]

    def __call__(self, *arguments: str | Path) -> str:
        """Run skaffold in the checkout; return what it prints."""
        done = subprocess.run(
            [tool("skaffold"), *arguments],
            cwd=ROOT, env=dict(self.environment), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def skaffold(tmp_path: Path) -> Skaffold:
    """Skaffold with a home of its own; 2.16 cannot drive Helm 4 (skaffold#9871)."""
    (tmp_path / "helm").symlink_to(tool("helm3"))
    (tmp_path / "kubeconfig").write_text("{apiVersion: v1, kind: Config}")
    return Skaffold(
        {
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "KUBECONFIG": str(tmp_path / "kubeconfig"),
            "SKAFFOLD_UPDATE_CHECK": "false",
            "SKAFFOLD_INTERACTIVE": "false",
        }
    )


def test_diagnose_finds_every_image(skaffold: Skaffold) -> None:
    artifacts = yaml.safe_load(skaffold("diagnose", "--yaml-only"))["build"]["artifacts"]
    assert sorted(artifact["image"] for artifact in artifacts) == IMAGES
    for artifact in artifacts:
        folder = artifact["image"].removeprefix("mooring/")
        if "custom" in artifact:
            assert f"--file images/{folder}/Dockerfile ." in artifact["custom"]["buildCommand"]
        else:
            assert artifact["docker"]["dockerfile"] == f"images/{folder}/Dockerfile"


def test_render_installs_both_charts_with_the_built_images(
    skaffold: Skaffold, tmp_path: Path
) -> None:
    built = [{"imageName": image, "tag": f"{image}:built"} for image in IMAGES]
    (tmp_path / "built.json").write_text(json.dumps({"builds": built}))
    rendered = skaffold(
        "render", "--offline=true", "--digest-source=local",
        "--build-artifacts", tmp_path / "built.json",
    )  # fmt: skip
    manifests = list(yaml.safe_load_all(rendered))
    used = set(re.findall(r"\bmooring/[a-z]+:[\w.@:-]+", rendered))
    assert used == {f"{image}:built" for image in IMAGES}
    assert find(manifests, "Deployment", "mooring")["metadata"]["namespace"] == "mooring-system"
    workspace_class = find(manifests, "MlflowWorkspaceClass", "default")
    assert workspace_class["spec"]["guard"]["image"] == "mooring/runtime:built"
