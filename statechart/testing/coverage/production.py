"""Read from journals which transitions of a chart production has taken."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel

from statechart.errors import NewerSchema, StatechartError, UnusableSegment
from statechart.storage.layout import JOURNAL
from statechart.storage.record import Record
from statechart.storage.repository import JsonFileRepository
from statechart.storage.segments.older import Enough, never
from statechart.testing.coverage.items import edge_item
from statechart.wording import counted

_LATEST = 1_000
"""The highest schema version that is read: migrations count up to it, record by record."""


_SHOWN = 8


class _Value(BaseModel, extra="allow"):
    """A value of any model, as its state is all that counts."""


@dataclass(frozen=True, slots=True)
class Journals:
    """A directory of journals, with the chart that they belong to, as `module:Chart`, if it was named."""

    directory: Path
    chart: str | None = None

    @classmethod
    def named(cls, text: str) -> Journals:
        """Return the journals that `DIR` or `module:Chart=DIR` names.

        Raises:
            ValueError: There is no such directory.
        """
        found = re.fullmatch(r"([^=]+:[A-Za-z_][\w.]*)=(.*)", text)
        chart, place = (found[1], found[2]) if found else (None, text)
        directory = Path(place)
        if not place or not directory.is_dir():
            problem = f"{place!r} is not a directory" if place else f"{text!r} names no directory"
            raise ValueError(
                f"{problem}: give that of a store or the data directory of environments, "
                "as DIR or module:Chart=DIR"
            )
        return cls(directory, chart)

    def taken(self) -> Taken:
        """Count the transitions in all journals; a name that can't be read is noted, and left out."""
        taken = Taken(str(self.directory))
        root = self.directory.resolve()
        if (root / JOURNAL).is_file():  # the directory of a single name
            root, names = root.parent, [root.name]
        else:
            names = JsonFileRepository(root, _Value).names()
        for name in names:
            try:
                found = _since_gaps(root, name, taken.unread)
            except StatechartError as error:
                taken.unread.append(f"{name}: {error}")
            else:
                taken.names += 1
                taken.transitions.update(found)
        return taken


@dataclass(slots=True)
class Taken:
    """The transitions that the journals of a directory tell.

    Attributes:
        names: The number of names that were read.
        unread: The names that could not be read, each with the reason.
    """

    directory: str
    transitions: Counter[str] = field(default_factory=Counter)
    names: int = 0
    unread: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return what was read, and what could not be read, a line each."""
        told = counted(self.transitions.total(), "transition")
        lines = [f"{told} of {counted(self.names, 'name')} in {self.directory}"]
        lines += [f"not read: {each}" for each in self.unread[:_SHOWN]]
        more = len(self.unread) - _SHOWN
        return lines if more <= 0 else [*lines, f"not read: {counted(more, 'other name')}"]


def _since_gaps(root: Path, name: str, notes: list[str]) -> Counter[str]:
    """Count the transitions of a name after its last segment that can't be read, which is noted."""
    try:
        return _counted(root, name)
    except UnusableSegment as error:
        notes.append(f"records up to {error.last_seq} of {name}: {error}")
        begins = error.last_seq + 1
        return _counted(root, name, enough=lambda opening: opening.seq == begins)


def _counted(root: Path, name: str, version: int = 1, enough: Enough = never) -> Counter[str]:
    """Count the transitions of a name, of any schema version: migrations don't matter to transitions."""
    repository = JsonFileRepository(root, _Value, schema_version=version)
    try:
        told = map(_transition, repository.records(name, enough=enough))
        return Counter(edge_item(*said) for said in told if said is not None)
    except NewerSchema as error:
        if not version < error.found <= _LATEST:
            raise
        return _counted(root, name, error.found, enough)


def _transition(record: Record) -> tuple[str, str, str] | None:
    """Return source, event and target of a transition's record, or None for other records."""
    said = [record.data.get(key) for key in ("from_state", "event", "to_state")]
    if record.type != "transition" or not all(isinstance(part, str) for part in said):
        return None
    source, event, target = map(str, said)
    return source, event, target
