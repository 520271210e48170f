"""Begin a new history from the readable part of a damaged history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Generic

from statechart.errors import CorruptHistory, NotDamaged, StorageError, Where
from statechart.log import warn
from statechart.storage import document
from statechart.storage.chain import REBASED, Head, origin
from statechart.storage.disk import (
    keep,
    read_file,
    replace_file,
    sync_directory,
    translated,
)
from statechart.storage.document import Document
from statechart.storage.layout import DOCUMENT, JOURNAL, Layout
from statechart.storage.reading import find
from statechart.storage.record import Line, Record, line_after, salvage
from statechart.storage.segments.carried import carried
from statechart.storage.segments.due import EFFECT
from statechart.storage.segments.older import latest_ended
from statechart.storage.session import Codec, Loaded, ModelT


@dataclass(frozen=True, slots=True)
class Candidate(Generic[ModelT]):
    """A value to continue with: its source and the record that it stands for."""

    source: str
    seq: int
    revision: int
    value: ModelT


@dataclass(frozen=True, slots=True)
class Evidence(Generic[ModelT]):
    """The readable parts of a damaged history.

    Attributes:
        problem: The damage.
        sound: The number of undamaged records at the beginning.
        candidates: Values to continue with, the latest first; of equal values, the journal's first.
        lineage: The incarnation, if the first record is readable.
        revision: The highest readable revision.
        journal: The bytes of the journal, or None if it is missing.
        document: The bytes of the document, or None if it is missing.
    """

    name: str
    problem: CorruptHistory
    sound: int
    candidates: tuple[Candidate[ModelT], ...]
    lineage: str | None
    revision: int
    journal: bytes | None
    document: bytes | None


def survey(layout: Layout, name: str, codec: Codec[ModelT]) -> Evidence[ModelT]:
    """Read the usable parts of a damaged history, and change nothing.

    Raises:
        NotDamaged: The history is sound.
        NotFound: The name does not exist.
        NewerSchema: A newer program wrote a record.
        NotOurs: The directory is another program's.
    """
    try:
        found = find(layout, name, codec.schema_version)
        codec.value(found.recent, layout.journal(name), name, before=found.before)
    except CorruptHistory as problem:
        return _evidence(layout, name, codec, problem)
    raise NotDamaged(name)


def _evidence(layout: Layout, name: str, codec: Codec[ModelT], problem: CorruptHistory) -> Evidence[ModelT]:
    journal, shown = (read_file(layout.own(path)) for path in (layout.journal(name), layout.document(name)))
    beginning, tail = salvage(journal or b"", layout.journal(name), name, codec.schema_version)
    sound = len(beginning)
    place = layout.journal(name)
    found = [*behind_and_before(codec, beginning, tail, place, name), *_shown(codec, layout, name)]
    if not found:
        # Nothing of the present segment is left: the one before it is the next best.
        path, content = latest_ended(layout.own(layout.directory(name)))
        beginning, tail = salvage(content, layout.journal(name), name, codec.schema_version)
        run = tail or beginning
        found.extend(valued(codec, run, place, name, f"the ended segment {path.name if path else ''}"))
    return Evidence(
        name=name,
        problem=problem,
        sound=sound,
        candidates=latest_first(found),
        lineage=lineage_of(_readable(layout, codec, name, journal)),
        revision=max((record.revision for record in (*beginning, *tail)), default=0),
        journal=journal,
        document=shown,
    )


def _readable(layout: Layout, codec: Codec[ModelT], name: str, journal: bytes | None) -> list[Record]:
    """Return the readable records of a damaged journal, after those that its lost beginning carried on."""
    path, known = layout.journal(name), codec.schema_version
    beginning, tail = salvage(journal or b"", path, name, known)
    if not beginning:
        _, ended = latest_ended(layout.own(layout.directory(name)))
        beginning, _ = salvage(ended, path, name, known)
    return [*beginning, *tail]


def lineage_of(records: list[Record]) -> str | None:
    """Return the incarnation that the first record names, or else the key of an effect."""
    named = records[0].data.get("lineage") if records else None
    if isinstance(named, str):
        return named
    keys = (str(record.data.get("key")).split("/") for record in records if record.type == EFFECT)
    return next((parts[0] for parts in keys if len(parts) > 2), None)


def latest_first(found: Iterable[Candidate[ModelT]]) -> tuple[Candidate[ModelT], ...]:
    """Return candidates by their records, the latest first; of equal ones, in their order."""
    return tuple(sorted(found, key=lambda candidate: -candidate.seq))


def behind_and_before(
    codec: Codec[ModelT], beginning: list[Record], tail: list[Record], where: Where, name: str
) -> Iterator[Candidate[ModelT]]:
    """Yield the values of the sound records at the end and at the beginning of a damaged segment."""
    yield from valued(codec, tail, where, name, "the records behind the damage")
    yield from valued(codec, beginning, where, name, "the records before the damage")


def valued(
    codec: Codec[ModelT], records: list[Record], where: Where, name: str, source: str
) -> Iterator[Candidate[ModelT]]:
    """Yield the value at the end of a run of records, if it fits the model."""
    last = [index for index, record in enumerate(records) if record.value is not None]
    if last:
        with suppress(CorruptHistory):
            value = codec.value(records[last[-1] :], where, name)
            yield Candidate(source, records[-1].seq, records[-1].revision, value)


def _shown(codec: Codec[ModelT], layout: Layout, name: str) -> Iterator[Candidate[ModelT]]:
    """Yield the document's value, if it is whole and fits the model."""
    with suppress(CorruptHistory):
        shown = document.read(layout.own(layout.document(name)), name, codec.schema_version)
        if shown is not None:
            source = f"the document ({DOCUMENT})"
            yield shown_value(codec, shown, layout.document(name), name, source)


