"""Take a name of a database, waiting for another holder."""

from __future__ import annotations

import time
from typing import Any, Final

import sqlalchemy as sa

from statechart.errors import Locked
from statechart.holder import Holder
from statechart.storage.sql.clock import now
from statechart.storage.sql.errors import StoreUnreachable
from statechart.storage.sql.leases.held import HeldRow
from statechart.storage.sql.leases.statements import TAKE_AND_READ
from statechart.storage.sql.reading import Lease, Names, rows_from
from statechart.storage.sql.tables import NAMES
from statechart.storage.values.held import lease_time
from statechart.storage.values.pauses import pauses

_WANTED: Final = 10.0
"""The seconds for which a name is taken to be wanted by others after this process had to wait for it."""

_COURTESY: Final = 0.03
"""The seconds for which a process leaves a name to others that it has just let go."""


def take(names: Names, name: str, holder: Holder, *, timeout: float, ttl: float) -> HeldRow:
    """Take a name, waiting at most `timeout` seconds for another holder.

    Whoever waits only looks, and takes the row when it looks free: many waiters would slow the holder down.

    Raises:
        NotFound: The name does not exist.
        Locked: Another holder has the name.
        StorageError: The database can't be reached or written to.
    """
    deadline = time.monotonic() + max(timeout, 0)
    waits = pauses(names.database.poll)
    names.database.require_local()
    if timeout > 0 and _is_wanted(names, name):
        names.database.wait(min(_COURTESY, timeout))
    if names.database.file is None and names.schema.is_there(names.database):
        # SQLite would lock the whole file, though another holder may have the name.
        free = _taken_free(names, name, holder, ttl)
        if free is not None:
            return free
    lease = Lease.of(names, name)
    while True:
        if lease.is_over:
            held = _taken(names, name, holder, lease, ttl)
            if held is not None:
                return held
        else:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Locked(name, lease.holder)
            names.database.wanted[names.place(name)] = lease_time()
            names.database.wait(min(next(waits), left))
        lease = Lease.of(names, name)  # also after another was faster: look who it is


def _is_wanted(names: Names, name: str) -> bool:
    """Return whether this process had to wait for a name a moment ago, so that others may wait now.

    Who lets a name go and takes it again at once would keep it from all those who look now and then.
    """
    since = names.database.wanted.get(names.place(name))
    if since is not None and lease_time() - since > _WANTED:
        names.database.wanted.pop(names.place(name), None)  # another thread may have been faster
        return False
    return since is not None


def _taken_free(names: Names, name: str, holder: Holder, ttl: float) -> HeldRow | None:
    """Take a name that nobody has, and read it with that; None if there is no such name.

    None as well if the connection had died, as all kept ones do when the server starts again.
    """
    at, text, key = lease_time(), holder.model_dump_json(), names.key(name)
    asked = {"of_collection": key["collection"], "of_name": key["name"], "me": text, "ttl": ttl}
    row: sa.Row[Any] | Lease
    try:
        found = names.database.changed(TAKE_AND_READ, asked)
        if not found:
            return None
        row = found[-1]
    except StoreUnreachable:
        row = Lease.of(names, name)
        if row.text != text:
            return None  # and if it is still on its way, either it or the next attempt finds a holder
        found = ()
    before = Lease.ended(row.lineage, row.fence - 1, row.released_by)
    held = HeldRow(names, name, holder, before, fence=row.fence, ttl=ttl, at=at)
    if found and found[-1].value is not None:
        held.rows = rows_from(found)
    names.tell(name)
    return held


def _taken(names: Names, name: str, holder: Holder, lease: Lease, ttl: float) -> HeldRow | None:
    """Take a lease as it was seen, or return None if it has changed."""
    at, text = lease_time(), holder.model_dump_json()
    taking = (
        sa.update(NAMES)
        .where(
            NAMES.c.lineage == lease.lineage,
            NAMES.c.fence == lease.fence,
            NAMES.c.holder.is_not_distinct_from(lease.text),
            lease.condition,
        )
        .values(holder=text, fence=NAMES.c.fence + 1, lease_until=now() + ttl)
        .returning(NAMES.c.fence)
    )
    names.database.let_go.pop(lease.lineage, None)  # before the same holder has it again
    try:
        fences = [row.fence for row in names.database.changed(taking)]
    except StoreUnreachable as error:
        fences = [_ours(names, name, text, error).fence]
    if not fences:
        return None
    names.tell(name)
    return HeldRow(names, name, holder, lease, fence=fences[0], ttl=ttl, at=at)


def _ours(names: Names, name: str, text: str, error: StoreUnreachable) -> Lease:
    """Return our lease after the connection was cut that took it; raise the error if it did not."""
    seen = Lease.of(names, name)  # nobody else would let the row go
    if seen.text != text:
        raise error
    return seen
