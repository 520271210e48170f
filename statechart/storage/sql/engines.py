"""Make SQLAlchemy's engines: the settings of connections, and when a kept connection is looked at."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError

from statechart.storage.sql.urls import TCP

WRITES: Final = "envchart_writes"
"""The execution option of a transaction that writes, of which SQLite lets in one at a time."""

_BUSY: Final = 10.0
"""The seconds to wait for another transaction."""

_IDLE: Final = 1.0
"""The seconds after which a kept connection is looked at before it is used."""

_PREPARED: Final = 2
"""The number of uses after which a connection has the server keep the plan of a statement."""

# A process that is stopped in a transaction must not keep its rows from others; and what is said to be
# durable has to be so, whatever the default of the database is. The isolation is for statements that are
# transactions of their own: under a stricter default, a commit would fail while its lease is renewed.
_SETTINGS: Final = (
    "SELECT set_config('lock_timeout', '10s', false),"
    " set_config('idle_in_transaction_session_timeout', '10s', false),"
    " set_config('default_transaction_isolation', 'read committed', false),"
    " CASE current_setting('synchronous_commit') WHEN 'off'"
    " THEN set_config('synchronous_commit', 'on', false) END"
    # Not through PgBouncer, which would pass them on to other programs: it gives a number of its own.
    " WHERE pg_backend_pid() = %s"
)


def postgresql(url: str) -> sa.Engine:
    """Return an engine for a server; nothing is connected yet."""
    address = sa.make_url(url)
    given = {key: value for key, value in TCP.items() if key not in address.query}
    engine = sa.create_engine(
        address,
        pool_size=20,  # kept: to connect takes longer than a commit, and many slots commit at once
        max_overflow=5,
        pool_use_lifo=True,
        isolation_level="READ COMMITTED",
        hide_parameters=True,  # errors are logged, and values are nobody else's business
        connect_args={**given, "prepare_threshold": None},  # until `_set_up` has looked for a pooler
    )
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "checkin", _note_time)
    event.listen(engine, "checkout", partial(_look, engine.dialect))
    return engine


def sqlite(file: Path) -> sa.Engine:
    """Return an engine for a file, which has to exist when a connection is made."""
    engine = sa.create_engine(
        "sqlite://", poolclass=sa.QueuePool, creator=partial(_open, file), hide_parameters=True
    )
    event.listen(engine, "begin", _begin)
    return engine


def make_file(file: Path) -> None:
    """Create the file of a database, private to this user, if it is missing.

    Raises:
        OSError: It can't be created.
    """
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _set_up(connection: Any, _record: object) -> None:  # Any: of the driver's own
    connection.autocommit = True
    is_direct = connection.execute(_SETTINGS, [connection.info.backend_pid]).fetchone() is not None
    connection.autocommit = False
    if is_direct:
        # The server plans a commit for longer than it runs. PgBouncer in transaction mode does not know of
        # statements that another connection has prepared.
        connection.prepare_threshold = _PREPARED


def _note_time(_connection: object, record: Any) -> None:
    record.info["used"] = time.monotonic()


def _look(dialect: sa.Dialect, connection: Any, record: Any, _proxy: object) -> None:
    """Have the pool take another connection if the server has ended this one meanwhile."""
    if time.monotonic() - record.info.get("used", time.monotonic()) < _IDLE:
        return
    try:
        dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error as error:
        raise DisconnectionError from error


def _open(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(str(file))}?mode=rw",
        uri=True,
        timeout=_BUSY,
        isolation_level=None,  # BEGIN is said here: the driver's own would be deferred
        check_same_thread=False,
    )
    try:
        connection.execute("PRAGMA synchronous=FULL")
        _write_ahead(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Have readers not wait for a writer; SQLite does not wait for others here, whatever its timeout."""
    deadline = time.monotonic() + _BUSY
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname.startswith("SQLITE_READONLY"):
                return  # another program set the mode, or the next statement tells
            if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _begin(connection: sa.Connection) -> None:
    if connection.get_execution_options().get(WRITES):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
