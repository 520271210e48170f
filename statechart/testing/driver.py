"""A driver: fire events on a machine of any chart, and check the results."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, Self

from statechart.configuration import JOINED, Configuration
from statechart.engine.machines.machine import ModelT
from statechart.errors import InvalidTransition, InvalidValue
from statechart.testing.models import begun, parts, require_chart, state_value
from statechart.wording import listed, nearest, state_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statechart.chart import Chart, Event
    from statechart.engine.declaration.states import StateLike
    from statechart.engine.hooks import Commit, Transition


class Driver(Generic[ModelT]):
    """Fires events on a machine and checks the results.

        Driver(OrderChart).fire("pay").expect("paid").refuses("pay", because="paid already")

    Events are given by name or as the chart's attributes: `OrderChart.pay`.

    Time stands still, except in `elapse`: timers fire only there, each at its deadline.

    Args:
        chart: The chart's class.
        state: The first state, or its value; by default that of the model, or the initial state. With
            states within states, the states that are active together, such as `awaiting + packing`, or a
            state around others; its timers begin.
        model: The model that guards and hooks see, frozen or not; by default the chart's own, or one of
            the class in its declaration, `Chart[Order]`.
        commit: Makes transitions durable.
        now: The first moment; by default the present.
        remembers: What history states remember, such as `{"where_it_was": "awaiting + packed"}`.
        facts: Attributes of the model.

    Attributes:
        now: The moment of the driver's clock.

    Raises:
        TypeError: The model has fields without a default, and no model was given, or no such attribute;
            or the chart is no chart's class.
        UnknownState: The chart has no such state, or can't be in these states together.
    """

    def __init__(
        self,
        chart: type[Chart[ModelT]],
        *,
        state: object = None,
        model: ModelT | None = None,
        commit: Commit | None = None,
        now: datetime | None = None,
        remembers: Mapping[str, object] | None = None,
        **facts: object,
    ) -> None:
        require_chart(chart)
        self.now: datetime = now or datetime.now(UTC)
        begins = begun(chart, model, state, facts, self.now, remembers)
        self.machine: Chart[ModelT] = chart(begins, commit=commit, at=self.now)
        self.transitions: list[Transition] = []

    @property
    def model(self) -> ModelT:
        """The model now: the value after the last event."""
        found: ModelT = self.machine.model
        return found

    @property
    def state(self) -> str:
        """The current state, or the states that are active together, such as `awaiting + packing`."""
        return state_text(getattr(self.machine.model, "state", None))

    @property
    def timers(self) -> dict[str, datetime]:
        """The deadlines of the timers that run, the earliest first."""
        held = getattr(self.machine.model, "state", None)
        running = held.timers if isinstance(held, Configuration) else {}
        return dict(sorted(running.items(), key=lambda timer: (timer[1], timer[0])))

    @property
    def history(self) -> dict[str, str]:
        """The states that each history state remembers, as a text."""
        held = getattr(self.machine.model, "state", None)
        remembered = held.history if isinstance(held, Configuration) else {}
        return {name: JOINED.join(states) for name, states in remembered.items()}

    @property
    def allowed(self) -> tuple[str, ...]:
        """The events that the state and the guards allow now."""
        return self.machine.enabled()

    def fire(self, event: Event | str, **payload: Any) -> Self:
        """Fire an event that must be allowed.

        Raises:
            InvalidTransition: The event is not allowed.
            UnknownEvent: The chart has no such event.
        """
        __tracebackhide__ = True
        self.machine._at = self.now
        self.transitions.append(self.machine.fire(self._event(event), **payload))
        return self

    def follow(self, *events: Event | str) -> Self:
        """Fire several events in order."""
        __tracebackhide__ = True
        for event in events:
            self.fire(event)
        return self

    def elapse(self, time: timedelta | str) -> Self:
        """Let time pass, and fire the timers that become due, each at its deadline.

        Args:
            time: The time; or the name of a timer, such as `awaiting.expire`: until its deadline.
        """
        __tracebackhide__ = True
        if not isinstance(time, (str, timedelta)):
            hint = "give a timedelta, or the name of a timer"
            raise TypeError(f"{time!r} is no time: {hint}")
        until = self._deadline(time) if isinstance(time, str) else self.now + time
        require(until >= self.now, f"time can't go back by {self.now - until}: give a positive time")
        for _ in range(_MOST):
            deadline = next(iter(self.timers.values()), None)
            if deadline is None or deadline > until:
                self.now = until
                return self
            self.now = max(self.now, deadline)
            self.transitions += self.machine.fire_due(self.now, limit=1)
        raise AssertionError(
            f"more than {_MOST} timers fired, up to {self.now - until} before the end: let less time pass"
        )

    def expect(self, state: object) -> Self:
        """Require a state; with states within states, all that are active together, and no other."""
        __tracebackhide__ = True
        chart = type(self.machine)
        value = state_value(chart, state)  # raises for a typo in the test
        named = [state_text(getattr(each, "value", each)) for each in parts(chart, state)]
        if isinstance(value, Configuration) and not isinstance(state, Configuration):
            around = [name for name in named if name not in value.active]
            hint = "use expect_active, or name the states within"
            require(
                not around, f"{listed(around)} {'have' if len(around) > 1 else 'has'} states within: {hint}"
            )
            missing = [name for name in value.active if name not in named]
            require(
                not missing, f"{state_text(state)} is active with others, such as {value}: name them all"
            )
        expected = state_text(value)
        require(self.state == expected, f"it is {self.state}, not {expected}, after {self._story()}")
        return self

    def expect_active(self, *states: StateLike | str) -> Self:
        """Require that states are active, whatever else is; also states around others."""
        __tracebackhide__ = True
        for state in states:
            told = f"{state_text(getattr(state, 'value', state))} is not active"
            require(self.machine.active(state), f"{told}: it is {self.state}, after {self._story()}")
        return self

    def expect_inactive(self, *states: StateLike | str) -> Self:
        """Require that states are not active."""
        __tracebackhide__ = True
        for state in states:
            told = f"{state_text(getattr(state, 'value', state))} is active"
            require(not self.machine.active(state), f"{told}: it is {self.state}, after {self._story()}")
        return self

    def refuses(self, event: Event | str, *, because: str | None = None, **payload: Any) -> Self:
        """Require that the chart or the model refuses an event, with `because` in the message."""
        __tracebackhide__ = True
        before, told = self.state, None
        self.machine._at = self.now
        try:
            self.machine.fire(self._event(event), **payload)
        except (InvalidTransition, InvalidValue) as refusal:
            if is_fault(refusal):
                raise
            told = str(refusal)
        if told is None:
            raise AssertionError(f"{event} was allowed, and led from {before} to {self.state}")
        require(because is None or because in told, f"it was refused for another reason: {told}")
        require(self.state == before, f"the refusal of {event} left it {self.state} instead of {before}")
        return self

    def _event(self, event: Event | str) -> Event:
        return self.machine.event(str(getattr(event, "id", event)))

    def _deadline(self, timer: str) -> datetime:
        __tracebackhide__ = True
        known = type(self.machine)._alarms
        if timer not in known:
            like = nearest(timer, known)
            hint = f"did you mean {like!r}?" if like else f"known are {listed(known)}"
            raise ValueError(f"{type(self.machine).__name__} has no timer {timer!r}: {hint}")
        if timer not in self.timers:
            raise AssertionError(
                f"the timer {timer} does not run in {self.state}: running {are(list(self.timers))}"
            )
        return self.timers[timer]

    def _story(self) -> str:
        return ", ".join(map(_told, self.transitions)) or "no event"


_MOST = 1_000


def _told(taken: Transition) -> str:
    if taken.timer is None:
        return taken.event
    return f"{taken.timer} {'lapsed' if taken.lapsed else 'fired'}"


def are(names: list[str]) -> str:
    """Return names with their verb: `is awaiting.expire`, `are a and b`, `is none`."""
    return f"{'are' if len(names) > 1 else 'is'} {listed(names) if names else 'none'}"


def require(holds: bool, told: str) -> None:
    """Fail a test unless a condition holds; pytest would repeat the condition of an `assert` here."""
    __tracebackhide__ = True
    if not holds:
        raise AssertionError(told)


def is_fault(refusal: InvalidTransition | InvalidValue) -> bool:
    """Return whether the chart is at fault, as a hook or `evolve` left no such field or another state."""
    cause: BaseException | None = refusal
    while isinstance(cause, InvalidValue):
        cause = cause.__cause__  # of a refusal by the model: the error of its validation
    return cause is None
