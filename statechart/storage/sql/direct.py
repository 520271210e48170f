"""Run statements by PostgreSQL's driver itself: SQLAlchemy takes longer than the server for a short one.

SQLAlchemy writes the statements, once each, keeps the connections, and names the errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError


class Direct:
    """Runs statements that are built once per process, each as a transaction of its own.

    Args:
        engine: The engine, whose connections are borrowed.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._driver: Any = engine.dialect.loaded_dbapi
        # With the statement: the id of one that is gone may be given to another.
        self._written: dict[int, tuple[sa.Executable, str, dict[str, Any]]] = {}

    def borrow(self) -> sa.PoolProxiedConnection:
        """Take a connection; `run` gives it back.

        Raises:
            DBAPIError: The database can't be reached.
        """
        try:
            return self._engine.raw_connection()
        except self._driver.Error as error:
            raise self._named(error, "", is_lost=False) from error

    def run(
        self, lent: sa.PoolProxiedConnection, statement: sa.Executable, parameters: dict[str, Any]
    ) -> Sequence[Any]:
        """Run a statement, and return its rows, whose columns are attributes.

        Raises:
            DBAPIError: The statement failed; the error is as if SQLAlchemy had run the statement.
        """
        text, constants = self._write(statement)
        connection: Any = lent.driver_connection  # Any: of the driver's own
        try:
            connection.autocommit = True
            cursor = connection.cursor(row_factory=self._driver.rows.namedtuple_row)
            rows: Sequence[Any] = cursor.execute(text, constants | parameters).fetchall()
            connection.autocommit = False
        except self._driver.Error as error:
            is_lost = self._engine.dialect.is_disconnect(error, connection, None)
            lent.invalidate(error)
            if is_lost:
                self._engine.dispose()  # the kept connections have died with it, most likely
            raise self._named(error, text, is_lost=is_lost) from error
        except BaseException:
            lent.invalidate()  # the answer may still come
            raise
        lent.close()
        return rows

    def _write(self, statement: sa.Executable) -> tuple[str, dict[str, Any]]:
        """Return a statement as the driver reads it, with its own constants."""
        known = self._written.get(id(statement))
        if known is None:
            compiled: sa.Compiled = statement.compile(dialect=self._engine.dialect)  # type: ignore[attr-defined]
            constants = {key: value for key, value in (compiled.params or {}).items() if value is not None}
            known = self._written[id(statement)] = statement, str(compiled), constants
        return known[1:]

    def _named(self, error: Exception, text: str, *, is_lost: bool) -> BaseException:
        return DBAPIError.instance(
            text,
            None,
            error,
            self._driver.Error,
            hide_parameters=True,  # as the engine: values are nobody else's business
            connection_invalidated=is_lost,
            dialect=self._engine.dialect,
        )
