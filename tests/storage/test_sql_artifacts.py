"""Artifacts in rows of a database."""

from __future__ import annotations

import io
import os
import threading
import tracemalloc
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import sqlalchemy as sa

from environments.artifacts.errors import ArtifactAltered, ArtifactMissing
from environments.storage.sql.artifacts import ArtifactRows
from environments.storage.sql.tables import ARTIFACT_CHUNKS, ARTIFACTS
from statechart.storage.sql.database import Database
from statechart.storage.sql.tables import NAMES

MIB = 1024 * 1024
CONTENT = os.urandom(2 * MIB + 12345) + b"text " * MIB
DIGEST = sha256(CONTENT).hexdigest()


@pytest.fixture
def database(any_sql_url: str) -> Iterator[Database]:
    database = Database.of(any_sql_url)
    yield database
    database.close()


@pytest.fixture
def rows(database: Database) -> ArtifactRows:
    rows = ArtifactRows(database)
    rows.put(DIGEST, io.BytesIO(CONTENT))
    return rows


def got(rows: ArtifactRows, digest: str = DIGEST) -> bytes:
    file = io.BytesIO()
    rows.get(digest, file)
    return file.getvalue()


def test_what_was_put_is_got_again_in_rows_of_a_mebibyte(rows: ArtifactRows, database: Database) -> None:
    assert got(rows) == CONTENT
    with database.reading() as reader:
        sizes = reader.execute(sa.select(sa.func.length(ARTIFACT_CHUNKS.c.bytes))).scalars().all()
    assert len(sizes) == len(CONTENT) // MIB + 1
    assert sum(sizes) < 2.2 * MIB, "what can be compressed is"


def test_the_same_content_is_stored_once_also_by_two_at_the_same_time(database: Database) -> None:
    ArtifactRows(database).put("0" * 64, io.BytesIO(b""))
    content, begun = os.urandom(3 * MIB), threading.Barrier(3)
    digest = sha256(content).hexdigest()
    problems: list[Exception] = []

    def put() -> None:
        begun.wait()
        try:
            ArtifactRows(database).put(digest, io.BytesIO(content))
        except Exception as problem:  # shown by the assertion
            problems.append(problem)

    threads = [threading.Thread(target=put) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert problems == []
    assert got(ArtifactRows(database), digest) == content
    assert got(ArtifactRows(database), "0" * 64) == b""


def test_one_that_is_missing_or_was_dropped_is_told(rows: ArtifactRows, any_sql_url: str) -> None:
    rows.drop(DIGEST)
    rows.drop(DIGEST)

    with pytest.raises(ArtifactMissing, match=f"{DIGEST[:12]}… is not in"):
        got(rows)


def test_a_database_without_tables_has_no_artifacts(blank_postgres_url: str) -> None:
    database = Database.of(blank_postgres_url)

    with pytest.raises(ArtifactMissing):
        got(ArtifactRows(database))

    database.close()


@pytest.mark.parametrize(
    "damage",
    [
        sa.delete(ARTIFACT_CHUNKS).where(ARTIFACT_CHUNKS.c.n == 1),
        sa.update(ARTIFACT_CHUNKS).where(ARTIFACT_CHUNKS.c.n == 1).values(bytes=b"no zlib"),
        sa.update(ARTIFACT_CHUNKS).where(ARTIFACT_CHUNKS.c.n == 1).values(bytes=b"x\x9c"),
    ],
)
def test_a_damaged_row_is_told(rows: ArtifactRows, database: Database, damage: sa.Update) -> None:
    with database.writing() as connection:
        connection.execute(damage)

    with pytest.raises(ArtifactAltered):
        got(rows)


def aged(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(sa.update(ARTIFACTS).values(seen=ARTIFACTS.c.seen - 3601))


def named(database: Database, value: str) -> None:
    row = {
        **{"collection": "c", "name": "web", "lineage": "l", "hash": "", "value": value},
        **dict.fromkeys(("seq", "revision", "size", "segment", "schema_version", "fence"), 1),
    }
    with database.writing() as connection:
        connection.execute(sa.insert(NAMES).values(row))


def stored(database: Database) -> set[str]:
    with database.reading() as reader:
        return set(reader.execute(sa.select(ARTIFACTS.c.digest)).scalars())


def test_what_no_record_names_is_deleted_when_it_is_an_hour_old(
    rows: ArtifactRows, database: Database
) -> None:
    rows.put("1" * 64, io.BytesIO(b"other"))
    named(database, f'{{"name":"web","artifacts":{{"app":{{"digest":"{DIGEST}"}}}}}}')

    rows.sweep()
    assert stored(database) == {DIGEST, "1" * 64}, "younger than an hour"

    aged(database)
    rows.sweep()
    assert stored(database) == {DIGEST}


def test_what_is_stored_once_more_is_young_again(rows: ArtifactRows, database: Database) -> None:
    aged(database)

    rows.put(DIGEST, io.BytesIO(CONTENT))
    rows.sweep()

    assert stored(database) == {DIGEST}


def test_new_content_drops_what_nobody_needs(rows: ArtifactRows, database: Database) -> None:
    aged(database)

    rows.put("1" * 64, io.BytesIO(b"new"))

    assert stored(database) == {"1" * 64}


def test_an_artifact_of_many_rows_takes_little_memory(rows: ArtifactRows, tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(32 * MIB)
    tracemalloc.start()
    try:
        with large.open("rb") as file:
            rows.put("2" * 64, file)
        with large.open("wb") as file:
            rows.get("2" * 64, file)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert large.stat().st_size == 32 * MIB
    assert peak < 10 * MIB
