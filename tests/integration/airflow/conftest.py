"""One store and one tracking server for all tests here."""

from collections.abc import Iterator

import pytest

from tests.integration.airflow.world import Workspace, workspace
from tests.services.fixtures import versitygw_service
from tests.services.versitygw import Versitygw

__all__ = ["versitygw_service"]


@pytest.fixture(scope="session")
def team(versitygw_service: Versitygw) -> Iterator[Workspace]:
    with workspace(versitygw_service) as running:
        yield running
