"""The order of the tests of the documentation."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the build of the documentation: it takes longest, and pages are followed beside it."""
    items.sort(key=lambda item: item.get_closest_marker("site") is None)
