"""What a database does for a large fleet: `python -m tests.benchmarks.scale --environments N --workers N`.

Each kind of request is run many times on a small PostgreSQL of this machine, with the rows of a large
fleet. The processor time of the server for one request, and the bytes in its log, hardly depend on how
busy the machine is. They are multiplied by the number of requests a second that the fleet makes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import psutil
import psycopg

from environments.storage.sql.schema import ENVIRONMENTS
from statechart.storage.sql.database import Database
from tests import postgres

DAY = 24 * 3600
BEAT, TTL = 0.5, 3.5  # seconds
LOOKERS = 16  # of all workers, so many look at each beat
RECORDS = 40
"""The records of an `up` from created to running, of the terraform provider."""

VALUE, LINE = 6_000, 1_500  # bytes, about those of an environment of the terraform provider


@dataclass(frozen=True)
class Fleet:
    """The size of a fleet, and what its users do.

    Attributes:
        environments: The number of environments.
        workers: The number of workers.
        slots: The commands that a worker carries out at once.
        ups: The commands on an environment in a day, each with `RECORDS` records.
        looks: The looks for drift at an environment in a day.
    """

    environments: int = 100_000
    workers: int = 1_000
    slots: int = 8
    ups: float = 4
    looks: float = 24


@dataclass(frozen=True)
class Cost:
    """The costs of a request: seconds of the server's processors, and bytes in its log."""

    processor: float
    log: float


@dataclass(frozen=True)
class Kind:
    """A kind of request.

    Attributes:
        name: The name, for people.
        often: Returns how many a second a fleet makes.
        run: Runs one.
    """

    name: str
    often: Callable[[Fleet], float]
    run: Callable[[psycopg.Cursor[Any], int], object]


