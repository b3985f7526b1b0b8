"""Fixtures for all tests: real clusters and real services, each at most once in a session."""

from tests.cluster.fixtures import apiserver_fixture, kind_cluster
from tests.services.fixtures import postgresql_service, versitygw_service

__all__ = ["apiserver_fixture", "kind_cluster", "postgresql_service", "versitygw_service"]
