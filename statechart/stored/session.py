"""Exclusive access to a value of a chart."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self

from statechart.engine.nested import asking
from statechart.engine.values import form_of
from statechart.firing import fire_due, fire_with
from statechart.following.cancellation import in_thread
from statechart.storage.session import ModelT
from statechart.stored.binding import require_recorded
from statechart.utc import moment_of

if TYPE_CHECKING:
    from statechart.chart import Chart
    from statechart.engine.hooks import Transition
    from statechart.storage.session import Session


@dataclass(frozen=True, slots=True)
class Allowed:
    """The events that a value allows now; `in` and iteration are over `events`.

    Attributes:
        events: The allowed events, as the chart declares them.
        refused: Each other event of the chart, with the reason.
        leaves: For a refused event, the reason of each active state that refused it; states that have no
            transition of the event, nor those around them, have none. Empty for a chart with one active
            state at a time.
    """

    events: tuple[str, ...]
    refused: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    leaves: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: MappingProxyType({}))

    def __contains__(self, event: object) -> bool:
        return str(event) in self.events

    def __iter__(self) -> Iterator[str]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    def __repr__(self) -> str:
        return f"Allowed({self.events!r}, refused={dict(self.refused)!r})"


def machine_on(chart: type[Chart], value: object, subject: str) -> Chart:
    """Return this thread's machine of a chart, bound to a value that it does not change.

    Raises:
        UnknownState: The chart has no state like that of the value.
    """
    require_recorded(chart, value, subject)
    return chart.bound(value, subject=subject)


def allowed_on(chart: type[Chart], value: object, subject: str, payload: Mapping[str, Any]) -> Allowed:
    """Return the events that a value allows, with the reasons of those refused."""
    return allowed_by(machine_on(chart, value, subject), payload)


def allowed_by(machine: Chart, payload: Mapping[str, Any]) -> Allowed:
    """Return the events that a machine allows, with the reasons of those refused."""
    leaves = asking.refused(machine, payload) if form_of(type(machine)) is not None else {}
    return Allowed(
        machine.enabled(**payload),
        MappingProxyType(machine.refusals(**payload)),
        MappingProxyType({event: MappingProxyType(told) for event, told in leaves.items() if told}),
    )


class ChartSession(Generic[ModelT]):
    """Exclusive access to a value: nobody else can change it until the session is closed.

    Attributes:
        session: The storage's session, with its holder, its notes and its head.
        fired: Whether an event was committed in this session.
    """

    # An attribute that is set here by mistake, instead of by an event, would be lost.
    __slots__ = ("__weakref__", "_chart", "_copied", "_copy", "_run_effects", "_waits", "fired", "session")

    def __init__(
        self,
        session: Session[ModelT],
        chart: type[Chart],
        run_effects: Callable[[str], None] | None = None,
        *,
        waits: bool = False,
    ) -> None:
        self.session: Session[ModelT] = session
        self.fired: bool = False
        self._chart = chart
        self._run_effects = run_effects
        self._waits = waits  # for a database, which may be away
        self._copied: ModelT | None = None  # the value that `_copy` is a copy of
        self._copy: ModelT | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.name!r} at revision {self.revision}>"

    @property
    def name(self) -> str:
        """The name that is held."""
        return self.session.name

    @property
    def value(self) -> ModelT:
        """A copy of the recorded value: what is changed in the copy is not recorded by the next event."""
        recorded = self.session.value
        if self._copy is None or self._copied is not recorded:
            self._copied, self._copy = recorded, recorded.model_copy(deep=True)
        return self._copy

    @property
    def revision(self) -> int:
        """The number of the value's last change, counted from 1."""
        return self.session.head.revision

    def fire(self, event: str, /, **payload: Any) -> ModelT:  # Any: the chart's guards and hooks decide
        """Fire an event, commit its transition, and return the committed value.

        Args:
            event: An event of the chart, or its name.
            **payload: The arguments of guards and hooks.

        Raises:
            UnknownEvent: The chart has no such event.
            UnknownState: The chart has no state like that of the recorded value.
            InvalidTransition: The chart does not allow the event now; nothing was written.
            InvalidValue: The model refuses the value after the event; nothing was written.
            MissingPayload: A guard or hook needs a payload keyword that was not given.
            UnknownPayload: Nothing takes a payload keyword, and its name is close to one that is taken.
            StorageError: The transition could not be committed; see `Session.commit`.
        """
        __tracebackhide__ = True
        require_recorded(self._chart, self.session.value, self.name)
        fire_with(self.session, self._chart, self._chart.event(event), payload)
        self.fired = True
        return self.value

    def fire_due(
        self, now: datetime | None = None, *, limit: int | None = None, without: Collection[str] = ()
    ) -> tuple[Transition, ...]:
        """Fire the events of the timers that are due, the earliest first, a commit for each.

        A timer whose event nothing takes lapses, which is a record as well.

        Args:
            now: The moment; by default the present.
            limit: The most timers to fire.
            without: The names of timers to leave as they are.

        Raises:
            ValueError: The moment has no time zone.
            UnknownState: The chart can't be in the state of the recorded value.
            InvalidValue: The model refuses the value after an event; that timer stays due.
            StorageError: A transition could not be committed; see `Session.commit`.
        """
        __tracebackhide__ = True
        require_recorded(self._chart, self.session.value, self.name)
        before = self.session.head.revision
        try:
            return fire_due(self.session, self._chart, moment_of(now), limit=limit, without=without)
        finally:
            self.fired = self.fired or self.session.head.revision > before

    async def afire(self, event: str, /, **payload: Any) -> ModelT:  # Any: as of `fire`
        """Do what `fire` does without blocking other tasks; for a database, all of it runs in a thread.

        A cancellation is raised after the transition is committed, or refused.
        """
        __tracebackhide__ = True
        if not self._waits:
            return self.fire(event, **payload)
        return await in_thread(lambda: self.fire(event, **payload))

    def allowed(self, **payload: Any) -> Allowed:  # Any: the chart's guards decide
        """Return the events that the value allows now, with the reasons of those refused."""
        return allowed_on(self._chart, self.session.value, self.name, payload)

    def close(self) -> None:
        """Release the name, then run its effects if the store runs them at once. Later calls do nothing."""
        self.session.close()
        run, self._run_effects = self._run_effects, None
        if run is not None and self.fired:
            run(self.name)

    async def aclose(self) -> None:
        """Do what `close` does without blocking other tasks."""
        if self._waits:
            await in_thread(self.close)
        else:
            self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._run_effects = None  # a later call finds what is due
        self.close()
