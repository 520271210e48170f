"""The right to run the effects of a name in a database: a lease, which a thread renews."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from statechart.errors import LeaseLost, Locked, StorageError
from statechart.holder import Holder
from statechart.storage.sql.clock import now
from statechart.storage.sql.tables import EFFECTS, NAMES
from statechart.storage.values.held import lease_time
from statechart.stored.sql.inserting import insert_into

if TYPE_CHECKING:
    from statechart.storage.sql.reading import Names

_TTL: Final = 5.0
"""The seconds of a lease, by the database's clock."""

_BEAT: Final = _TTL / 3

_SURE: Final = _TTL * 2 / 3
"""The seconds after a renewal in which an effect may be begun."""


class RowRunLock:
    """The right to run the effects of a name; see `statechart.stored.outbox.RunLock`.

    Others get it after the lease of a machine that died, and at once after a process of this machine. It
    lies beside the name's own lease, which is needed to record the outcomes.
    """

    def __init__(self, names: Names, name: str) -> None:
        self._names = names
        self._name = name
        self._lineage = ""
        self._text = ""
        self._renewed_at = 0.0
        self._end = threading.Event()

    def acquire(self, holder: Holder) -> None:
        """Take the right, without waiting.

        Raises:
            NotFound: The name does not exist.
            Locked: Another run has it.
            StorageError: The database can't be written to.
        """
        self._lineage = self._names.row(self._name, NAMES.c.lineage).lineage
        self._text = holder.model_dump_json()
        before = self._before()
        at = lease_time()
        if not self._taken(before):
            other = self._before()
            raise Locked(self._name, None if other is None else Holder.model_validate_json(other))
        self._renewed_at = at
        threading.Thread(target=self._renew, name="envchart_effects", daemon=True).start()

    def check(self) -> None:
        """Check that no other run can have it by now.

        Raises:
            LeaseLost: The lease was not renewed in time, as of a process that was paused.
        """
        if lease_time() > self._renewed_at + _SURE:
            place = self._names.place(self._name)
            raise LeaseLost(self._name, place, "could not be kept for a run of its effects")

    def release(self) -> None:
        """Give the right back; if the database is away, the lease ends by itself."""
        self._end.set()
        with suppress(StorageError):
            self._change({"holder": None, "lease_until": None})

    def _before(self) -> str | None:
        """Return the holder in the row; make the row if it is missing."""
        asked = sa.select(EFFECTS.c.holder).where(EFFECTS.c.lineage == self._lineage)
        for row in self._names.rows(asked):
            holder: str | None = row.holder
            return holder
        database = self._names.database
        making = insert_into(database, EFFECTS).values(lineage=self._lineage, settled=0)
        with database.writing() as connection:
            connection.execute(making.on_conflict_do_nothing())
        return None

    def _taken(self, before: str | None) -> bool:
        is_over = sa.or_(EFFECTS.c.holder.is_(None), EFFECTS.c.lease_until <= now())
        if before is not None and Holder.model_validate_json(before).is_alive() is False:
            is_over = sa.or_(is_over, EFFECTS.c.holder == before)  # of a process of this machine that ended
        values = {"holder": self._text, "lease_until": now() + _TTL}
        taking = sa.update(EFFECTS).where(EFFECTS.c.lineage == self._lineage, is_over).values(values)
        return bool(self._names.database.changed(taking.returning(EFFECTS.c.lineage)))

    def _renew(self) -> None:
        while not self._end.wait(_BEAT):
            at = lease_time()
            with suppress(StorageError):
                if not self._change({"lease_until": now() + _TTL}):
                    return  # another run has it, and `check` says so
                self._renewed_at = at

    def _change(self, values: dict[str, Any]) -> bool:
        mine = sa.and_(EFFECTS.c.lineage == self._lineage, EFFECTS.c.holder == self._text)
        changing = sa.update(EFFECTS).where(mine).values(values).returning(EFFECTS.c.lineage)
        return bool(self._names.database.changed(changing))
