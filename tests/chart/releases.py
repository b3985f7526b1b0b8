"""`helm install` of charts/mooring into a real API server."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.chart.rendering import CHARTS
from tests.cluster.tools import tool

NAMESPACE = "mooring-install"


@dataclass(frozen=True, slots=True)
class Helm:
    """Helm, talking to one API server; its release is called `mooring`."""

    kubeconfig: Path

    def install(self, values: Mapping[str, Any]) -> str:
        """Install or upgrade the release; return what helm prints."""
        return self._run(
            "upgrade", "--install", "mooring", str(CHARTS / "mooring"), "--create-namespace",
            "--values", "-", stdin=yaml.safe_dump(dict(values)),
        )  # fmt: skip

    def uninstall(self) -> None:
        """Take the release away; the definitions stay."""
        self._run("uninstall", "mooring", "--ignore-not-found")

    def _run(self, *arguments: str, stdin: str = "") -> str:
        return subprocess.run(
            [tool("helm"), *arguments, "--namespace", NAMESPACE], input=stdin, text=True,
            check=True, stdout=subprocess.PIPE,
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig)},
        ).stdout  # fmt: skip
