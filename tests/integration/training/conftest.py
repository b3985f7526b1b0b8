"""Trainings as processes, with the MLflow of the training image and with the oldest one."""

import os
import sys
from pathlib import Path

import pytest

from tests.integration.training.pods import Image
from tests.services.older_mlflow import OLDEST, install_mooring, older_python


@pytest.fixture(scope="session")
def current() -> Image:
    """The training image of today: for what does not depend on MLflow's version."""
    return Image(Path(sys.executable), os.pathsep.join(sys.path))


@pytest.fixture(scope="session", params=["current", OLDEST])
def image(
    request: pytest.FixtureRequest, current: Image, tmp_path_factory: pytest.TempPathFactory
) -> Image:
    """A training image: its Python, and where that finds MLflow and `mooring`."""
    if request.param == "current":
        return current
    mooring = tmp_path_factory.mktemp("mooring")
    install_mooring(mooring)
    return Image(older_python(OLDEST), str(mooring))
