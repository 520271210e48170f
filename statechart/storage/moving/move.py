"""Move a name: copy, verify, take away, arrive."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

from statechart.errors import AlreadyExists, MovedAway, NotFound, StorageError
from statechart.storage.moving.files import FileHarbour
from statechart.storage.moving.history import Departure, Harbour, Summary, summarize
from statechart.storage.repository import JsonFileRepository


@dataclass(frozen=True, slots=True)
class Moved:
    """A name that was moved.

    Attributes:
        name: The name.
        outcome: `moved`, or `finished` if an earlier move was cut off at its last step.
        records: The number of records.
        bytes: Their size.
    """

    name: str
    outcome: Literal["moved", "finished"]
    records: int
    bytes: int


def move(
    name: str,
    source: Harbour,
    target: Harbour,
    *,
    known: int,
    command: str = "move",
    keep: bool = True,
    timeout: float = 0,
    beside: Callable[[Departure, Summary], None] = lambda _departure, _history: None,
) -> Moved:
    """Move a name from one store to another. A move that was cut off is finished by the next.

    The history is copied to where no command of the target finds it, and verified there. Then the source
    lets it go, in one step, and the target gives it its name, in another. Until the source lets go, nothing
    has changed; in between, no store has the name, and this function has only to be called again. At no
    time do both have it.

    Args:
        name: The name.
        source: The store that has it.
        target: The store that gets it.
        known: The schema version of the program.
        command: The purpose, shown to others who find the name held.
        keep: Keep the history in the source, where no command finds it.
        timeout: The seconds to wait for another holder.
        beside: Copies what lies beside the history, after it was staged.

    Raises:
        NotFound: The source does not have the name, and never had it.
        MovedAway: The name was moved already.
        Locked: Somebody holds the name.
        AlreadyExists: The target has another of this name.
        CorruptHistory: The history is damaged, on either side; the source is unchanged.
        StorageError: A store can't be read or written; run it again.
    """
    try:
        departure = source.depart(name, command, timeout)
    except NotFound:
        return _finish(name, source, target, known, keep=keep)
    with closing(departure):
        if target.lineage(name) is not None:
            raise AlreadyExists(name, target.where)
        history = summarize(departure.parts(), name, source.where, known)
        target.stage(name, history, departure.parts())
        beside(departure, history)
        arrived = _staged(name, history.head.lineage, target, known)
        if arrived is None or arrived.digest != history.digest:
            raise StorageError(f"{name!r} did not arrive in {target.where} as it was sent; try again")
        departure.leave(target.where)
    target.arrive(name, history.head.lineage)
    if not keep:
        source.discard(history.head.lineage)
    return _moved(name, "moved", history)


def unfinished(source: Harbour, target: Harbour) -> list[str]:
    """Return the names that left a store and did not arrive yet, sorted."""
    return sorted(
        {each.name for each in source.gone() if target.staged(each.name, each.lineage) is not None}
        - set(source.names())
    )


def _finish(name: str, source: Harbour, target: Harbour, known: int, *, keep: bool) -> Moved:
    """Let a history arrive that left already."""
    notes = [each for each in source.gone() if each.name == name]
    for note in reversed(notes):
        history = _staged(name, note.lineage, target, known)
        if history is not None:
            target.arrive(name, note.lineage)
            if not keep:
                source.discard(note.lineage)
            return _moved(name, "finished", history)
    if notes:
        raise MovedAway(name, source.where, notes[-1].to)
    raise NotFound(name, source.where)


def _staged(name: str, lineage: str, target: Harbour, known: int) -> Summary | None:
    parts = target.staged(name, lineage)
    return None if parts is None else summarize(parts, name, target.where, known)


def _moved(name: str, outcome: Literal["moved", "finished"], history: Summary) -> Moved:
    return Moved(name, outcome, history.head.seq, history.bytes)


def harbour_of(store: object) -> Harbour:
    """Return a store, in files or in a database, as histories leave and reach it."""
    if isinstance(store, JsonFileRepository):
        return FileHarbour(store)
    # What needs the packages of a database is loaded for one only.
    harbour: Harbour = import_module("statechart.storage.moving.rows").RowHarbour(store)
    return harbour
