"""A driver: fire events on a machine of any chart, and check the results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Self

from statechart.engine.machine import ModelT
from statechart.errors import InvalidTransition, InvalidValue
from statechart.testing.models import begun, require_chart, state_value
from statechart.wording import state_text

if TYPE_CHECKING:
    from statechart.chart import Chart, Event
    from statechart.engine.hooks import Commit, Transition


class Driver(Generic[ModelT]):
    """Fires events on a machine and checks the results.

        Driver(OrderChart).fire("pay").expect("paid").refuses("pay", because="paid already")

    Events are given by name or as the chart's attributes: `OrderChart.pay`.

    Args:
        chart: The chart's class.
        state: The first state, or its value; by default that of the model, or the initial state.
        model: The model that guards and hooks see, frozen or not; by default the chart's own, or one of
            the class in its declaration, `Chart[Order]`.
        commit: Makes transitions durable.
        facts: Attributes of the model.

    Raises:
        TypeError: The model has fields without a default, and no model was given, or no such attribute;
            or the chart is no chart's class.
        UnknownState: The chart has no such state.
    """

    def __init__(
        self,
        chart: type[Chart[ModelT]],
        *,
        state: str | None = None,
        model: ModelT | None = None,
        commit: Commit | None = None,
        **facts: object,
    ) -> None:
        require_chart(chart)
        self.machine: Chart[ModelT] = chart(begun(chart, model, state, facts), commit=commit)
        self.transitions: list[Transition] = []

    @property
    def model(self) -> ModelT:
        """The model now: the value after the last event."""
        found: ModelT = self.machine.model
        return found

    @property
    def state(self) -> str:
        """The current state."""
        return state_text(getattr(self.machine.model, "state", None))

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
        self.transitions.append(self.machine.fire(self._event(event), **payload))
        return self

    def follow(self, *events: Event | str) -> Self:
        """Fire several events in order."""
        __tracebackhide__ = True
        for event in events:
            self.fire(event)
        return self

    def expect(self, state: str) -> Self:
        """Require a state."""
        __tracebackhide__ = True
        expected = state_text(state_value(type(self.machine), state))  # raises for a typo in the test
        require(self.state == expected, f"it is {self.state}, not {expected}, after {self._story()}")
        return self

    def refuses(self, event: Event | str, *, because: str | None = None, **payload: Any) -> Self:
        """Require that the chart or the model refuses an event, with `because` in the message."""
        __tracebackhide__ = True
        before, told = self.state, None
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

    def _story(self) -> str:
        return ", ".join(taken.event for taken in self.transitions) or "no event"


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
