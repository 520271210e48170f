"""Artifacts in rows of a database, a MiB in each."""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, BinaryIO, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from environments.artifacts.errors import ArtifactAltered, ArtifactMissing
from environments.storage.sql.schema import ENVIRONMENTS
from environments.storage.sql.tables import ARTIFACT_CHUNKS, ARTIFACTS
from statechart.errors import StorageError
from statechart.storage.sql.clock import now
from statechart.storage.sql.tables import NAMES

if TYPE_CHECKING:
    from statechart.storage.sql.database import Database, Reader

_CHUNK: Final = 1024 * 1024
_ROW: Final = 2 * _CHUNK
"""More than a row of a chunk can unpack to."""

_PAGE: Final = 500  # values that are read at once
_LEVEL: Final = 1  # of zlib: text shrinks to a third, at the speed of a disk
_SAMPLE: Final = 16 * 1024
_WORTH: Final = 0.95
_GRACE: Final = timedelta(hours=1)
"""An artifact that no record names is kept for as long: its record may be about to be written."""


class ArtifactRows:
    """The artifacts of a database, whichever environments name them.

    Args:
        database: The database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, digest: str, file: BinaryIO) -> None:
        """Store the content of a file under its SHA-256, in one transaction, and drop what nobody needs."""
        ENVIRONMENTS.make(self._database)
        if self._seen((digest,)):
            return
        self.sweep()
        size = file.seek(0, 2)
        file.seek(0)
        try:
            with self._database.writing() as connection:
                row = {"digest": digest, "size": size, "made": now(), "seen": now()}
                connection.execute(sa.insert(ARTIFACTS).values(row))
                for number, chunk in enumerate(iter(lambda: file.read(_CHUNK), b"")):
                    content = _deflated(chunk)
                    connection.execute(
                        sa.insert(ARTIFACT_CHUNKS).values(digest=digest, n=number, bytes=content)
                    )
        except StorageError as error:
            # Another machine has put the same content at the same time.
            if not isinstance(error.__cause__, IntegrityError) or not self._seen((digest,)):
                raise

    def get(self, digest: str, file: BinaryIO) -> None:
        """Write the content of an artifact to a file; `unpack` compares it with the digest.

        Raises:
            ArtifactMissing: There is none.
            ArtifactAltered: A row is missing or damaged.
            StorageError: The database can't be read.
        """
        if not ENVIRONMENTS.is_there(self._database):
            raise ArtifactMissing(digest, self._database.where)
        with self._database.reading() as connection:
            size = connection.execute(
                sa.select(ARTIFACTS.c.size).where(ARTIFACTS.c.digest == digest)
            ).scalar_one_or_none()
            if size is None:
                raise ArtifactMissing(digest, self._database.where)
            written, number = 0, 0
            while written < size:
                # Row by row: drivers read all rows of an answer before the first.
                row = connection.execute(
                    sa.select(ARTIFACT_CHUNKS.c.bytes).where(
                        ARTIFACT_CHUNKS.c.digest == digest, ARTIFACT_CHUNKS.c.n == number
                    )
                ).scalar_one_or_none()
                if row is None:
                    raise ArtifactAltered(digest, f"part {number + 1} of it is missing")
                written, number = written + file.write(_inflated(digest, row)), number + 1

    def drop(self, digest: str) -> None:
        """Delete an artifact. A missing artifact is no error."""
        self._drop((digest,))

    def sweep(self) -> None:
        """Delete the artifacts that no record names, and that were not stored within the last hour.

        The records are looked at once in an hour at most.
        """
        if not ENVIRONMENTS.is_there(self._database):
            return
        before = now() - _GRACE.total_seconds()
        with self._database.reading() as connection:
            aged = sa.select(ARTIFACTS.c.digest).where(ARTIFACTS.c.seen < before)
            old = set(connection.execute(aged).scalars())
            named = old & set(self._named(connection)) if old else set()
        if named:
            self._seen(named)
        if old - named:
            self._drop(old - named, before)

    def _named(self, connection: Reader) -> Iterator[str]:
        """Yield the digests that environments name, of all collections."""
        place = sa.tuple_(NAMES.c.collection, NAMES.c.name)
        page = (
            sa.select(NAMES.c.collection, NAMES.c.name, NAMES.c.value)
            .where(NAMES.c.value.contains('"artifacts":{'))
            .order_by(NAMES.c.collection, NAMES.c.name)
            .limit(_PAGE)
        )
        rows = connection.execute(page).all()
        while rows:
            for row in rows:
                artifacts = json.loads(row.value).get("artifacts")
                if isinstance(artifacts, dict):
                    yield from (each["digest"] for each in artifacts.values())
            last = sa.tuple_(sa.literal(rows[-1].collection), sa.literal(rows[-1].name))
            rows = connection.execute(page.where(place > last)).all()

    def _seen(self, digests: Collection[str]) -> bool:
        """Note that artifacts are in use; return whether all of them are there."""
        mine = ARTIFACTS.c.digest.in_(digests)
        change = sa.update(ARTIFACTS).where(mine).values(seen=now()).returning(ARTIFACTS.c.digest)
        return len(self._database.changed(change)) == len(digests)

    def _drop(self, digests: Collection[str], before: sa.ColumnElement[float] | None = None) -> None:
        # The time once more: it may have been stored again since it was found to be old.
        old = sa.true() if before is None else ARTIFACTS.c.seen < before
        with self._database.writing() as connection:
            gone = sa.select(ARTIFACTS.c.digest).where(ARTIFACTS.c.digest.in_(digests), old)
            found = list(connection.execute(gone.with_for_update()).scalars())
            for table in (ARTIFACT_CHUNKS, ARTIFACTS):
                connection.execute(sa.delete(table).where(table.c.digest.in_(found)))


def _deflated(chunk: bytes) -> bytes:
    """Compress a chunk, unless its beginning shows that this would only take time, as with pictures."""
    sample = chunk[:_SAMPLE]
    shrinks = len(zlib.compress(sample, _LEVEL)) < len(sample) * _WORTH
    return zlib.compress(chunk, _LEVEL if shrinks else 0)


def _inflated(digest: str, row: bytes) -> bytes:
    try:
        unpacking = zlib.decompressobj()
        content = unpacking.decompress(row, _ROW)
    except zlib.error as error:
        raise ArtifactAltered(digest, f"a part of it can't be unpacked: {error}") from error
    if not unpacking.eof or not content:
        raise ArtifactAltered(digest, "a part of it is cut off")
    return content
