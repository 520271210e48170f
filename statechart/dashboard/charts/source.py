"""The source of the rows: a `ChartRepository`, read without locks."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from typing import TYPE_CHECKING, Any

from statechart.answers.configurations import timers_of
from statechart.dashboard.charts.rows import (
    GROUPS,
    Classes,
    ValueRow,
    row_of,
    unreadable_row,
)
from statechart.errors import InvalidName, NotFound, StatechartError
from statechart.stored.damage import Damaged
from statechart.stored.timers.reading import FOREVER

if TYPE_CHECKING:
    from statechart.engine.declaration.timers import Due
    from statechart.holder import Holder
    from statechart.stored.effects import DueEffect
    from statechart.stored.reading.listing import Summary
    from statechart.stored.repository import ChartRepository


class ChartSource:
    """The values of a repository as rows. See `statechart.overview.Source`."""

    def __init__(self, repository: ChartRepository[Any]) -> None:
        self._repository = repository
        self._classes = Classes.of(repository.chart)
        self._changes = repository.changed()

    @property
    def groups(self) -> tuple[str, ...]:
        """The classes of values, in the order of attention."""
        return GROUPS

    @property
    def watching(self) -> str:
        """How changes are noticed: `inotify`, or the reason for looking at intervals."""
        return self._changes.watching

    def rows(self) -> Iterator[ValueRow]:
        """Read the rows of all values, from the ends of their histories.

        Raises:
            StorageError: The values can't be listed.
        """
        damaged: dict[str, StatechartError] = {}
        due: dict[str, list[DueEffect]] = {}
        for effect in self._repository.due_effects(on_damage=damaged.__setitem__):
            due.setdefault(effect.name, []).append(effect)
        timers: dict[str, list[Due]] = {}
        if self._repository.chart._alarms:
            for name, timer in self._repository.due(FOREVER, on_damage=damaged.__setitem__):
                timers.setdefault(name, []).append(timer)
        for each in self._repository.summaries():
            if isinstance(each, Damaged):
                yield unreadable_row(each)
            elif each.name in damaged:
                yield unreadable_row(Damaged(each.name, damaged[each.name]))
            else:
                yield self._row(each, due.get(each.name, []), tuple(timers.get(each.name, ())))

    def row(self, name: str) -> ValueRow | None:
        """Read the row of a value, or return None if the name does not exist.

        Other than `rows`, it finds records that contradict one another.
        """
        try:
            for each in self._repository.summaries([name]):
                if isinstance(each, Damaged):
                    return unreadable_row(each)
                return self._row(each, self._repository.due_effects(name), self._timers(name))
        except (NotFound, InvalidName):
            return None
        except StatechartError as error:
            return unreadable_row(Damaged(name, error))
        return None

    def changes(self) -> AsyncGenerator[frozenset[str], None]:
        """Yield the names that may have changed; at first, all. Purged names are yielded too."""
        return self._changes.names()

    def _row(self, summary: Summary, due: list[DueEffect], timers: tuple[Due, ...]) -> ValueRow:
        return row_of(summary, self._classes, due, self._holder(summary.name), timers)

    def _timers(self, name: str) -> tuple[Due, ...]:
        chart = self._repository.chart
        return timers_of(chart, self._repository.load(name).state) if chart._alarms else ()

    def _holder(self, name: str) -> Holder | None:
        try:
            return self._repository.store.holder(name)
        except NotFound:  # purged since it was listed
            return None
