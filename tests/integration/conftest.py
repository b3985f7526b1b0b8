"""In which order the integration tests begin, and the tracking server that most of them share."""

from collections.abc import Iterator

import pytest

from tests.integration.airflow.world import Workspace, workspace
from tests.services.versitygw import Versitygw


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with those that mostly wait: last, they would wait alone."""
    items.sort(key=lambda item: item.get_closest_marker("waits") is None)


@pytest.fixture(scope="session")
def team(versitygw_service: Versitygw) -> Iterator[Workspace]:
    """One tracking server for all tests that neither stop it nor count what it holds."""
    with workspace(versitygw_service) as running:
        yield running
