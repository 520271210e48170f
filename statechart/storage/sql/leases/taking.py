"""Take a name of a database, waiting for another holder."""

from __future__ import annotations

import time
from typing import Final

import sqlalchemy as sa

from statechart.errors import Locked
from statechart.holder import Holder
from statechart.storage.sql.clock import now
from statechart.storage.sql.errors import StoreUnreachable
from statechart.storage.sql.leases.held import HeldRow
from statechart.storage.sql.reading import Lease, Names
from statechart.storage.sql.tables import NAMES
from statechart.storage.values.held import lease_time

_FIRST_WAIT: Final = 0.01  # seconds; doubled up to the poll of the database


def take(names: Names, name: str, holder: Holder, *, timeout: float, ttl: float) -> HeldRow:
    """Take a name, waiting at most `timeout` seconds for another holder.

    Whoever waits only looks, and takes the row when it looks free: many waiters would slow the holder down.

    Raises:
        NotFound: The name does not exist.
        Locked: Another holder has the name.
        StorageError: The database can't be reached or written to.
    """
    deadline = time.monotonic() + max(timeout, 0)
    pause = _FIRST_WAIT
    names.database.require_local()
    while True:
        lease = Lease.of(names, name)
        if lease.is_over:
            held = _taken(names, name, holder, lease, ttl)
            if held is not None:
                return held
            continue  # another was faster: look who it is
        left = deadline - time.monotonic()
        if left <= 0:
            raise Locked(name, lease.holder)
        names.database.wait(min(pause, left))
        pause = min(pause * 2, names.database.poll)


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
    try:
        fences = [row.fence for row in names.database.changed(taking)]
    except StoreUnreachable:
        # The connection was cut. If the row is ours, nobody else will let it go.
        seen = Lease.of(names, name)
        if seen.text != text:
            raise
        fences = [seen.fence]
    if not fences:
        return None
    names.tell(name)
    return HeldRow(names, name, holder, lease, fence=fences[0], ttl=ttl, at=at)
