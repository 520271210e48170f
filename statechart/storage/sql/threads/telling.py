"""Tell names that change to those who listen at PostgreSQL, after the commits and apart from them.

PostgreSQL commits transactions with a notice one after the other, in the whole database, and each of them
waits for the disk alone. So no commit has one: a thread sends the names of many commits by a transaction
that waits for no disk. What a process did not send before it died is found by those who look at all names.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

CHANNEL: Final = "envchart"
"""The channel on which `collection/name` is told."""

_PAUSE: Final = 0.05
"""The seconds between two transactions with names, at least."""

_SHARE: Final = 20
"""Telling takes at most this part of the time: on a busy machine it must not slow commits down."""

_LATEST: Final = 0.5
"""The seconds between two transactions with names, at most."""

_IDLE: Final = 1.0
"""The seconds without a name after which the thread ends."""

_PATIENCE: Final = 3.0
"""The seconds to wait at the end of the process for names that are being sent."""

_TELL: Final = sa.text(
    # With the notice the setting ends: it is the transaction's own, also behind PgBouncer.
    "SELECT set_config('synchronous_commit', 'off', true), pg_notify(:channel, name)"
    " FROM unnest(CAST(:names AS text[])) AS name"
)


class Telling:
    """Tells the names that this process changes in a database of PostgreSQL.

    Args:
        engine: The engine, which commits each statement.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._names: set[str] = set()
        self._told = threading.Condition()
        self._is_running = False
        self._sending = threading.Lock()

    def tell(self, name: str) -> None:
        """Tell a change of `collection/name` soon: the first at once, more of them together."""
        with self._told:
            self._names.add(name)
            if self._is_running:
                self._told.notify()
                return
            self._is_running = True
        try:
            threading.Thread(target=self._run, name="envchart_tell_names", daemon=True).start()
        except RuntimeError:  # the interpreter ends, or the limit of threads is reached
            self._is_running = False
            self.flush()

    def flush(self) -> None:
        """Send the names that wait, and wait for those that are being sent."""
        if not self._sending.acquire(timeout=_PATIENCE):
            return
        try:
            with self._told:
                names, self._names = self._names, set()
            if names:
                self._send(sorted(names))
        finally:
            self._sending.release()

    def _run(self) -> None:
        try:
            self._go_on()
        except BaseException:
            self._is_running = False  # the next name that is told begins another
            raise

    def _go_on(self) -> None:
        while True:
            begun = time.monotonic()
            self.flush()
            time.sleep(min(_LATEST, max(_PAUSE, _SHARE * (time.monotonic() - begun))))
            with self._told:
                if not self._names and not self._told.wait_for(lambda: self._names, _IDLE):
                    self._is_running = False
                    return

    def _send(self, names: list[str]) -> None:
        for _ in range(2):  # the first connection may have died unnoticed
            with suppress(SQLAlchemyError), self._engine.connect() as connection:
                connection.execute(_TELL, {"channel": CHANNEL, "names": names})
                return
