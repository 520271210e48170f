"""Read the timers of all values of a store, without locks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Generic

from statechart.engine.declaration.timers import Due
from statechart.errors import NotFound, StorageError, UnknownState
from statechart.storage.session import ModelT
from statechart.storage.sql.errors import DatabaseFailed
from statechart.storage.values.deadlines import timers_in
from statechart.stored.binding import require_recorded
from statechart.stored.damage import Damaged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statechart.chart import Chart
    from statechart.stored.store import Ending, Ends, Store

FOREVER: Final = datetime.max.replace(tzinfo=UTC)
"""A moment by which every timer is due."""

COMMAND: Final = "fire timers"
"""Shown to others who find a name locked."""


@dataclass(frozen=True, slots=True)
class Timers(Generic[ModelT]):
    """Reads the timers of all values.

    Attributes:
        store: The values.
        ends: The ends of their histories.
        chart: The chart that declares the timers.
    """

    store: Store[ModelT]
    ends: Ends
    chart: type[Chart]

    def due(
        self, until: datetime, names: Collection[str] | None = None
    ) -> Iterator[tuple[str, tuple[Due, ...]] | Damaged]:
        """Yield names with their timers that are due by a moment, the earliest of each name first.

        Args:
            until: The moment.
            names: Only these names.

        Raises:
            DatabaseFailed: The database can't be read.
        """
        alarms = self.chart._alarms
        if not alarms:
            return
        for each in self.ends.timed(names, until):
            try:
                timers = self._timers(each)
            except NotFound:
                continue  # deleted since the names were listed
            except DatabaseFailed:
                raise  # no value is damaged
            except (StorageError, UnknownState) as error:
                yield Damaged(each.name, error)
                continue
            found = [Due(name, alarms[name].event, at) for name, at in timers.items() if at <= until]
            if found:
                yield each.name, tuple(sorted(found, key=lambda due: (due.at, due.timer)))

    def _timers(self, ending: Ending) -> Mapping[str, datetime]:
        value = ending.value()
        timers = None if value is None else timers_in(value)
        if timers is not None and timers.keys() <= self.chart._alarms.keys():
            return timers
        # Migrations need the record, and its error says of what the chart knows nothing.
        loaded: Any = self.store.load(ending.name).value
        require_recorded(self.chart, loaded, ending.name)
        found: Mapping[str, datetime] = loaded.state.timers
        return found


def earliest_first(found: Iterable[tuple[str, tuple[Due, ...]]]) -> list[tuple[str, Due]]:
    """Return the timers of names, the earliest first."""
    return sorted(
        ((name, each) for name, timers in found for each in timers),
        key=lambda pair: (pair[1].at, pair[0], pair[1].timer),
    )
