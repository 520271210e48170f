"""Histories that leave or reach a store of files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from statechart.errors import AlreadyExists, CommitUncertain, Diverged, NotFound, StorageError
from statechart.storage import directories, document
from statechart.storage.chain import lines_of
from statechart.storage.disk import (
    OwnPath,
    create_file,
    entries,
    private_directory,
    read_file,
    remove_tree,
    rename,
    replace_file,
    sync_directory,
    translated,
)
from statechart.storage.layout import DOCUMENT, JOURNAL, NOTE, Layout
from statechart.storage.moving.history import Part, Summary
from statechart.storage.reading import find_settled
from statechart.storage.record import ended_of
from statechart.storage.segments.older import older, read_older

if TYPE_CHECKING:
    from statechart.storage.repository import JsonFileRepository
    from statechart.storage.session import Session

_ARRIVING: Final = ".arriving"


@dataclass(frozen=True, slots=True)
class NoteInFile:
    """A note that a name was moved; see `statechart.storage.moving.history.Gone`.

    Attributes:
        name: The name.
        lineage: The incarnation.
        to: The other store.
        at: The time.
        seq: The number of its last record at that time.
        hash: The hash of that record.
    """

    name: str
    lineage: str
    to: str
    at: str
    seq: int
    hash: str


class FileHarbour:
    """A store of files, as histories leave and reach it.

    Histories that left are kept below `.moved`, and histories that have not arrived yet below `.arriving`.

    Args:
        store: The store.
    """

    def __init__(self, store: JsonFileRepository[Any]) -> None:
        self.store: JsonFileRepository[Any] = store
        self.layout: Layout = Layout(store.root)

    @property
    def where(self) -> str:
        """The absolute path of the root directory."""
        return str(self.store.root.absolute())

    def names(self) -> list[str]:
        """Return the names, sorted."""
        return self.store.names()

    def depart(self, name: str, command: str, timeout: float = 0) -> FileDeparture:
        """Hold a name for leaving."""
        return FileDeparture(self, self.store.open(name, command=command, timeout=timeout))

    def gone(self) -> list[NoteInFile]:
        """Return the notes of the names that left, the latest last."""
        found: list[NoteInFile] = []
        for place in entries(self._left):
            with suppress(StorageError, ValueError, TypeError):
                found.append(NoteInFile(**json.loads(read_file(place / NOTE) or b"")))
        return sorted(found, key=lambda note: note.at)

    def lineage(self, name: str) -> str | None:
        """Return the incarnation of a name, or None if there is none."""
        try:
            return self.store.load(name).head.lineage
        except NotFound:
            return None

    def stage(self, name: str, history: Summary, parts: Iterable[Part]) -> None:
        """Write the files of a history to a directory that no command looks into.

        Raises:
            Diverged: The history was here earlier, and has left with other records.
        """
        layout = self.layout
        directories.make_root(layout)
        place = self.arriving(name, history.head.lineage)
        with translated("write", place):
            private_directory(place.parent)
            remove_tree(place)
            private_directory(place)
            earlier = [note for note in self.gone() if note.lineage == history.head.lineage]
            missing = {(note.seq, note.hash) for note in earlier}
            for part in parts:
                create_file(place / part.file, part.content, sync=True)
                missing -= _ends_in(part) if missing else set()
            if missing:
                remove_tree(place)
                raise Diverged(name, self.where)
            record = history.recent[0]
            assert record.value is not None
            shown = document.encode(record.value, history.shown, record.schema_version)
            create_file(place / DOCUMENT, shown, sync=True)
            sync_directory(place)
            sync_directory(place.parent)

    def staged(self, name: str, lineage: str) -> Iterator[Part] | None:
        """Return the segments of a staged history, oldest first, or None if there is none."""
        place = self.arriving(name, lineage)
        return _parts_in(place) if place.is_dir() else None

    def arrive(self, name: str, lineage: str) -> None:
        """Rename a staged directory to its name."""
        place, layout = self.arriving(name, lineage), self.layout
        if not place.is_dir() and self.lineage(name) == lineage:
            return  # another command has finished the same move
        with translated("create", layout.directory(name)):
            directories.require_free(layout, name)
            try:
                directories.rename_exclusively(place, layout.own(layout.directory(name)))
            except (FileExistsError, NotADirectoryError) as error:
                raise AlreadyExists(name, self.where) from error
        _sync(layout, name)
        # It contains what left earlier, and the note would lead away from here once the name is purged.
        for left in self._copies(lineage):
            remove_tree(left)

    def discard(self, lineage: str) -> None:
        """Delete the files of a history that left, and keep the note."""
        for each in [file for place in self._copies(lineage) for file in entries(place)]:
            if each.name != NOTE:
                remove_tree(each)

    def _copies(self, lineage: str) -> list[OwnPath]:
        """Return the directories of a history that left."""
        return [place for place in entries(self._left) if f"-{lineage}-" in place.name]

    def arriving(self, name: str, lineage: str) -> OwnPath:
        """Return the directory of a staged history."""
        self.layout.directory(name)  # raises InvalidName
        return OwnPath(self.layout.root) / _ARRIVING / f"{name}-{lineage}"

    @property
    def _left(self) -> OwnPath:
        return self.layout.own(self.layout.moved)


class FileDeparture:
    """A name in files that is held for leaving; see `statechart.storage.moving.history.Departure`."""

    def __init__(self, harbour: FileHarbour, session: Session[Any]) -> None:
        self._harbour = harbour
        self._session = session
        self.name: str = session.name
        self.lineage: str = session.head.lineage

    def parts(self) -> Iterator[Part]:
        """Yield the segments, oldest first, uncompressed."""
        layout, known = self._harbour.layout, self._harbour.store.schema_version
        found, _ = find_settled(layout, self.name, known)
        directory = layout.own(layout.directory(self.name))
        # Their names first: a segment at a time is kept, and the latest is known first.
        read = partial(read_older, directory, self.name, known=known)
        chain = [each.ended for each in older(found.opening, read)]
        for ended in reversed(chain):
            yield Part(read(ended).content, ended.file)
        yield Part(found.content)

    def leave(self, to: str) -> None:
        """Rename the directory to one that no command looks into, with a note beside the history."""
        layout, left = self._harbour.layout, self._harbour._left
        at = datetime.now(UTC)
        place = layout.own(layout.directory(self.name))
        head = self._session.head
        note = NoteInFile(
            self.name, self.lineage, to, f"{at:%Y-%m-%dT%H:%M:%S.%fZ}", seq=head.seq, hash=head.hash
        )
        with translated("move", place):
            private_directory(left)
            target = left / f"{self.name}-{self.lineage}-{at:%Y%m%dT%H%M%S%f}Z"
            replace_file(place / NOTE, json.dumps(asdict(note), indent=2).encode() + b"\n")
            self._session.check()
            rename(place, target)
            _sync(layout, self.name)
            sync_directory(left)

    def close(self) -> None:
        """Let the name go."""
        self._session.close()


def _ends_in(part: Part) -> set[tuple[int, str]]:
    """Return the number and the hash of each record of a segment."""
    lines = lines_of(part.content)
    return {(json.loads(line)["seq"], sha256(line).hexdigest()) for line in lines}


def _parts_in(place: OwnPath) -> Iterator[Part]:
    """Yield the segments in a directory, oldest first, as their checkpoints name them."""
    content = read_file(place / JOURNAL) or b""
    chain: list[str] = []
    beginning = content
    while (ended := _continues(beginning)) is not None:
        chain.append(ended)
        beginning = _first_line(place / ended)
    for file in reversed(chain):
        yield Part(read_file(place / file) or b"", file)
    yield Part(content)


def _continues(content: bytes) -> str | None:
    """Return the file that the first line of a segment continues, or None."""
    with suppress(ValueError):
        ended = ended_of(json.loads(content[: content.find(b"\n") + 1]).get("data"))
        return ended.file if ended is not None else None
    return None


def _first_line(path: OwnPath) -> bytes:
    with suppress(FileNotFoundError), os.fdopen(path.open(os.O_RDONLY), "rb") as file:
        return file.readline()
    return b""


def _sync(layout: Layout, name: str) -> None:
    try:
        sync_directory(layout.root)
    except OSError as error:
        raise CommitUncertain(name) from error
