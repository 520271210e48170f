"""A store that is bound to a chart: values by name, changed by events only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic

from statechart.engine.nested.beginning import initial_state
from statechart.errors import Stale, StorageError
from statechart.following.patience import Turns, patiently
from statechart.log import warn
from statechart.storage.lock import PATIENCE
from statechart.storage.repository import JsonFileRepository
from statechart.storage.segments.size import DEFAULT, Segment
from statechart.storage.session import ModelT, Session
from statechart.storage.sql.urls import lasting
from statechart.stored.binding import model_of, require_used
from statechart.stored.damage import OnDamage
from statechart.stored.effects import DueEffect, EffectOutcome, EffectsRunner
from statechart.stored.opening import opened
from statechart.stored.reading.listing import Listing
from statechart.stored.reading.reader import Reader
from statechart.stored.session import ChartSession
from statechart.stored.store import Options
from statechart.stored.timers.reading import COMMAND, Timers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from statechart.chart import Chart
    from statechart.engine.hooks import Transition
    from statechart.storage.moving.move import Moved
    from statechart.storage.session import Migration
    from statechart.stored.moving.values import ValuesMove
    from statechart.stored.store import Opened, Store
    from statechart.stored.timers.runner import Tell, TimersRunner


class ChartRepository(Reader[ModelT], Generic[ModelT]):
    """Values of a chart, each under a name, with its whole history.

    Reads take no lock. A change takes the lock of its name, commits durably, and releases the lock.

    Args:
        location: The directory of the values, or the URL of a database: `sqlite:///FILE` or
            `postgresql://USER@HOST/DATABASE`, with `?collection=NAME` for charts that share a database. The
            first `create` makes the directory, private to this user, or the tables.
        chart: The chart; `class OrderChart(Chart[Order])` names the model as well.
        model: The class of the values, a pydantic model with a field `state`; by default that of the chart.
        timeout: The seconds to wait for another holder of a name.
        schema_version: The version in each record; raise it with each migration.
        migrations: By version, the migration to the next version; see `statechart.stored.migrations`.
        actor: The author of the changes; by default the user.
        allow_network_filesystem: Accept a directory where locks don't keep other machines out.
        segment: The size at which a segment of a history ends and the next begins.
        effects_at_once: Run the effects of a name after each fire, and after each session that fired and
            ended without an error. Their failures are logged, and they stay due.

    Attributes:
        store: The storage of the values, without their chart.

    Raises:
        ChartDefinitionError: The chart or the model can't be stored; the message says what to change.
        TypeError: A migration is not a function.
        ValueError: The schema version is less than 1, a migration would never be used, or the location is
            empty.
        InvalidUrl: The URL can't be read, or names a database that is not supported.
        DriverMissing: The packages of `envchart[sql]` are not installed.
    """

    def __init__(
        self,
        location: str | Path,
        chart: type[Chart[ModelT]],
        *,
        model: type[ModelT] | None = None,
        timeout: float = 0,
        schema_version: int = 1,
        migrations: Mapping[int, Migration] | None = None,
        actor: str | None = None,
        allow_network_filesystem: bool = False,
        segment: Segment = DEFAULT,
        effects_at_once: bool = False,
    ) -> None:
        require_used(migrations or {}, schema_version)
        self.chart: type[Chart[ModelT]] = chart
        self.model: type[ModelT] = model_of(chart, model)
        self.timeout = timeout
        self.effects_at_once = effects_at_once
        self._options = Options(
            schema_version, migrations, actor, allow_network_filesystem, segment, self.chart
        )
        self._open(location)

    def _open(self, location: str | Path) -> None:
        self._opened: Opened[ModelT] = opened(location, self.model, self._options)
        self._location = lasting(location)
        self.store: Store[ModelT] = self._opened.store
        self._turns = Turns()
        self._effects = EffectsRunner(self._opened, self.chart, self)
        self._listing = Listing(self.store, self._opened.ends, self.chart)
        self._timers = Timers(self.store, self._opened.ends, self.chart)

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process opens the store anew: connections stay here.
        kept = ("chart", "model", "timeout", "effects_at_once", "_options")
        state = {name: vars(self)[name] for name in kept}
        return _opened_anew, (type(self), state, self._location)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.chart.__name__} in {self.store.where}>"

    @property
    def files(self) -> JsonFileRepository[ModelT]:
        """The store of a repository in a directory, with what only files can do.

        Raises:
            StorageError: The values are in a database.
        """
        if not isinstance(self.store, JsonFileRepository):
            raise StorageError(f"the values are not in files, but in {self.store.where}: use `store`")
        return self.store

    def create(self, name: str, value: ModelT) -> ModelT:
        """Record a new value, completely or not at all, and return it as it will be read.

        A value without a state begins in the initial state of the chart.

        Raises:
            InvalidName: The name is not allowed.
            InvalidValue: The value could not be read again; nothing was written.
            UnknownState: The value is in a state that the chart does not have.
            AlreadyExists: The name is taken.
            StorageError: The value could not be written; no trace was left.
        """
        if not isinstance(value, self.model) or getattr(value, "state", None) is not None:
            return self.store.create(name, value).value
        at = datetime.now(UTC)  # of the record, too: timers begin with it
        state = initial_state(self.chart, at, value, name)
        return self.store.create(name, value.model_copy(update={"state": state}), at=at).value

    def fire(self, name: str, event: str, /, **payload: Any) -> ModelT:  # Any: guards and hooks decide
        """Fire an event on the value of a name, commit its transition, and return the committed value.

        Args:
            name: The name.
            event: An event of the chart, or its name.
            **payload: The arguments of guards and hooks.

        Raises:
            UnknownEvent: The chart has no such event.
            NotFound: The name does not exist.
            Locked: Another holder has the name.
            InvalidTransition: The chart does not allow the event now; nothing was written.
            InvalidValue: The model refuses the value after the event; nothing was written.
            MissingPayload: A guard or hook needs a payload keyword that was not given.
            StorageError: The transition could not be committed; see `Session.commit`.
        """
        __tracebackhide__ = True
        declared = self.chart.event(event)
        with self.open(name, command=declared.id) as session:
            return session.fire(declared, **payload)

    async def afire(self, name: str, event: str, /, **payload: Any) -> ModelT:  # Any: as of `fire`
        """Do what `fire` does without blocking other tasks; for a database, all of it runs in a thread."""
        __tracebackhide__ = True
        declared = self.chart.event(event)
        async with self.aopen(name, command=declared.id) as session:
            return await session.afire(declared, **payload)

    def fire_due(self, name: str, now: datetime | None = None) -> tuple[Transition, ...]:
        """Fire the events of the timers of a value that are due, the earliest first, a commit for each.

        A timer whose event nothing takes lapses, which is a record as well. To fire those of all values
        when they are due, use `timers`.

        Args:
            name: The name.
            now: The moment; by default the present.

        Raises:
            ValueError: The moment has no time zone.
            NotFound: The name does not exist.
            Locked: Another holder has the name.
            InvalidValue: The model refuses the value after an event; that timer stays due.
            StorageError: A transition could not be committed; see `Session.commit`.
        """
        __tracebackhide__ = True
        with self.open(name, command=COMMAND) as session:
            return session.fire_due(now)

    def timers(
        self, *, tell: Tell | None = None, clock: Callable[[], datetime] | None = None
    ) -> TimersRunner[ModelT]:
        """Return a runner that fires the timers of all values when they are due.

        It runs in a block, as `async with repository.timers():`. Any number of runners may run, in any
        process: each timer is fired once.

        Args:
            tell: Called with what became of each timer.
            clock: Returns the present moment; by default that of the system.
        """

        def held(name: str, timeout: float) -> ChartSession[ModelT]:
            return self.open(name, command=COMMAND, timeout=timeout)

        timers = import_module("statechart.stored.timers.runner")  # loaded by those who run timers only
        found: TimersRunner[ModelT] = timers.TimersRunner(
            self._opened, self.chart, held, tell=tell, clock=clock or timers.now
        )
        return found

    def open(self, name: str, *, command: str = "", timeout: float | None = None) -> ChartSession[ModelT]:
        """Open a session on a name, and repair the remains of a crash.

        Args:
            name: The name to change.
            command: The purpose, shown to others who find the name locked.
            timeout: The seconds to wait for another holder; by default those of the repository.

        Raises:
            NotFound: The name does not exist.
            Locked: Another holder has the name.
            CorruptHistory: The history is damaged in a way that no crash explains; nothing was changed.
            StorageError: As `JsonFileRepository.open`.
        """
        seconds = self.timeout if timeout is None else timeout
        session = self.store.open(name, command=command, timeout=seconds)
        return ChartSession(session, self.chart, self._run_at_once if self.effects_at_once else None)

    @asynccontextmanager
    async def aopen(
        self, name: str, *, command: str = "", timeout: float | None = None
    ) -> AsyncIterator[ChartSession[ModelT]]:
        """Do what `open` does without blocking other tasks; so does `ChartSession.afire`."""
        seconds = max(self.timeout if timeout is None else timeout, PATIENCE)
        deadline = monotonic() + seconds
        in_database = not isinstance(self.store, JsonFileRepository)

        def attempt() -> Session[ModelT]:
            return self.store.open(name, command=command, patience=0)

        async with self._turns.of(name, seconds):
            left = deadline - monotonic()
            held = await patiently(
                attempt, left, poll=self.store.poll, undo=Session.close if in_database else None
            )
            session = ChartSession(held, self.chart, waits=in_database)
            try:
                yield session
            finally:
                await session.aclose()
        if self.effects_at_once and session.fired:
            # Effects wait for other systems, and must not hold up the tasks of this loop.
            await asyncio.to_thread(self._run_at_once, name)

    def due_effects(self, name: str | None = None, *, on_damage: OnDamage | None = None) -> list[DueEffect]:
        """Return the effects that are due, of a name or of all names, in the order of their transitions.

        Args:
            name: The name, or None for all.
            on_damage: Called with the name and the error of each value that can't be read; by default
                such values raise an error at the end.

        Raises:
            NotFound: The name does not exist.
            StorageError: The history of the name is damaged or can't be read.
            DamagedNames: Of all names, some can't be read.
        """
        return self._effects.due(name, on_damage=on_damage)

    def run_effects(
        self, name: str | None = None, *, limit: int | None = None, force: bool = False, timeout: float = 10
    ) -> list[EffectOutcome]:
        """Run the effects that are due, of a name or of all names, and record that they are done.

        Each is run at least once, whichever process fired its event, and never by two processes at once.
        An effect that raises is recorded as failed, stays due, and is run again by a call after its wait.

        Args:
            name: The name, or None for all.
            limit: The most effects to call.
            force: Also call effects that wait after a failed attempt.
            timeout: The seconds to wait for a name that another process changes, to record an outcome.

        Raises:
            NotFound: The name does not exist.
            StorageError: The history of the name is damaged or can't be read. Of all names, such a one is
                an outcome instead.
        """
        return self._effects.run(name, limit=limit, force=force, timeout=timeout)

    def _run_at_once(self, name: str) -> None:
        try:
            self._effects.run(name)
        except StorageError as error:  # the event is committed, and its effects stay due
            warn(f"Effects of {name!r} were not run: {error}", name=name)

    def delete(self, name: str, *, revision: int | None = None) -> None:
        """Remove a name with its whole history for good.

        Args:
            name: The name.
            revision: The revision that the value must have; by default the present.

        Raises:
            NotFound: The name does not exist.
            Locked: Another holder has the name.
            Stale: The value was changed; nothing was removed.
            StorageError: The directory could not be removed or read.
        """
        head = self.store.load(name).head
        if revision is not None and head.revision != revision:
            raise Stale(name, expected=revision, actual=head.revision)
        self.store.delete(name, expected=head, timeout=self.timeout)

    def move(self, name: str, to: str | Path | ChartRepository[ModelT], *, keep: bool = True) -> Moved:
        """Move a value to another store: its whole history, byte for byte, verified there.

        Until the value has arrived as it was sent, nothing has changed here. A move that was cut off is
        finished by the next call. At no time do both stores have the value.

        Args:
            name: The name.
            to: The other store: a directory, the URL of a database, or a repository.
            keep: Keep the history here, where no other method finds it.

        Raises:
            NotFound: The name does not exist.
            MovedAway: The value was moved already.
            Locked: Another holder has the name, or another process runs its effects.
            AlreadyExists: The other store has another value of this name.
            Diverged: The value was in the other store earlier, and both went on.
            CorruptHistory: The history is damaged; nothing was changed.
            StorageError: A store can't be read or written, or both are the same.
        """
        return self.moving(to).carry_out(name, keep=keep)

    def moving(self, to: str | Path | ChartRepository[ModelT]) -> ValuesMove:
        """Return a move to another store, to check it, or to carry it out for several values.

        Raises:
            ValueError: The location is empty.
            InvalidUrl: The URL can't be read, or names a database that is not supported.
            DriverMissing: The packages of `envchart[sql]` are not installed.
        """
        there = to._opened if isinstance(to, ChartRepository) else opened(to, self.model, self._options)
        moves = import_module("statechart.stored.moving.values")  # loaded by those who move only
        found: ValuesMove = moves.ValuesMove(self._opened, there, self.timeout)
        return found


def _opened_anew(
    kind: type[ChartRepository[ModelT]], state: dict[str, Any], location: str | Path
) -> ChartRepository[ModelT]:
    repository = kind.__new__(kind)
    vars(repository).update(state)
    repository._open(location)
    return repository
