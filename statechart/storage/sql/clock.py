"""What is written differently for each database: the clock, by which leases are measured, and the disk."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine


class now(FunctionElement[float]):  # noqa: N801 (written as a function)
    """The present moment in seconds since 1970; unlike that of a transaction, it moves."""

    type: TypeEngine[float] = sa.Float()
    inherit_cache: bool | None = True


@compiles(now, "postgresql")
def _postgresql(_element: now, _compiler: Any, **_settings: Any) -> str:  # Any: SQLAlchemy's own
    return "extract(epoch from clock_timestamp())"


@compiles(now, "sqlite")
def _sqlite(_element: now, _compiler: Any, **_settings: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


class unhurried(FunctionElement[str]):  # noqa: N801 (written as a function)
    """Have the transaction not wait for the server's disk: a crash of the server may forget it."""

    type: TypeEngine[str] = sa.String()
    inherit_cache: bool | None = True


@compiles(unhurried, "postgresql")
def _not_awaited(_element: unhurried, _compiler: Any, **_settings: Any) -> str:
    return "set_config('synchronous_commit', 'off', true)"  # of this transaction only


@compiles(unhurried, "sqlite")
def _awaited(_element: unhurried, _compiler: Any, **_settings: Any) -> str:
    return "'on'"
