"""One fixture per service, shared by the tests of a session: import them in a conftest.py."""

from collections.abc import Iterator

import pytest

from tests.services.azurite import Azurite, azurite
from tests.services.fakegcs import FakeGcs, fakegcs
from tests.services.postgresql import Postgresql, postgresql
from tests.services.versitygw import Versitygw, versitygw


@pytest.fixture(scope="session")
def azurite_service() -> Iterator[Azurite]:
    with azurite() as running:
        yield running


@pytest.fixture(scope="session")
def fakegcs_service() -> Iterator[FakeGcs]:
    with fakegcs() as running:
        yield running


@pytest.fixture(scope="session")
def postgresql_service() -> Iterator[Postgresql]:
    with postgresql() as running:
        yield running


@pytest.fixture(scope="session")
def versitygw_service() -> Iterator[Versitygw]:
    with versitygw() as running:
        yield running
