"""The schema of environments in a database, upon that of histories."""

from __future__ import annotations

from typing import Final

from environments.storage.sql.tables import TABLES
from statechart.storage.sql.schema import ENGINE, Schema

ENVIRONMENTS: Final = Schema(
    "environments.storage.sql.migrations",
    "envchart_environments_schema",
    "0001_since_0001",
    TABLES,
    ENGINE,
    beside=("envchart_fleet",),  # the queue of a fleet
)
"""The tables of environments."""
