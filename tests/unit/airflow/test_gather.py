"""How a tracking server is asked what a pod left behind: at once, and for nothing twice."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from mooring_airflow.evidence import Evidence
from mooring_airflow.gather import gather
from mooring_airflow.require import requirements

PATIENCE_S = 60.0
"""In which a second question comes while the first one waits, on a machine with other work."""

RUN = {"run_id": "r", "experiment_id": "1", "status": "FINISHED", "artifact_uri": "s3://b/r"}


class Server:
    """Answers as `Tracking`: one run with files in folders below `plots`, and logged models."""

    def __init__(self, folders: int = 0, models: int = 0) -> None:
        self.folders = [f"plots/{number}" for number in range(folders)]
        self.names = [f"m-{number}" for number in range(models)]
        self.asked: Counter[tuple[str, ...]] = Counter()

    def experiments(self) -> list[str]:
        """See `Tracking`."""
        self.asked["experiments",] += 1
        return ["1", "2"]

    def runs(self, _tags: Any, _experiments: Sequence[str]) -> list[Any]:
        """See `Tracking`."""
        return [{"info": RUN}]

    def models(self, _tags: Any, _experiments: Sequence[str]) -> list[Any]:
        """See `Tracking`."""
        ready = {"status": "LOGGED_MODEL_READY", "artifact_uri": "s3://b/models"}
        return [{"info": {"model_id": name, "name": name, **ready}} for name in self.names]

    def experiment_name(self, _experiment_id: str) -> str:
        """See `Tracking`."""
        return "nightly"

    def versions(self, _run_id: str) -> list[Any]:
        """See `Tracking`."""
        return []

    def artifacts(self, run_id: str, folder: str) -> list[Any]:
        """See `Tracking`."""
        self.asked[run_id, folder] += 1
        if folder in self.folders:
            return [{"path": f"{folder}/loss.png", "file_size": 1}]
        below = self.folders if folder == "plots" else ["plots"]
        return [{"path": path, "is_dir": True} for path in below]

    def model_files(self, model_id: str, folder: str) -> list[Any]:
        """See `Tracking`."""
        self.asked[model_id, folder] += 1
        return [{"path": "MLmodel", "file_size": 2}]

    def model_file(self, model_id: str, path: str) -> str:
        """See `Tracking`."""
        self.asked[model_id, path] += 1
        return "flavors: {sklearn: {}}"


class InPairs(Server):
    """Answers for a folder only while it is asked for another one too."""

    def __init__(self, **how: int) -> None:
        super().__init__(**how)
        self.both = threading.Barrier(2, timeout=PATIENCE_S)

    def artifacts(self, run_id: str, folder: str) -> list[Any]:
        """See `Tracking`."""
        if folder in self.folders:
            self.both.wait()
        return super().artifacts(run_id, folder)

    def model_files(self, model_id: str, folder: str) -> list[Any]:
        """See `Tracking`."""
        self.both.wait()
        return super().model_files(model_id, folder)


class Gone(Server):
    """Is down when it is asked for the files of models, which takes as long as the patience."""

    def model_files(self, model_id: str, folder: str) -> list[Any]:
        """See `Tracking`."""
        super().model_files(model_id, folder)
        time.sleep(0.05)
        raise httpx.ConnectError("refused")


def evidence(server: Any, *require: Any) -> Evidence:
    return gather(server, {}, requirements(require))


def test_folders_of_one_depth_are_listed_at_once() -> None:
    found = evidence(InPairs(folders=4), {"name": "plots", "min_count": 4})
    assert sorted(found.files) == [f"plots/{number}/loss.png" for number in range(4)]


def test_logged_models_are_listed_at_once() -> None:
    found = evidence(InPairs(models=4), {"name": "m-*", "flavor": "sklearn"})
    assert [(model.size, set(model.flavors)) for model in found.models] == [(2, {"sklearn"})] * 4


def test_nothing_is_asked_twice() -> None:
    server = Server(folders=3, models=2)
    evidence(server, "plots/0/loss.png", {"name": "plots", "min_count": 3}, "plots/*/loss.png")
    assert set(server.asked.values()) == {1}


def test_a_server_that_is_gone_is_not_asked_for_all_the_rest() -> None:
    server = Gone(models=500)
    with pytest.raises(httpx.ConnectError):
        evidence(server)
    assert sum(server.asked.values()) < 500