def kinds(fleet: Fleet) -> Iterator[Kind]:
    """Yield the kinds of requests, those of the store first."""
    busy, now = fleet.slots, "extract(epoch from clock_timestamp())"
    ups, looks = fleet.environments * fleet.ups / DAY, fleet.environments * fleet.looks / DAY
    names = [f"env-{number}" for number in range(busy)]
    text = token_hex(VALUE)  # half of it is compressed, as is a value's JSON

    def commit(cursor: psycopg.Cursor[Any], number: int) -> None:
        lineage = f"lineage-{number % fleet.environments}"
        cursor.execute("BEGIN")
        cursor.execute(
            "UPDATE envchart_name SET seq = seq + 1, revision = revision + 1, value = %s "
            "WHERE lineage = %s RETURNING seq",
            [text[:VALUE], lineage],
        )
        row = cursor.fetchone()
        assert row is not None
        values = [lineage, row[0], text[:LINE].encode()]
        cursor.execute("INSERT INTO envchart_record VALUES (%s, %s, 1, %s)", values)
        cursor.execute("COMMIT")

    def take(cursor: psycopg.Cursor[Any], number: int) -> None:
        lineage = f"lineage-{number % fleet.environments}"
        taking = f"UPDATE envchart_name SET fence = fence + 1, holder = 'x', lease_until = {now} + 5"
        cursor.execute(f"{taking} WHERE lineage = %s", [lineage])
        cursor.execute("UPDATE envchart_name SET holder = NULL WHERE lineage = %s", [lineage])

    def load(cursor: psycopg.Cursor[Any], number: int) -> None:
        lineage = f"lineage-{number % fleet.environments}"
        cursor.execute("SELECT * FROM envchart_name WHERE lineage = %s", [lineage])
        cursor.execute("SELECT line FROM envchart_record WHERE lineage = %s ORDER BY seq", [lineage])
        cursor.fetchall()

    def look(cursor: psycopg.Cursor[Any], number: int) -> None:
        load(cursor, number)
        cursor.execute(
            "INSERT INTO envchart_look VALUES (%s, %s) ON CONFLICT (lineage) DO UPDATE "
            "SET document = excluded.document",
            [f"lineage-{number % fleet.environments}", text[:LINE].encode()],
        )

    def renew(cursor: psycopg.Cursor[Any], _number: int) -> None:
        cursor.execute(
            f"UPDATE envchart_name SET lease_until = {now} + 5 WHERE name = ANY(%s) AND collection = "
            "'environments' RETURNING lineage, set_config('synchronous_commit', 'off', true)",
            [names],
        )

    def census(cursor: psycopg.Cursor[Any], _number: int) -> None:
        cursor.execute(
            f"DELETE FROM envchart_worker WHERE id <> 'worker-0' AND seen < {now} - dead_after AND EXISTS "
            f"(SELECT FROM envchart_worker WHERE id = 'worker-0' AND seen > {now} - dead_after / 2) "
            "RETURNING id"
        )
        cursor.execute(
            "SELECT * FROM envchart_worker WHERE id <> 'worker-0' AND holder LIKE '%\"host\":\"mine\"%'"
        )
        cursor.fetchall()

    def listing(cursor: psycopg.Cursor[Any], _number: int) -> None:
        cursor.execute(
            "SELECT name, value, holder FROM envchart_name WHERE collection = 'environments' LIMIT 10000"
        )
        cursor.fetchall()

    def tell(cursor: psycopg.Cursor[Any], _number: int) -> None:
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'off', true), pg_notify('envchart', name) "
            "FROM unnest(%s::text[]) AS name",
            [names[:2]],
        )

    yield Kind("a record", lambda _: ups * RECORDS, commit)
    yield Kind("a name taken and let go", lambda _: ups * 5 + looks, take)
    # At most one for each change, where many processes change a name each.
    yield Kind("a notice, after some changes", lambda _: ups * (RECORDS + 10) + 2 * looks, tell)
    yield Kind("a load of 40 records", lambda _: ups * 5, load)
    yield Kind("a look for drift, kept", lambda _: looks, look)
    # Only names that are held have a lease: those of commands under way.
    yield Kind(f"a renewal of {busy} leases", lambda f: f.workers / (TTL / 5), renew)
    yield Kind("a look for dead workers", lambda f: min(f.workers, LOOKERS) / BEAT, census)
    yield Kind("a list of 10,000, by ten people", lambda _: 10 / 10, listing)


