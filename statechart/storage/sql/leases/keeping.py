"""Open a name of a database for a session, and keep it held between sessions that follow each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

from statechart.storage.sql.leases.taking import take
from statechart.storage.sql.reading import Names, find
from statechart.storage.values.codec import Codec, ModelT
from statechart.storage.values.held import lease_time

if TYPE_CHECKING:
    from statechart.holder import Holder
    from statechart.storage.session import Session
    from statechart.storage.sql.leases.held import HeldRow


def opened(
    names: Names, name: str, codec: Codec[ModelT], holder: Holder, *, timeout: float, ttl: float
) -> tuple[HeldRow, ModelT]:
    """Take a name, and return it with its value.

    Raises:
        NotFound: The name does not exist.
        Locked: Another holder has the name.
        CorruptHistory: The history is damaged; nothing was changed.
        NewerSchema: A newer program wrote a record.
        StorageError: The database can't be reached or written to.
    """
    held = take(names, name, holder, timeout=timeout, ttl=ttl)
    try:
        present = find(names, name, codec.schema_version, held.rows)
        held.rows = None
        value = codec.value(present.recent, names.place(name), name, before=present.before)
        held.begin_at(present)
    except BaseException:
        held.close(undo=True)
        raise
    return held, value


class Keeper(Generic[ModelT]):
    """Keeps names held after their sessions are closed, for the next sessions of the same work.

    Meanwhile the leases are renewed, and nobody else can change the names, so that the names need not be
    taken again, nor their histories read. A name that was lost is forgotten.
    """

    def __init__(self) -> None:
        self._sessions: dict[str, Session[ModelT]] = {}
        self._kept: dict[str, HeldRow] = {}

    def watch(self, session: Session[ModelT], held: HeldRow) -> None:
        """Keep the name of a session when the session is closed."""
        self._sessions[session.name] = session
        held.keep = self._keep

    def again(self, name: str, holder: Holder) -> tuple[HeldRow, ModelT] | None:
        """Return a name that was kept, for another session, with its value; None if there is none."""
        held, session = self._kept.pop(name, None), self._sessions.get(name)
        if held is None or session is None:
            return None
        if held.is_lost or held.until <= lease_time():
            _let_go(held)
            return None
        held.holder = holder
        return held, session.value

    def _keep(self, name: str, held: HeldRow) -> None:
        if name in self._sessions:
            self._kept[name] = held
        else:  # the session was still open when all were let go
            _let_go(held)

    def let_go(self) -> None:
        """Let the names go that are kept, and those of open sessions as soon as they are closed."""
        while self._kept:
            _let_go(self._kept.popitem()[1])
        self._sessions.clear()


def _let_go(held: HeldRow) -> None:
    held.keep = None
    held.close(undo=True)  # what the last session has recorded, it has noted itself
