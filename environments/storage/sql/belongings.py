"""What a database keeps beside the history of an environment, as it moves from store to store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from environments.storage.sql.tables import LOOKS, STATES, TRACES
from statechart.storage.sql.clock import now

if TYPE_CHECKING:
    from environments.storage.belongings import Belongings
    from statechart.storage.moving.rows import RowHarbour


class RowBelongings:
    """The traces, the last look and the provider's state of environments in a database.

    Args:
        harbour: Where the histories leave and arrive.
    """

    def __init__(self, harbour: RowHarbour) -> None:
        self._database = harbour.store.database

    def traces(self, _name: str, lineage: str) -> dict[str, str]:
        """Return the traces of an environment, by name."""
        wanted = sa.select(TRACES.c.name, TRACES.c.text).where(TRACES.c.lineage == lineage)
        with self._database.reading() as connection:
            return {str(row.name): str(row.text) for row in connection.execute(wanted)}

    def look(self, _name: str, lineage: str) -> bytes | None:
        """Return the last look at an environment, or None."""
        wanted = sa.select(LOOKS.c.document).where(LOOKS.c.lineage == lineage)
        with self._database.reading() as connection:
            found = connection.execute(wanted).scalar_one_or_none()
        return None if found is None else bytes(found)

    def store(self, _name: str, lineage: str, belongings: Belongings) -> None:
        """Store the belongings of an environment that has not arrived yet, in place of earlier ones."""
        newest = sa.select(sa.func.max(STATES.c.n)).where(STATES.c.lineage == lineage)
        with self._database.writing() as connection:
            number = int(connection.execute(newest).scalar_one() or 0) + 1
            for table in (TRACES, LOOKS, STATES):
                connection.execute(sa.delete(table).where(table.c.lineage == lineage))
            rows = [
                {"lineage": lineage, "name": name, "text": text.replace("\0", "\N{SYMBOL FOR NULL}")}
                for name, text in belongings.traces.items()
            ]
            if rows:
                connection.execute(sa.insert(TRACES), rows)
            if belongings.look is not None:
                connection.execute(sa.insert(LOOKS).values(lineage=lineage, document=belongings.look))
            if belongings.state is not None:
                state = {"n": number, "fence": 0, "at": now(), "content": belongings.state}
                connection.execute(sa.insert(STATES).values(lineage=lineage, **state))