def shown_value(
    codec: Codec[ModelT], shown: Document, where: Where, name: str, source: str
) -> Candidate[ModelT]:
    """Return the value that a document shows; raises CorruptHistory if it does not fit the model."""
    bare = Record(
        seq=shown.seq,
        revision=0,
        type="document",
        at=datetime.now(UTC),
        actor="",
        operation=None,
        schema_version=shown.schema_version,
        prev="",
        data={},
        value=shown.value,
    )
    return Candidate(source, shown.seq, 0, codec.value([bare], where, name))


@dataclass(frozen=True, slots=True)
class Beginning(Generic[ModelT]):
    """How a new history begins.

    Attributes:
        candidate: The value to continue with.
        actor: The author of the record.
        reason: The author and the purpose, for the record.
        lineage: The incarnation.
        above: Another revision that the new revision must exceed.
        renumber: Puts its revision into a value.
    """

    candidate: Candidate[ModelT]
    actor: str
    reason: str
    lineage: str
    above: int
    renumber: Callable[[ModelT, int], ModelT]

    def line(
        self, codec: Codec[ModelT], evidence: Evidence[ModelT], kept: str, readable: Iterable[Record]
    ) -> tuple[ModelT, Line]:
        """Return the value and the first line of the new history.

        Args:
            codec: Converts values of the model.
            evidence: The damaged history.
            kept: Its name from now on.
            readable: Its readable records.
        """
        name, candidate = evidence.name, self.candidate
        # Above every revision that was ever seen, so that no reader takes the new value for an old one.
        revision = max(evidence.revision, candidate.revision, self.above) + 1
        value = self.renumber(candidate.value, revision)
        shown = evidence.document
        said: dict[str, object] = {
            "lineage": self.lineage,
            "name": name,
            "damaged": kept,
            "damaged_sha256": sha256(evidence.journal or b"").hexdigest(),
            "document_sha256": None if shown is None else sha256(shown).hexdigest(),
            "was_seq": candidate.seq,
            "reason": self.reason,
        }
        said |= carried(record for record in readable if record.seq <= candidate.seq)
        draft = codec.draft(REBASED, self.actor, said, operation=None, name=name, value=value)
        before = origin(self.lineage, name)
        return value, line_after(Head(self.lineage, 0, revision - 1, before.hash, 0), draft)


def stamp() -> str:
    """Return the present moment, for the name of a damaged history."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"


def begin_anew(
    layout: Layout, codec: Codec[ModelT], evidence: Evidence[ModelT], beginning: Beginning[ModelT]
) -> Loaded[ModelT]:
    """Keep the damaged files, and begin a new journal with a value. Call it under the lock.

    Raises:
        StorageError: The new history could not be written; the damaged history is unchanged.
    """
    name = evidence.name
    directory = layout.own(layout.directory(name))
    now = stamp()
    kept = f"history.damaged-{now}.jsonl"
    with translated("keep the damaged files in", directory):
        keep(directory / JOURNAL, directory / kept)
        keep(directory / DOCUMENT, directory / f"state.damaged-{now}.json")
        sync_directory(directory)
    readable = _readable(layout, codec, name, evidence.journal)
    value, line = beginning.line(codec, evidence, kept, readable)
    # One rename commits: before it, everything is as it was, and after it, the new history is there.
    with translated("begin a new history in", directory):
        replace_file(directory / JOURNAL, line.content)
    _show(layout, codec, name, line)
    return Loaded(value, line.head, (f"the damaged history was kept as {kept}",))


def _show(layout: Layout, codec: Codec[ModelT], name: str, line: Line) -> None:
    assert line.record.value is not None
    path = layout.own(layout.document(name))
    shown = document.encode(line.record.value, line.head, codec.schema_version)
    try:
        with translated("replace", path):
            replace_file(path, shown, durable=False)
    except StorageError as problem:
        warn(f"Projection behind: {name!r} is saved, but {problem}", name=name)


def require_unchanged(seen: Evidence[ModelT], now: Evidence[ModelT]) -> None:
    """Raise StorageError if the files changed since the survey."""
    if (seen.journal, seen.document) != (now.journal, now.document):
        raise StorageError(f"the files of {seen.name!r} changed since they were read; try again")
