"""The hooks that every chart runs on entering and leaving a state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from loguru import logger

from statechart.log import is_heard, silence
from statechart.wording import state_text

if TYPE_CHECKING:
    from statemachine import State

    from statechart.configuration import Configuration

silence("statechart")


@dataclass(frozen=True, slots=True)
class Microstep:
    """A part of a macrostep: the transitions that are taken together.

    Attributes:
        event: The event, which may be one that the chart raised; None for transitions without an event.
        exited: The texts of the states that were left, in this order.
        entered: The texts of the states that were entered, in this order.
        taken: The transitions: source and targets, by text.
        recalled: The history states that were entered, with whether each remembered something.
    """

    event: str | None
    exited: tuple[str, ...]
    entered: tuple[str, ...]
    taken: tuple[tuple[str, tuple[str, ...]], ...] = ()
    recalled: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class Followed:
    """All that followed from an event, in a macrostep; its attributes are those of `Transition`."""

    before: Configuration | None
    after: Configuration | None
    steps: tuple[Microstep, ...]
    timer: str | None
    due: datetime | None
    lapsed: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Transition:
    """An event that took a subject from one state to another.

    With states within states, it is a macrostep: all that follows from the event until the chart rests.

    Attributes:
        from_state: The text of the source's value, or of the configuration, such as `awaiting + packing`.
        to_state: The text of the target's value, or of the configuration.
        to_value: The target's value as the chart declares it, such as the member of an Enum. A model
            holds this value as its state.
        value: The model after the transition, as the hooks and `evolve` left it.
        effects: The names of the effects that the transition makes due. In memory, nothing runs them.
        followed: All that followed from the event; None for a flat chart whose events take one microstep.
    """

    chart: str
    event: str
    from_state: str
    to_state: str
    subject: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    to_value: Any = field(default=None, compare=False, repr=False)  # Any: states have values of many types
    value: Any = field(default=None, compare=False, repr=False)  # Any: a model
    effects: tuple[str, ...] = ()
    followed: Followed | None = None

    @property
    def before(self) -> Configuration | None:
        """The configuration before, of a chart with states within states or timers; otherwise None."""
        return None if self.followed is None else self.followed.before

    @property
    def after(self) -> Configuration | None:
        """The configuration afterwards, of a chart with states within states or timers; otherwise None."""
        return None if self.followed is None else self.followed.after

    @property
    def steps(self) -> tuple[Microstep, ...]:
        """The microsteps; none for a flat chart whose events take one."""
        return () if self.followed is None else self.followed.steps

    @property
    def timer(self) -> str | None:
        """The timer that fired the event, or None."""
        return None if self.followed is None else self.followed.timer

    @property
    def due(self) -> datetime | None:
        """The deadline of the timer that fired the event, or None."""
        return None if self.followed is None else self.followed.due

    @property
    def lapsed(self) -> bool:
        """Whether nothing took the timer's event, so that only the timer ended."""
        return self.followed is not None and self.followed.lapsed

    @property
    def at(self) -> datetime | None:
        """The time by which timers begin, which is that of the record; None for a flat chart."""
        return None if self.followed is None else self.followed.at


class Commit(Protocol):
    """Makes a transition durable.

    The entry hook calls this once, after all guards, validators and other hooks have agreed. If the call
    raises, nothing was committed, and the chart returns to the old state. The result goes into the log
    line. After an interruption of the call, `committed` tells whether the transition is durable.
    """

    @property
    def committed(self) -> bool:
        """Whether the transition is durable."""
        ...

    def __call__(self, transition: Transition, /) -> Mapping[str, object]:
        """Make the transition durable, or raise."""
        ...


@dataclass(frozen=True, slots=True)
class FiredEvent:
    """An event that was fired, allowed or refused.

    Attributes:
        about: Distinguishes machines: the subject, or an identifier of the machine.
        event: The event; `__initial__` for what follows from beginning in the initial state, if anything.
        to_state: The target, or None after a refusal.
        guards: The answer of each guard of the event's transitions from that state.
        steps: The microsteps; none for a flat chart whose events take one, or after a refusal.
        leaves: The active states without states within them, before the event.
        timer: The timer that fired the event, or None.
        cancelled: The timers that ran before, and whose states were left.
        later: The answers of the guards of the transitions that followed by themselves.
    """

    chart: type
    about: str
    event: str
    from_state: str
    to_state: str | None
    guards: Mapping[str, bool]
    steps: tuple[Microstep, ...] = ()
    leaves: tuple[str, ...] = ()
    timer: str | None = None
    cancelled: tuple[str, ...] = ()
    later: frozenset[tuple[str, bool]] = frozenset()


Watcher = Callable[[FiredEvent], None]


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """Tell a watcher of each event that any chart fires, until the block ends."""
    # Process-wide: the code under test builds its machines itself, in any thread.
    Hooks.watchers = (*Hooks.watchers, watcher)
    try:
        yield
    finally:
        Hooks.watchers = tuple(other for other in Hooks.watchers if other is not watcher)


