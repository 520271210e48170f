"""A driver: fire events on a machine of any chart, and check the results."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

from statechart.engine.values import require_settable
from statechart.errors import InvalidTransition, UnknownState
from statechart.graph import states
from statechart.wording import state_text

if TYPE_CHECKING:
    from statechart.chart import Chart, Event
    from statechart.engine.hooks import Commit, Transition


class Driver:
    """Fires events on a machine and checks the results.

        Driver(OrderChart).fire("pay").expect("paid").refuses("pay", because="paid already")

    Events are given by name or as the chart's attributes: `OrderChart.pay`.

    Args:
        chart: The chart's class.
        state: The first state, or its value; by default the initial state.
        model: The model that guards and hooks see; by default the chart's own, or one with the `facts`.
        commit: Makes transitions durable.
        facts: Attributes of the model.
    """

    def __init__(
        self,
        chart: type[Chart],
        *,
        state: str | None = None,
        model: object | None = None,
        commit: Commit | None = None,
        **facts: object,
    ) -> None:
        self.model: Any = new_model(chart, model, facts)
        if state is not None:
            require_settable(chart, self.model, _value(chart, state))
        self.machine: Chart = chart(self.model, commit=commit)
        self.transitions: list[Transition] = []

    @property
    def state(self) -> str:
        """The current state."""
        return state_text(self.machine.model.state)

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
        expected = state_text(
            _value(type(self.machine), state)
        )  # raises UnknownState for a typo in the test
        assert self.state == expected, f"it is {self.state}, not {expected}, after {self._story()}"
        return self

    def refuses(self, event: Event | str, *, because: str | None = None, **payload: Any) -> Self:
        """Require that an event is refused, with `because` in the message."""
        __tracebackhide__ = True
        before = self.state
        try:
            self.machine.fire(self._event(event), **payload)
        except InvalidTransition as refusal:
            told = str(refusal)
            assert because is None or because in told, f"it was refused for another reason: {told}"
            assert self.state == before, f"the refusal of {event} left it {self.state} instead of {before}"
            return self
        raise AssertionError(f"{event} was allowed, and led from {before} to {self.state}")

    def _event(self, event: Event | str) -> Event:
        return self.machine.event(str(getattr(event, "id", event)))

    def _story(self) -> str:
        return ", ".join(taken.event for taken in self.transitions) or "no event"


def new_model(chart: type[Chart], model: object | None, facts: dict[str, object]) -> Any:  # Any: a model
    """Return the given model, or the chart's own, with facts as attributes."""
    found: Any = model if model is not None else chart.new_model()
    if found is None:
        found = SimpleNamespace(state=None)
    for name, fact in facts.items():
        setattr(found, name, fact)
    return found


def _value(chart: type[Chart], state: object) -> Any:  # Any: states have values of many types
    for declared in chart.states:
        if state_text(declared.value) == state_text(state):
            return declared.value
    raise UnknownState(chart.__name__, state_text(state), states(chart))
