"""Read the values of a chart: by name, in lists, as they were, and as they change."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic

from statechart.errors import NotFound
from statechart.storage.session import ModelT
from statechart.stored.changes import Change, Changes
from statechart.stored.damage import Damage, Damaged, OnDamage
from statechart.stored.reading.listing import Listing, Summary, selecting
from statechart.stored.reading.past import at_moment, at_revision
from statechart.stored.session import Allowed, allowed_on
from statechart.stored.timers.reading import Timers, earliest_first
from statechart.stored.verifying import Report, Verification
from statechart.utc import moment_of

if TYPE_CHECKING:
    from statechart.chart import Chart
    from statechart.engine.declaration.states import StateLike
    from statechart.engine.declaration.timers import Due
    from statechart.following.changed import Changed
    from statechart.storage.record import Record
    from statechart.stored.store import Opened, Store


class Reader(Generic[ModelT]):
    """The values of a chart, as far as they are read: without locks.

    Attributes:
        chart: The chart.
        store: The storage of the values, without their chart.
    """

    chart: type[Chart[ModelT]]
    store: Store[ModelT]
    _opened: Opened[ModelT]
    _listing: Listing[ModelT]
    _timers: Timers[ModelT]

    def load(self, name: str) -> ModelT:
        """Return the recorded value of a name.

        Raises:
            NotFound: The name does not exist.
            CorruptHistory: The history is damaged or contradicts itself.
            NewerSchema: A newer program wrote a record.
            NotOurs: The directory is another program's.
        """
        return self.store.load(name).value

    def allowed(self, name: str, /, **payload: Any) -> Allowed:  # Any: the chart's guards decide
        """Return the events that a value allows now, with the reasons of those refused.

        Raises:
            StorageError: As `load`.
        """
        return allowed_on(self.chart, self.load(name), name, payload)

    def names(self) -> list[str]:
        """Return all names, sorted."""
        return self.store.names()

    def exists(self, name: str) -> bool:
        """Return whether a name is taken, by any kind of file."""
        return self.store.exists(name)

    def summaries(self, names: Iterable[str] | None = None) -> Iterator[Summary | Damaged]:
        """Yield name, state, revision and times of each value, by name, without locks.

        They are read from the ends of the files, and not verified. A value that can't be read is yielded
        as `Damaged`, with its error.

        Args:
            names: Only these names, in this order; those that do not exist are left out.
        """
        return self._listing.summaries(names)

    def summary(self, name: str) -> Summary:
        """Return name, state, revision and times of a value; raises the errors of `load`."""
        return self._listing.summary(name, self.load(name))

    def find(
        self,
        state: StateLike | str | Iterable[StateLike | str] | None = None,
        *,
        on_damage: OnDamage | None = None,
    ) -> list[str]:
        """Return the names of the values in a state, in one of several states, or of all; sorted.

        In a state around others are all values in a state within it. The states are read from the
        documents, without locks.

        Args:
            state: A state of the chart, its name, or several of them; or the text of a configuration.
            on_damage: Called with the name and the error of each value that can't be read; by default
                such values raise an error at the end.

        Raises:
            UnknownState: The chart has no such state; the error names the nearest.
            DamagedNames: Some values can't be read. The error has the names that were found.
        """
        if state is None:
            return self.names()
        wanted = selecting(self.chart, state)
        damage = self._damage(on_damage)
        found = [name for name, text in damage.sifted(self._listing.states()) if wanted(text)]
        damage.check(found)
        return found

    def history(self, name: str) -> list[Record]:
        """Return all records of a name, oldest first; raises the errors of `load`."""
        return self.store.history(name)

    def at(self, name: str, *, revision: int | None = None, at: datetime | None = None) -> ModelT:
        """Return the value of a name as it was at a revision, or at a moment.

        Raises:
            TypeError: Neither a revision nor a moment is given, or both are.
            ValueError: The moment has no time zone.
            NoSuchMoment: There is no such revision, or the value did not exist at the moment.
            StorageError: As `load`.
        """
        if revision is not None and at is None:
            return at_revision(self.store, name, revision)
        if at is not None and revision is None:
            return at_moment(self.store, name, at)
        raise TypeError("give either revision= or at=")

    def verify(self, name: str | None = None, *, chart: bool = False) -> list[Report]:
        """Verify the whole history of a name, or of all names: files, states and transitions.

        Args:
            name: The name; by default all.
            chart: Ask today's guards about each recorded transition, too, with the recorded payload. Hooks
                are not run.

        Raises:
            NotFound: The name does not exist.
        """
        if name is not None:
            return [Verification(self.store, self.chart, name, chart).report()]
        reports = []
        for each in self.names():
            with suppress(NotFound):  # purged since the names were read
                reports.append(Verification(self.store, self.chart, each, chart).report())
        return reports

    def changes(self, since: str | None = None, *, on_damage: OnDamage | None = None) -> Iterator[Change]:
        """Return the changes of all values: in order in each value, and by time.

        Args:
            since: The cursor of the last change that you have seen; by default from the first.
            on_damage: As for `find`.

        Raises:
            InvalidCursor: The text is not a cursor, or that of another store.
            DamagedNames: Raised at the end: some values can't be read.
        """
        return Changes(self._opened, since).all(self._damage(on_damage))

    def follow(
        self, since: str | None = None, *, on_damage: OnDamage | None = None
    ) -> AsyncGenerator[Change, None]:
        """Yield changes as `changes` does, and wait for more; close it with `contextlib.aclosing`.

        Args:
            since: The cursor of the last change that you have seen; by default from the first.
            on_damage: As for `find`; called again only if the error of a name is another.

        Raises:
            InvalidCursor: The text is not a cursor, or that of another store.
            DamagedNames: Some values can't be read.
        """
        return Changes(self._opened, since).forever(self._damage(on_damage))

    def changed(self) -> Changed:
        """Return the names of the values that change, whichever process changes them.

        Iterate over its `names()`: at first all names are yielded, then those that may have changed. To
        leave the iteration early, use `contextlib.aclosing`.
        """
        return self._opened.changed()

    def cursor(self) -> str:
        """Return the cursor behind all changes up to now, for `follow` to tell only later changes."""
        return Changes(self._opened).end()

    def _damage(self, tell: OnDamage | None) -> Damage:
        return Damage(self.store.where, tell)

    def due(
        self, now: datetime | None = None, *, on_damage: OnDamage | None = None
    ) -> Iterator[tuple[str, Due]]:
        """Yield the timers of all values that are due, each with its name, the earliest first.

        They are read without locks: from the documents, or by the index of a database.

        Args:
            now: The moment by which they are due; by default the present.
            on_damage: As for `find`.

        Raises:
            ValueError: The moment has no time zone.
            DamagedNames: Raised at the end: some values can't be read.
        """
        damage = self._damage(on_damage)
        yield from earliest_first(damage.sifted(self._timers.due(moment_of(now))))
        damage.check()
