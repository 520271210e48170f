"""The values of states: those that a record can hold, and the state of a value."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from statechart.errors import ChartDefinitionError, InvalidValue, UnknownState
from statechart.wording import plain, state_text

if TYPE_CHECKING:
    from statemachine import State, StateChart

    from statechart.engine.objects import Keeper


def value_problem(value: object, others: Iterable[object]) -> str | None:
    """Return the reason why a state can't have a value beside those of the other states, or None."""
    kept = plain(value)
    if kept is None:
        return "its value is None, which means that a model has no state"
    if not isinstance(kept, (str, int, float)):
        return f"its value is a {type(kept).__name__}; {_KINDS}"
    try:
        json.dumps(kept, allow_nan=False, ensure_ascii=False).encode()
    except ValueError:  # nan, half a surrogate pair, a number of thousands of digits
        return f"JSON can't hold its value; {_KINDS}"
    for other in others:
        if other == value or state_text(other) == state_text(value):
            return (
                f"its value {value!r} can't be told apart from {other!r}, that of another state: rename it"
            )
    return None


_KINDS = "use a string, a number, a boolean, or an Enum of these"


def state_of(states: Mapping[Any, State], value: object) -> State | None:
    """Return the state that has a value, or None.

    The member of an Enum and its value stand for each other, as a model may hold either.
    """
    try:
        found = states.get(value)
    except TypeError:  # lists and the like, which no state has
        return None
    if found is not None:
        return found
    return next((state for known, state in states.items() if plain(known) == plain(value)), None)


def require_state(chart: type[StateChart[Any]], value: object) -> State:
    """Return the state of a chart that has a value.

    Raises:
        UnknownState: The chart has no such state.
    """
    found = state_of(chart.states_map, value)
    if found is None:
        raise UnknownState(chart.__name__, state_text(value), map(state_text, chart.states_map))
    return found


class Form(Protocol):
    """Reads and makes the states of values.

    Attributes:
        is_plain: Whether these are values of states, and not configurations.
    """

    is_plain: bool

    def read(self, state: object) -> object:
        """Raise UnknownState unless a value may be in a state."""
        ...

    def example(self) -> object:
        """Return a state that a value may be in."""
        ...


def form_of(chart: type[StateChart[Any]]) -> Form | None:
    """Return the form of a chart whose values hold configurations, or None."""
    found: Form | None = getattr(chart, "_form", None)
    return None if found is None or found.is_plain else found


def check_state(chart: type[StateChart[Any]], value: object) -> None:
    """Check that a value is that of a state of a chart, or a configuration that the chart may be in.

    Raises:
        UnknownState: It is not.
        IllegalConfiguration: The states contradict each other.
    """
    form = form_of(chart)
    if form is None:
        require_state(chart, value)
    else:
        form.read(value)


def settle(chart: type[StateChart[Any]], model: Any, keeper: Keeper) -> Any:  # Any: the value of a state
    """Put the state's own value in the place of an equivalent in a model; return this value.

    A model that is drafted keeps what it has. The result is None for a model without a state.

    Raises:
        UnknownState: The chart has no such state.
        ChartDefinitionError: The model does not let its state be set.
        InvalidValue: The model has no field for a state.
    """
    held = getattr(model, "state", None)
    form = form_of(chart)
    if form is not None and held is not None:
        form.read(held)
        return held
    state = None if held is None else require_state(chart, held)
    if state is None or held != state.value:
        if not keeper.drafts:
            require_settable(chart, model, None if state is None else state.value)
        elif not hasattr(model, "state"):
            raise InvalidValue(type(model).__name__, f"{type(model).__name__} {_NO_STATE}")
    return None if state is None else state.value


_NO_STATE = "has no field 'state': give it one, such as `state: str | None = None`"


def require_settable(chart: type[StateChart[Any]], model: Any, value: object) -> None:
    """Give a model a state, before the hooks of an event run.

    Raises:
        ChartDefinitionError: It does not let its state be set.
    """
    try:
        model.state = value
    except (AttributeError, TypeError, ValueError) as error:
        kind, why = type(model).__name__, " ".join(str(error).split())[:100]
        raise ChartDefinitionError(
            f"{chart.__name__}: the state of its model, of the class {kind}, can't be set ({why}); "
            "give a model whose `state` may change, or store the value and use fire(session, ...)"
        ) from error


def require_entered(chart: type[StateChart[Any]], value: object, target: object, name: str) -> None:
    """Check that a value is in the state that a transition leads to.

    Raises:
        InvalidValue: It is in another state, or has none.
    """
    state = getattr(value, "state", None)
    form = form_of(chart)
    if form is not None:
        entered = state == target
        if entered:
            form.read(state)  # so that it knows its chart, as the target does
    else:
        found = state_of(chart.states_map, state)
        entered = found is not None and found.value == target
    if not entered:
        raise InvalidValue(name, f"its state would be {state!r} instead of {target!r}; {_SET_STATE}")


_SET_STATE = "give the model a field `state`, and let `evolve` set it to `to_value`"