def fill(cursor: psycopg.Cursor[Any], fleet: Fleet) -> None:
    """Make the rows of a fleet: each environment with a short history."""
    cursor.execute(
        "INSERT INTO envchart_name (collection, name, lineage, seq, revision, hash, size, segment, value, "
        "schema_version, fence) SELECT 'environments', 'env-' || n, 'lineage-' || n, 40, 40, "
        "repeat('0', 64), 60000, 1, repeat('x', 600), 3, 1 FROM generate_series(0, %s) AS n",
        [fleet.environments - 1],
    )
    # The histories of a hundredth of them: a request reads one, and the index is three levels deep anyway.
    cursor.execute(
        "INSERT INTO envchart_record SELECT 'lineage-' || e, n, 1, repeat('x', %s)::bytea "
        "FROM generate_series(0, %s) AS e, generate_series(1, 40) AS n",
        [LINE, fleet.environments // 100],
    )
    holder = json.dumps(
        {"pid": 1, "host": "host", "user": "envchart", "command": "worker", "token": token_hex(16)}
    )
    cursor.execute(
        "INSERT INTO envchart_worker "
        "SELECT 'worker-' || n, 'worker-' || n, %s, '1', 8, 1, 0, 4e9, 3.5, NULL "
        "FROM generate_series(0, %s) AS n",
        [holder, fleet.workers - 1],
    )
    cursor.execute("VACUUM ANALYZE")


def measured(connection: psycopg.Connection[Any], kind: Kind, seconds: float) -> Cost:
    """Run a kind of request until the server has worked for so long, and return the cost of one."""
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    server, cursor = psutil.Process(row[0]), connection.cursor()
    for number in range(20):  # plans and pages are then known
        kind.run(cursor, number)
    begun, log, done = _worked(server), _log(connection), 0
    while (worked := _worked(server) - begun) < seconds:
        for _ in range(20):
            kind.run(cursor, done)
            done += 1
    return Cost(worked / done, (_log(connection) - log) / done)


def _worked(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _log(connection: psycopg.Connection[Any]) -> float:
    row = connection.execute("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')").fetchone()
    assert row is not None
    return float(row[0])


def idle_worker(server: postgres.Server, seconds: float) -> Cost:
    """Run a worker without work, and return the cost of a second: its beats and polls."""
    with tempfile.TemporaryDirectory() as scratch:
        words = [sys.executable, "-m", "environments", "--store", server.url, "fleet"]
        given = {**os.environ, "ENVCHART_SCRATCH": scratch}
        subprocess.run([*words, "migrate"], check=True, env=given, stdout=subprocess.DEVNULL)
        worker = subprocess.Popen([*words, "worker"], env=given, cwd=scratch, stdout=subprocess.DEVNULL)
        try:
            with psycopg.connect(server.url, autocommit=True) as connection:
                while not connection.execute("SELECT 1 FROM envchart_worker").fetchone():
                    time.sleep(0.1)
                time.sleep(seconds)  # its connections are made
                begun, log = _worked_by_all(server), _log(connection)
                time.sleep(seconds)
                return Cost((_worked_by_all(server) - begun) / seconds, (_log(connection) - log) / seconds)
        finally:
            worker.terminate()
            worker.wait()


def _worked_by_all(server: postgres.Server) -> float:
    first = int((server.data / "postmaster.pid").read_text().split()[0])
    return sum(map(_worked, psutil.Process(first).children()))


def report(fleet: Fleet, costs: Sequence[tuple[Kind, Cost]]) -> str:
    """Return the costs, and what a fleet makes of them, as a table in Markdown."""
    lines = [
        "| request | server time, each | log, each | a second | processors | log a second |",
        "|---|---|---|---|---|---|",
    ]
    processors = log = 0.0
    for kind, cost in costs:
        often = kind.often(fleet)
        processors, log = processors + often * cost.processor, log + often * cost.log
        lines.append(
            f"| {kind.name} | {cost.processor * 1e3:.2f} ms | {cost.log / 1e3:.1f} kB | {often:,.0f} "
            f"| {often * cost.processor:.2f} | {often * cost.log / 1e6:.2f} MB |"
        )
    lines.append(f"| **all** | | | | **{processors:.1f}** | **{log / 1e6:.1f} MB** |")
    return "\n".join(lines)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--environments", type=int, default=Fleet.environments)
    parser.add_argument("--workers", type=int, default=Fleet.workers)
    parser.add_argument("--slots", type=int, default=Fleet.slots, help="of a worker")
    parser.add_argument("--seconds", type=float, default=2.0, help="of the server's time for each request")
    given = parser.parse_args()
    fleet = Fleet(environments=given.environments, workers=given.workers, slots=given.slots)
    with postgres.server(max(postgres.programs())) as server:
        database = Database.of(server.url)
        ENVIRONMENTS.migrate(database)
        database.close()
        with psycopg.connect(server.url, autocommit=True) as connection:
            fill(connection.cursor(), fleet)
            costs = [(kind, measured(connection, kind, given.seconds)) for kind in kinds(fleet)]
            connection.execute("DELETE FROM envchart_worker")
        idle = Kind("an idle worker, in a second", lambda each: each.workers, lambda *_: None)
        costs.append((idle, idle_worker(server, 10 * given.seconds)))
    print(f"{fleet.environments:,} environments, {fleet.workers:,} workers\n")
    print(report(fleet, costs))


if __name__ == "__main__":
    main()
