"""Build the class of a chart from the description in a document."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from statemachine import HistoryState, State
from statemachine.transition import Transition

from statechart.chart import Chart, Event
from statechart.engine.attributes import attributes
from statechart.engine.declaration.timers import Timer
from statechart.errors import ChartDefinitionError, DocumentRefused
from statechart.loading.check import is_internal, states_by_id
from statechart.loading.conditions import names_in
from statechart.loading.known import expanded, known_events
from statechart.loading.specification import Arrow, Call, Described, Description, Kind, Place
from statechart.wording import nearest

_SWITCHES = {
    "validate_disconnected_states": False,
    "validate_trap_states": False,
    "validate_final_reachability": False,
    "_is_loaded": True,
}
"""Documents may have states that are never entered or never left; python-statemachine would refuse them."""


def build(
    description: Description,
    name: str,
    *,
    base: type[Chart[Any]],
    given: Mapping[str, object],
    events: Iterable[str],
    module: str,
) -> type[Chart[Any]]:
    """Return the class of a chart.

    Args:
        description: The description in the document.
        name: The name of the class.
        base: A class without states, with the guards and hooks that the document names.
        given: Further members of the class.
        events: Events that the document does not name.
        module: The module in which the class can be found by its name.

    Raises:
        DocumentRefused: The chart can't be built.
    """
    plan = _Plan(description, base, given, tuple(events))
    members = {
        **given,
        **_SWITCHES,
        **plan.top,
        "__module__": module,
        "__qualname__": name,
        "__doc__": f"The chart of {description.source.where}.",
        "_starts": plan.starts,
    }
    if plan.timers:
        members["timers"] = (*getattr(base, "timers", ()), *plan.timers)
    try:
        return types.new_class(name, (base,), exec_body=lambda body: body.update(members))
    except DocumentRefused:
        raise
    except ChartDefinitionError as error:
        raise description.source.refused(str(error)) from error


class _Plan:
    """The states of a chart, with their transitions."""

    def __init__(
        self,
        description: Description,
        base: type[Chart[Any]],
        given: Mapping[str, object],
        events: tuple[str, ...],
    ) -> None:
        self._described = states_by_id(description)
        self._known = known_events(description, events)
        self._inner = description.inner
        self._owners = _Owners(base, given)
        self._states: dict[str, State] = {}
        self._events: dict[str, Event] = {}
        self.top: dict[str, State] = {state.id: self._state(state) for state in description.states}
        self.timers: list[Timer] = []
        for state in self._described.values():
            self._add_ways(state)
        starts = [self._described[each] for each in description.initial] or [description.states[0]]
        is_plain = len(starts) == 1 and starts[0].parent is None
        self.starts: tuple[State, ...] = () if is_plain else tuple(self._states[each.id] for each in starts)
        self.top[_outermost(starts[0]).id]._initial = True

    def _state(self, described: Described) -> State:
        children = [self._state(child) for child in described.children]
        value = described.value or described.id
        if described.remembers:
            state: State = HistoryState(value=value, type=described.kind.value)
        else:
            inner = [child for child in children if not isinstance(child, HistoryState)]
            memories = [child for child in children if isinstance(child, HistoryState)]
            state = State(
                value=value,
                final=described.kind is Kind.FINAL,
                parallel=described.kind is Kind.PARALLEL,
                states=inner,
                history=memories,
                enter=self._calls(described.entry, described.place) or None,
                exit=self._calls(described.exit, described.place) or None,
                donedata=described.data,
            )
        state._set_id(described.id)
        self._states[described.id] = state
        return state

    def _add_ways(self, described: Described) -> None:
        state = self._states[described.id]
        if described.kind is Kind.STATE and described.states:
            names = described.initial or (described.states[0].id,)
            first = self._described[names[0]]
            while first.parent is not described and first.parent is not None:
                first = first.parent
            for child in state.states:
                child._initial = child.id == first.id
            targets = [self._states[name] for name in names]
            on = self._calls(described.opening, described.place)
            _add(state, Transition(state, targets, initial=True, on=on or None))
        for arrow in described.arrows:
            self._add_way(described, arrow)
        for timer in described.timers:
            after: Any = timer.after
            if isinstance(after, str):
                self._owners.require(after, timer.place)
                after = self._owners.function(after)
            event = self._events.get(timer.event, timer.event)
            self.timers.append(Timer(state, after=after, event=event))

    def _add_way(self, described: Described, arrow: Arrow) -> None:
        names = arrow.events if arrow.is_timed else expanded(arrow, self._known)
        state = self._states[described.id]
        _add(
            state,
            Transition(
                state,
                [self._states[target] for target in arrow.targets],
                event=[self._event(name, timed=arrow.is_timed) for name in names] or None,
                internal=is_internal(arrow, described, self._described),
                cond=self._guards(arrow) or None,
                validators=self._calls(arrow.validators, arrow.place) or None,
                before=self._calls(arrow.before, arrow.place) or None,
                on=self._calls(arrow.on, arrow.place) or None,
                after=self._calls(arrow.after, arrow.place) or None,
            ),
        )

    def _event(self, name: str, *, timed: bool) -> Event:
        if name not in self._events:
            self._events[name] = Event(id=name, internal=timed or name in self._inner)
        return self._events[name]

    def _guards(self, arrow: Arrow) -> list[Call]:
        for guard in arrow.guards:
            if isinstance(guard, str):
                for name in names_in(guard):
                    self._owners.require(name, arrow.place)
        return arrow.guards

    def _calls(self, calls: list[Call], place: Place) -> list[Call]:
        for call in calls:
            if isinstance(call, str):
                self._owners.require(call, place)
        return calls


class _Owners:
    """The classes that have the methods which a document names."""

    def __init__(self, base: type[Chart[Any]], given: Mapping[str, object]) -> None:
        self._base = base
        self._given = given
        listeners: Any = given.get("listeners", ())
        owners = [base, *base._class_listeners, *listeners, base.model_class()]
        found = [attributes(owner) for owner in owners if owner is not None]
        self._known = None if None in found else {name for names in found for name in names or ()}

    def require(self, name: str, place: Place) -> None:
        """Raise DocumentRefused if nothing has a method of a name."""
        if self._known is None or name in self._known or name in self._given:
            return
        mine = set(dir(self._base)) - set(dir(Chart)) | set(self._given)
        like = nearest(name, mine)
        hint = f"did you mean {like!r}?" if like else "give it as methods={...}, or by a class as base"
        problem = f"it names {name!r}, and no class that was given has it: {hint}"
        raise place.refused(problem, missing=name)

    def function(self, name: str) -> Callable[..., Any]:
        """Return the function that a timer asks for its delay."""
        found: Callable[..., Any] = (
            self._given[name] if name in self._given else getattr(self._base, name)  # type: ignore[assignment]
        )
        return found


def _add(state: State, way: Transition) -> None:
    state.transitions.add_transitions(way)


def _outermost(state: Described) -> Described:
    while state.parent is not None:
        state = state.parent
    return state
