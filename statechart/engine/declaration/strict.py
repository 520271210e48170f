"""The checks that keep a chart synchronous, and committed once per event."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from statemachine.event import Event
from statemachine.state import State
from statemachine.transition_list import TransitionList

from statechart.engine.attributes import never_runs
from statechart.engine.declaration.naming import all_specs
from statechart.tree import every_state

if TYPE_CHECKING:
    from statemachine import StateChart

FLAGS = {
    "allow_event_without_transition": False,
    "catch_errors_as_events": False,
    "atomic_configuration_update": True,
    "enable_self_transition_entries": True,
}
"""The engine's switches, with the only values under which a failed commit leaves the old state."""

_HIDDEN_AT_WILL = frozenset(("active", "initial", "timers"))
"""Attributes of Chart that states and events of flat charts have been called, and nothing here needs."""

OF_A_MACHINE = frozenset(
    (
        *("model", "subject", "commit", "state_field", "history_values"),
        *("_evolution", "_hooks", "_keeper", "_listeners", "_others", "_program", "_macrostep"),
        *("_at", "_guards", "_later", "_serial"),
    )
)
"""Attributes that a machine gets when it is built, and that no class shows."""


def problems(chart: type[StateChart[Any]], base: type[StateChart[Any]]) -> Iterator[str]:
    """Yield the reasons why a chart can't be committed once per event, a sentence each.

    `base` is the strict base class. Neither states nor events may hide its attributes.
    """
    yield from _flags(chart)
    yield from _groups(chart)
    yield from _record_payload(chart)
    states = list(every_state(chart))
    for state in states:
        yield from _state(state)
        yield from _hiding("state", state.id, chart, base)
    for event in chart._events:
        yield from _hiding("event", event.id, chart, base)
        if not any(event in way.events for state in states for way in state.transitions):
            yield f"event {event.id!r} has no transition: declare one, or remove it"
        if event.delay:
            yield (
                f"event {event.id!r} is delayed, in memory only: give the chart a timer, such as "
                "timers = (Timer(state, after=timedelta(...), event=...),)"
            )
    yield from _callbacks(chart)


def hiding_the_engine(attrs: Mapping[str, object]) -> Iterator[str]:
    """Yield the events in the body of a class without which the engine could not read it."""
    for name in ("states", "events"):
        if isinstance(attrs.get(name), (Event, TransitionList)):
            yield f"event {name!r} hides an attribute of Chart; rename it"


def _hiding(
    kind: str, name: str, chart: type[StateChart[Any]], base: type[StateChart[Any]]
) -> Iterator[str]:
    free = _HIDDEN_AT_WILL if not getattr(chart, "_holds_configuration", False) else ()
    if name not in free and (hasattr(base, name) or name in OF_A_MACHINE):
        yield f"{kind} {name!r} hides an attribute of Chart; rename it"


def _groups(chart: type[StateChart[Any]]) -> Iterator[str]:
    groups = getattr(chart, "phases", {})
    if not isinstance(groups, Mapping):
        yield f"phases is a {type(groups).__name__}: give a dictionary of names and their states"
        groups = {}
    for what, group in [*((f"phase {name!r}", group) for name, group in groups.items()), _failures(chart)]:
        if isinstance(group, str) or not isinstance(group, Iterable):
            yield f"{what} is a {type(group).__name__}: give a tuple of states"


def _record_payload(chart: type[StateChart[Any]]) -> Iterator[str]:
    choice = getattr(chart, "record_payload", True)
    names = () if isinstance(choice, str) or not isinstance(choice, Collection) else choice
    if not isinstance(choice, bool) and (not names or not all(isinstance(name, str) for name in names)):
        given = repr(choice) if isinstance(choice, (str, Collection)) else f"a {type(choice).__name__}"
        yield f"record_payload is {given}: give True, False, or a set of the keywords that are left out"


def _failures(chart: type[StateChart[Any]]) -> tuple[str, Any]:
    return "failures", getattr(chart, "failures", ())


def _flags(chart: type[StateChart[Any]]) -> Iterator[str]:
    for flag, value in FLAGS.items():
        if getattr(chart, flag) is not value:
            yield f"{flag} must stay {value}"


def _state(state: State) -> Iterator[str]:
    if any(not spec.is_convention for spec in state.invoke):
        yield (
            f"state {state.id!r} invokes work; do the work outside of the chart, then fire; for a timeout, "
            "give the chart a Timer"
        )


def _callbacks(chart: type[StateChart[Any]]) -> Iterator[str]:
    owners = [chart, *chart._class_listeners]
    names = {spec.attr_name for spec in all_specs(chart)}
    names |= {f"on_invoke_{state.id}" for state in every_state(chart)} | {"on_invoke_state"}
    for name in sorted(names):
        for owner in owners:
            found = getattr(owner, name, None)
            problem = never_runs(found)
            if problem is not None:
                yield f"callback {name!r} {problem}"
            elif found is not None and name.startswith("on_invoke_"):
                yield f"callback {name!r} invokes work; do the work outside of the chart, then fire"
    for spec in all_specs(chart):
        problem = never_runs(spec.func)
        if problem is not None:
            yield f"callback {spec.attr_name!r} {problem}"
