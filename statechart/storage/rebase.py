"""Begin a new history from the readable part of a damaged history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Generic

from statechart.errors import CorruptHistory, NotDamaged, StorageError
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
    found = [
        *_valued(codec, tail, layout, name, "the records behind the damage"),
        *_valued(codec, beginning, layout, name, "the records before the damage"),
        *_shown(codec, layout, name),
    ]
    if not found:
        # Nothing of the present segment is left: the one before it is the next best.
        path, content = latest_ended(layout.own(layout.directory(name)))
        beginning, tail = salvage(content, layout.journal(name), name, codec.schema_version)
        run = tail or beginning
        found.extend(_valued(codec, run, layout, name, f"the ended segment {path.name if path else ''}"))
    return Evidence(
        name=name,
        problem=problem,
        sound=sound,
        candidates=tuple(sorted(found, key=lambda candidate: -candidate.seq)),
        lineage=_lineage(_readable(layout, codec, name, journal)),
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


def _lineage(records: list[Record]) -> str | None:
    """Return the incarnation that the first record names, or else the key of an effect."""
    named = records[0].data.get("lineage") if records else None
    if isinstance(named, str):
        return named
    keys = (str(record.data.get("key")).split("/") for record in records if record.type == EFFECT)
    return next((parts[0] for parts in keys if len(parts) > 2), None)


def _valued(
    codec: Codec[ModelT], records: list[Record], layout: Layout, name: str, source: str
) -> Iterator[Candidate[ModelT]]:
    """Yield the value at the end of a run of records, if it fits the model."""
    valued = [index for index, record in enumerate(records) if record.value is not None]
    if valued:
        with suppress(CorruptHistory):
            value = codec.value(records[valued[-1] :], layout.journal(name), name)
            yield Candidate(source, records[-1].seq, records[-1].revision, value)


def _shown(codec: Codec[ModelT], layout: Layout, name: str) -> Iterator[Candidate[ModelT]]:
    """Yield the document's value, if it is whole and fits the model."""
    with suppress(CorruptHistory):
        shown = document.read(layout.own(layout.document(name)), name, codec.schema_version)
        if shown is not None:
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
            value = codec.value([bare], layout.document(name), name)
            yield Candidate(f"the document ({DOCUMENT})", shown.seq, 0, value)


def begin_anew(
    layout: Layout,
    codec: Codec[ModelT],
    evidence: Evidence[ModelT],
    *,
    candidate: Candidate[ModelT],
    actor: str,
    reason: str,
    lineage: str,
    above: int,
    renumber: Callable[[ModelT, int], ModelT],
) -> Loaded[ModelT]:
    """Keep the damaged files, and begin a new journal with a value. Call it under the lock.

    Raises:
        StorageError: The new history could not be written; the damaged history is unchanged.
    """
    name = evidence.name
    directory = layout.own(layout.directory(name))
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    kept = f"history.damaged-{stamp}.jsonl"
    with translated("keep the damaged files in", directory):
        keep(directory / JOURNAL, directory / kept)
        keep(directory / DOCUMENT, directory / f"state.damaged-{stamp}.json")
        sync_directory(directory)
    # Above every revision that was ever seen, so that no reader takes the new value for an old one.
    revision = max(evidence.revision, candidate.revision, above) + 1
    value = renumber(candidate.value, revision)
    said = _said(evidence, candidate, kept=kept, reason=reason, lineage=lineage)
    found = _readable(layout, codec, name, evidence.journal)
    said |= carried(record for record in found if record.seq <= candidate.seq)
    draft = codec.draft(REBASED, actor, said, operation=None, name=evidence.name, value=value)
    before = origin(lineage, name)
    line = line_after(Head(lineage, 0, revision - 1, before.hash, 0), draft)
    # One rename commits: before it, everything is as it was, and after it, the new history is there.
    with translated("begin a new history in", directory):
        replace_file(directory / JOURNAL, line.content)
    _show(layout, codec, name, line)
    return Loaded(value, line.head, (f"the damaged history was kept as {kept}",))


def _said(
    evidence: Evidence[ModelT], candidate: Candidate[ModelT], *, kept: str, reason: str, lineage: str
) -> dict[str, object]:
    return {
        "lineage": lineage,
        "name": evidence.name,
        "damaged": kept,
        "damaged_sha256": sha256(evidence.journal or b"").hexdigest(),
        "document_sha256": None if evidence.document is None else sha256(evidence.document).hexdigest(),
        "was_seq": candidate.seq,
        "reason": reason,
    }


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
