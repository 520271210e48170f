"""Check the names of states, history states and timers that a test gives."""

from __future__ import annotations

from statechart.configuration import Configuration, typed_states
from statechart.errors import UnknownState
from statechart.graph import states
from statechart.testing.nested.edges import AnyChart, is_stepwise, table_of, text_of
from statechart.wording import listed, nearest


def require_state(chart: AnyChart, name: str) -> None:
    """Check that a chart has a state, which may be around others.

    Raises:
        UnknownState: It has not.
    """
    if name not in states(chart):
        raise UnknownState(chart.__name__, name, states(chart))


def require_timer(chart: AnyChart, name: str) -> None:
    """Check that a chart has a timer.

    Raises:
        ValueError: It has not.
    """
    _require("timer", chart, name, list(chart._alarms))


def require_history(chart: AnyChart, name: str, remembered: str) -> None:
    """Check that a chart has a history state, and that it can remember some states.

    Raises:
        ValueError: It has no such history state.
        IllegalConfiguration: The history state can't remember these.
    """
    nodes = table_of(chart).nodes if is_stepwise(chart) else ()
    _require("history state", chart, name, [text_of(node) for node in nodes if node.remembers])
    history = {name: typed_states(chart, remembered)}
    chart._form.read(Configuration.of(chart).model_copy(update={"history": history}))


def _require(kind: str, chart: AnyChart, name: str, known: list[str]) -> None:
    if name not in known:
        near = nearest(name, known)
        hint = f"did you mean {near!r}?" if near else f"it has {listed(known)}"
        raise ValueError(f"{chart.__name__} has no {kind} {name!r}: {hint}")
