"""The events that a chart raises itself, as the states within a state end: those that never come."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from statechart.tree import every_state
from statechart.wording import nearest

if TYPE_CHECKING:
    from statemachine import State, StateChart

    AnyChart = type[StateChart[Any]]

_DONE = "done_state_"


def problems(chart: AnyChart) -> Iterator[str]:
    """Yield the events of a chart that nothing ever raises, a sentence each."""
    names = {event.id: None for event in chart._events}
    states = {state.id: state for state in every_state(chart) if not state.is_history}
    for name in dict.fromkeys(_spelt(each, names) for each in names):
        if name.startswith(("done_invoke_", "done.invoke.")):
            yield (
                f"event {name!r} is never raised, as nothing is invoked: do the work outside of the chart, "
                "then fire an event"
            )
        elif name in ("error_execution", "error.execution") and not getattr(chart, "_is_loaded", False):
            yield (
                f"event {name!r} is never raised, as an error in a hook undoes the whole event: catch the "
                "error in the hook, and raise_ an event of another name"
            )
        elif name.startswith((_DONE, "done.state.")) and not getattr(chart, "_is_loaded", False):
            yield from _never_done(name, name[len(_DONE) :], states)


def _spelt(name: str, names: Collection[str]) -> str:
    """Return an event's name as its chart declares it, which the engine writes with dots as well."""
    parts = name.split(".", 2)
    return "_".join(parts) if "_".join(parts) in names else name


def _never_done(event: str, name: str, states: dict[str, State]) -> Iterator[str]:
    state = states.get(name)
    waits = f"event {event!r} waits for the end of {name!r}"
    if state is None:
        around = [each.id for each in states.values() if each.states]
        like = nearest(name, around)
        hint = f"did you mean {_DONE}{like}?" if like else "name a state that has states within it"
        yield f"{waits}, which is no state of the chart: {hint}"
    elif not state.states:
        yield f"{waits}, which has no states within it: name the state around these, or fire an event"
    else:
        for region in _endless(state):
            yield f"{waits}, and no state within {region.id!r} is final: declare one by State(final=True)"


def _endless(state: State) -> Iterator[State]:
    """Yield the state, or the regions of a parallel one, in which no final state may be entered."""
    if state.parallel:
        for region in state.states:
            yield from _endless(region)
    elif not any(child.final for child in state.states):
        yield state
