"""The same API server, services and operator as for the operator's own tests."""

from tests.integration.operator.conftest import admin, api, operator, server, world

__all__ = ["admin", "api", "operator", "server", "world"]
