"""The database's clock: leases are measured by no other."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class now(FunctionElement[float]):  # noqa: N801 (written as a function)
    """The present moment in seconds since 1970; unlike that of a transaction, it moves."""

    type: sa.Float[float] = sa.Float()
    inherit_cache: bool = True


@compiles(now, "postgresql")
def _postgresql(_element: now, _compiler: Any, **_settings: Any) -> str:  # Any: SQLAlchemy's own
    return "extract(epoch from clock_timestamp())"


@compiles(now, "sqlite")
def _sqlite(_element: now, _compiler: Any, **_settings: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"