Emit = Callable[[str, str, Mapping[str, object]], None]
"""Writes a log line: level, message and the fields bound to the line."""


def emit(level: str, message: str, fields: Mapping[str, object]) -> None:
    """Write a log line of this package."""
    logger.bind(**fields).log(level, message)


@dataclass(slots=True)
class Firing:
    """An event on its way through a chart.

    Attributes:
        settle: Returns the model after the transition, or raises if it is not valid.
        model: The model before the event.
        draft: What guards and hooks see of it; None if nothing but the chart's own hooks is called.
        effects: The names of the effects that the transition makes due.
    """

    event: str
    from_state: str
    chart: str
    subject: str | None
    payload: Mapping[str, Any]
    commit: Commit | None
    settle: Callable[[Transition], Any]
    model: Any = None
    draft: Any = None
    effects: tuple[str, ...] = ()
    started: float = field(default_factory=perf_counter)
    transition: Transition | None = None
    returned: bool = False

    @property
    def since(self) -> datetime | None:
        """The time since which the model was in its state, if it tells."""
        found: datetime | None = getattr(self.model, "since", None)
        return found

    @property
    def committed(self) -> bool:
        """Whether the transition is durable, even after an interrupted commit."""
        if self.returned or self.transition is None or self.commit is None:
            return self.returned
        return self.commit.committed


_DEBUG, _INFO = 10, 20


class Hooks:
    """The last listener of a chart: commits on entry, then logs."""

    watchers: ClassVar[tuple[Watcher, ...]] = ()
    """Called with each event after it was fired; see `watching`."""

    def __init__(self, message: str, emit: Emit, module: str | None = __name__) -> None:
        self.firing: Firing | None = None
        self._message = message
        self._emit = emit
        self._module = module  # which writes the lines, and may be silent; None if that is unknown

    def enter(self, target: State) -> None:
        """Commit the transition that entered a state, then log the transition."""
        firing = self.firing
        if firing is None:  # the initial state is entered without an event
            return
        transition = Transition(
            chart=firing.chart,
            event=firing.event,
            from_state=firing.from_state,
            to_state=state_text(target.value),
            subject=firing.subject,
            payload=firing.payload,
            to_value=target.value,
            effects=firing.effects,
        )
        self.commit(firing, transition)

    def commit(self, firing: Firing, transition: Transition) -> None:
        """Commit a transition, then log it."""
        # Before the commit: a value that is not valid must not be written. `evolve` takes the transition.
        object.__setattr__(transition, "value", firing.settle(transition))
        firing.transition = transition
        try:
            fields = firing.commit(transition) if firing.commit is not None else {}
        except BaseException:
            # An interruption may come after the commit: the log tells about every commit.
            if firing.committed:
                self._tell(firing, transition, {})
            raise
        firing.returned = True
        self._tell(firing, transition, fields)

    def _tell(self, firing: Firing, transition: Transition, fields: Mapping[str, object]) -> None:
        if self._module is not None and not is_heard(self._module, _INFO):
            return
        if not fields and firing.subject is not None:
            fields = {"subject": firing.subject}
        self._log(
            "INFO",
            self._message,
            {
                "event": firing.event,
                "from_state": firing.from_state,
                "to_state": transition.to_state,
                **_told(transition),
                "duration_ms": round((perf_counter() - firing.started) * 1000, 3),
                **fields,
            },
        )

    def leave(self, source: State) -> None:
        """Log the state that is being left, and its duration if the model tells the start."""
        firing = self.firing
        if firing is None or (self._module is not None and not is_heard(self._module, _DEBUG)):
            return
        fields: dict[str, object] = {"state": state_text(source.value), "event": firing.event}
        if firing.since is not None:
            fields["lasted_s"] = round((datetime.now(UTC) - firing.since).total_seconds(), 3)
        self._log("DEBUG", "Leaving state", fields)

    def _log(self, level: str, message: str, fields: Mapping[str, object]) -> None:
        with suppress(Exception):  # a failing log sink must not turn a commit into an error
            self._emit(level, message, fields)


def _told(transition: Transition) -> dict[str, object]:
    """Return the fields of a macrostep's log line: the events of its steps, and its timer."""
    found: dict[str, object] = {}
    if len(transition.steps) > 1:
        found["steps"] = [step.event or "always" for step in transition.steps]
    if transition.timer is not None:
        found["timer"] = transition.timer
    return found


def hooks_class(chart: str, states: list[str]) -> type[Hooks]:
    """Make the listener class of a chart, with a hook for each state."""
    # The engine runs hooks that name a state after the generic ones, so these come last.
    named = {f"on_enter_{state}": Hooks.enter for state in states} | {
        f"on_exit_{state}": Hooks.leave for state in states
    }
    return type(f"{chart}Hooks", (Hooks,), named)
