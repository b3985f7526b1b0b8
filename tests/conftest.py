"""Fixtures for all tests: real clusters and real services, each at most once in a session."""

from hypothesis import HealthCheck, settings

from tests.cluster.fixtures import apiserver_fixture, kind_cluster
from tests.services.fixtures import postgresql_service, versitygw_service

__all__ = ["apiserver_fixture", "kind_cluster", "postgresql_service", "versitygw_service"]

# how long an example takes says what else the machine does
settings.register_profile("mooring", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("mooring")
