"""In which order the integration tests begin."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with those that mostly wait: last, they would wait alone."""
    items.sort(key=lambda item: item.get_closest_marker("waits") is None)
