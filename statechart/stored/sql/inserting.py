"""Insert a row unless it is there: portable, but for its spelling."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from statechart.storage.sql.database import Database

Insert: TypeAlias = postgresql.Insert | sqlite.Insert


def insert_into(database: Database, table: sa.Table) -> Insert:
    """Return an insertion that can say what to do with a row that is there."""
    return postgresql.insert(table) if database.file is None else sqlite.insert(table)
