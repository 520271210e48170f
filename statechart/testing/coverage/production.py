"""Read from histories which transitions of a chart production has taken."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from statechart.errors import NewerSchema, StatechartError, UnusableSegment
from statechart.storage.layout import JOURNAL
from statechart.storage.segments.older import Enough, never
from statechart.storage.sql.urls import is_url, read_url, shown
from statechart.stored.opening import opened
from statechart.stored.store import Options, Store
from statechart.testing.coverage.explaining import Macrostep, explained, macrosteps
from statechart.testing.coverage.items import Covered, unpacked
from statechart.wording import counted

_LATEST = 1_000
"""The highest schema version that is read: migrations count up to it, record by record."""

_SHOWN = 8

_REFERENCE = r"[^=]+:[^\W\d]\w*"


class _Value(BaseModel, extra="allow"):
    """A value of any model, as its state is all that counts."""


@dataclass(frozen=True, slots=True)
class Journals:
    """The histories of a store.

    Attributes:
        place: The directory, or the URL of the database; None if only a repository tells it.
        reference: The chart that the histories belong to, or their repository, as `module:name`.
        store: Reads the histories with their migrations, if a repository was named.
    """

    place: Path | str | None
    reference: str | None = None
    store: Store[Any] | None = None

    @classmethod
    def named(cls, text: str) -> Journals:
        """Return the histories that `DIR`, `URL`, `module:Chart=DIR` or `module:repository` names.

        Raises:
            ValueError: There is no such directory, or the URL can't be read.
        """
        found = re.fullmatch(rf"({_REFERENCE})(?:=(.*))?", text)
        if is_url(text) or Path(text).is_dir() or found is None:
            reference, place = None, text
        elif found[2] is None:
            return cls(None, found[1])
        else:
            reference, place = found[1], found[2]
        if is_url(place):
            read_url(place)
            return cls(place, reference)
        if not place or not Path(place).is_dir():
            problem = f"{place!r} is not a directory" if place else f"{text!r} names no directory"
            raise ValueError(
                f"{problem}: give that of a store, the URL of its database, or the data directory of "
                "environments, as DIR, URL or module:Chart=DIR, or a repository, as module:name"
            )
        return cls(Path(place), reference)

    def taken(self) -> Taken:
        """Count the transitions in all histories; a name that can't be read is noted, and left out."""
        assert self.place is not None
        taken = Taken(shown(str(self.place)))
        place, names = self.place, None
        if isinstance(place, Path) and (place.resolve() / JOURNAL).is_file():  # of a single name
            place, names = place.resolve().parent, [place.resolve().name]
        try:
            names = names or self._store(place).names()
        except StatechartError as error:  # of a database, perhaps away
            taken.unread.append(str(error))
        for name in names or ():
            try:
                taken.macrosteps.update(self._since_gaps(place, name, taken.unread))
            except StatechartError as error:
                taken.unread.append(f"{name}: {error}")
            else:
                taken.names += 1
        return taken

    def _store(self, place: Path | str, version: int = 1) -> Store[Any]:
        # Without a repository, migrations are unknown, and any schema version is read as it is.
        return self.store or opened(place, _Value, Options(version)).store

    def _since_gaps(self, place: Path | str, name: str, notes: list[str]) -> Counter[Macrostep]:
        """Count the transitions of a name after its last segment that can't be read, which is noted."""
        try:
            return self._counted(place, name)
        except UnusableSegment as error:
            notes.append(f"records up to {error.last_seq} of {name}: {error}")
            begins = error.last_seq + 1
            return self._counted(place, name, enough=lambda opening: opening.seq == begins)

    def _counted(
        self, place: Path | str, name: str, version: int = 1, enough: Enough = never
    ) -> Counter[Macrostep]:
        try:
            return Counter(macrosteps(self._store(place, version).records(name, enough=enough)))
        except NewerSchema as error:
            if self.store is not None or not version < error.found <= _LATEST:
                raise
            return self._counted(place, name, error.found, enough)


@dataclass(slots=True)
class Taken:
    """The transitions that the histories of a store tell.

    Attributes:
        names: The number of names that were read.
        unread: The names that could not be read, each with the reason.
    """

    place: str
    macrosteps: Counter[Macrostep] = field(default_factory=Counter)
    names: int = 0
    unread: list[str] = field(default_factory=list)

    @property
    def transitions(self) -> Counter[str]:
        """The transitions as recorded, from state to state or configuration, with their numbers."""
        found: Counter[str] = Counter()
        for macrostep, times in self.macrosteps.items():
            found.update(dict.fromkeys(explained(macrostep, None), times))
        return found

    def items(self, covered: Covered) -> Counter[str]:
        """Return how often the items of a chart were met, and the records that the chart can't explain."""
        outline = unpacked(covered.outline) if covered.outline else None
        found: Counter[str] = Counter()
        for macrostep, times in self.macrosteps.items():
            found.update(dict.fromkeys(explained(macrostep, outline), times))
        return found

    def nothing(self) -> str:
        """Return the reason why there is no transition, and the next action."""
        name = "name the directory or database of a store, or the data directory of environments"
        if not self.unread:
            return f"there are no journals in {self.place}: {name}"
        return f"no journal in {self.place} can be read: {self.unread[0]}; mend it, or {name}"

    def lines(self) -> list[str]:
        """Return a line for each journal that was read, and for each problem."""
        lapses: Counter[str] = Counter()
        for macrostep, times in self.macrosteps.items():
            if macrostep.lapsed:
                lapses[macrostep.timer or macrostep.event] += times
        told = counted(self.macrosteps.total() - lapses.total(), "transition")
        lines = [f"{told} of {counted(self.names, 'name')} in {self.place}"]
        lines += [f"the timer {timer} lapsed {counted(times, 'time')}" for timer, times in lapses.items()]
        lines += [f"not read: {each}" for each in self.unread[:_SHOWN]]
        more = len(self.unread) - _SHOWN
        return lines if more <= 0 else [*lines, f"not read: {counted(more, 'other name')}"]
