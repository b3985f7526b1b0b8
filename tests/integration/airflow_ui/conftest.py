"""One API server for all tests here."""

from collections.abc import Iterator

import pytest

from tests.integration.airflow_ui.stories import STORIES
from tests.integration.airflow_ui.world import Airflow, airflow


@pytest.fixture(scope="session")
def ui() -> Iterator[Airflow]:
    with airflow(STORIES, {}) as running:
        yield running
