"""A session on an environment in a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from environments.model.environment import AnyEnvironment
from environments.ports import TRACES as DIRECTORY
from environments.storage.sql.states import StateRows
from environments.storage.sql.tables import TRACES
from environments.storage.stored import StoredSession
from statechart.errors import StorageError
from statechart.storage.sql.leases.held import HeldRow

if TYPE_CHECKING:
    from environments.model.provider_kinds import Providers
    from statechart.storage.session import Session as StoreSession
    from statechart.storage.sql.database import Database


class SqlSession(StoredSession):
    """A Session on an environment in a database."""

    def __init__(
        self, session: StoreSession[AnyEnvironment], database: Database, providers: Providers
    ) -> None:
        super().__init__(session, providers)
        self._database = database
        self._lineage = session.head.lineage

    def write_trace(self, name: str, text: str) -> str:
        """Store a failure's trace with the record; an existing trace is not overwritten."""
        # What a database can't hold as text.
        told = text.encode("utf-8", "replace").decode().replace("\0", "\N{SYMBOL FOR NULL}")
        try:
            with self._database.writing() as connection:
                row = {"lineage": self._lineage, "name": name, "text": told}
                connection.execute(sa.insert(TRACES).values(row))
        except StorageError as error:
            if isinstance(error.__cause__, IntegrityError):
                raise StorageError(f"cannot write the trace {name}: it exists already") from error
            raise
        return f"{DIRECTORY}/{name}"

    def carry_state(self, content: bytes) -> int:
        """Store a version of the provider's own state, fenced, and return its number."""
        self._session.check()
        held = self._session._held
        assert isinstance(held, HeldRow)
        return StateRows(self._database).store(held, content)
