"""Driver: a machine of any chart, for tests that read like what they tell."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

from statechart.errors import InvalidTransition
from statechart.graph import states

if TYPE_CHECKING:
    from statechart.chart import Chart, Event
    from statechart.engine.hooks import Commit, Transition


class Driver:
    """Fires events on a machine, and demands what comes of it.

        Driver(OrderChart).fire("pay").expect("paid").refuses("pay", because="paid already")

    An event is given by its name, or as the chart's own: `OrderChart.pay`.

    Args:
        chart: The chart's class.
        state: The state to begin in; by default the initial one.
        model: What guards and hooks are given; by default the chart's own, or an object with the `facts`.
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
            self.model.state = _value(chart, state)
        self.machine: Chart = chart(self.model, commit=commit)
        self.transitions: list[Transition] = []

    @property
    def state(self) -> str:
        """The state that it is in."""
        return str(self.machine.model.state)

    @property
    def allowed(self) -> tuple[str, ...]:
        """The events that are allowed now, guards considered."""
        return self.machine.enabled()

    def fire(self, event: Event | str, **payload: Any) -> Self:
        """Fire an event that has to be allowed.

        Raises:
            InvalidTransition: It is not.
            UnknownEvent: There is none of that name.
        """
        __tracebackhide__ = True
        self.transitions.append(self.machine.fire(self._event(event), **payload))
        return self

    def follow(self, *events: Event | str) -> Self:
        """Fire some events, one after the other."""
        __tracebackhide__ = True
        for event in events:
            self.fire(event)
        return self

    def expect(self, state: str) -> Self:
        """Demand that it is in a state."""
        __tracebackhide__ = True
        _value(type(self.machine), state)  # a typo is no failure of the chart
        assert self.state == state, f"it is {self.state}, not {state}, after {self._story()}"
        return self

    def refuses(self, event: Event | str, *, because: str | None = None, **payload: Any) -> Self:
        """Demand that an event is refused, and that the refusal's reason contains a text."""
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
    """Return the model that is given, or the chart's own, with facts added."""
    found: Any = model if model is not None else chart.new_model()
    if found is None:
        found = SimpleNamespace(state=None)
    for name, fact in facts.items():
        setattr(found, name, fact)
    return found


def _value(chart: type[Chart], state: str) -> Any:  # Any: whatever the chart's states are values of
    from statechart.errors import UnknownState

    for declared in chart.states:
        if str(declared.value) == state:
            return declared.value
    raise UnknownState(chart.__name__, state, states(chart))
