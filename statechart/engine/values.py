"""The values of states: those that a record can hold, and the state of a value."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from statechart.errors import ChartDefinitionError, UnknownState
from statechart.wording import plain, state_text

if TYPE_CHECKING:
    from statemachine import State, StateChart


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
            return f"its value {value!r} can't be told apart from {other!r}, that of another state"
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


def settle(chart: type[StateChart[Any]], model: Any) -> Any:  # Any: a model, and the value of a state
    """Put the state's own value in the place of an equivalent in a model; return this value.

    Raises:
        UnknownState: The chart has no such state.
        ChartDefinitionError: The model does not take the state's own value.
    """
    held = getattr(model, "state", None)
    if held is None:
        return None
    state = require_state(chart, held)
    if held != state.value:
        require_settable(chart, model, state.value)
    return state.value


def require_settable(chart: type[StateChart[Any]], model: Any, value: object) -> None:
    """Give a model a state, before the engine does.

    Raises:
        ChartDefinitionError: It does not, as it is frozen or has no attributes.
    """
    try:
        model.state = value
    except (AttributeError, TypeError, ValueError) as error:
        kind, why = type(model).__name__, " ".join(str(error).split())[:100]
        raise ChartDefinitionError(
            f"{chart.__name__}: the state of its model, of the class {kind}, can't be set ({why}); "
            "give a model whose `state` may change, or store the value and use fire(session, ...)"
        ) from error
