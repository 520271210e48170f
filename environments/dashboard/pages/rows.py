"""Rows for people: the filters of the templates that tell an environment in an overview."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from environments.overview.told import told, trouble

FILTERS: Final[Mapping[str, Callable[..., Any]]] = {"told": told, "trouble": trouble}  # Any: as it returns
"""The filters of the templates, beside those of all dashboards."""
