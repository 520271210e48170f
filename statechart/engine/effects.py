"""Declare after-effects: methods of a chart that are run, at least once, for each recorded transition."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, overload

from statemachine import Event, State
from statemachine.transition_list import TransitionList

from statechart.engine.payload import RESERVED
from statechart.engine.values import state_of
from statechart.errors import ChartDefinitionError, MissingPayload
from statechart.tree import every_state
from statechart.wording import nearest, state_text

if TYPE_CHECKING:
    from statemachine import StateChart

    AnyChart = type[StateChart[Any]]

Occasion: TypeAlias = Event | State | TransitionList | Enum | type | str
"""An event or a state that makes an effect due: as declared, or by its name; checkers see a state that has
states within it as a class."""

MethodT = TypeVar("MethodT", bound=Callable[..., Any])

GIVEN = ("model", "key", "name", "event", "from_state", "to_state", "repository")
"""The keywords that an effect is given if it names them, beside those of the payload."""

_MARK = "__statechart_effect__"
_DONE = "done_state_"  # in the name of an attribute; records have dots instead
_GENERIC = frozenset(("after_transition", "on_enter_state"))
_BEFORE = ("before_", "on_exit_", "on_")
_SLIP = 0.75  # two names that are so alike are taken for one, misspelt


@dataclass(frozen=True, slots=True)
class _Mark:
    of: tuple[object, ...]
    name: str | None


@dataclass(frozen=True, slots=True)
class Effect:
    """An effect as its chart declares it.

    Attributes:
        method: The method of the chart.
        name: The name in records and keys.
        events: The events that make the effect due.
        states: The states, by their texts, that make the effect due when they are entered.
        takes: The keywords that the method names.
        needs: Those of these without a default value.
        takes_all: Whether the method takes every keyword of the payload.
    """

    method: str
    name: str
    events: frozenset[str]
    states: frozenset[str]
    takes: frozenset[str]
    needs: frozenset[str]
    takes_all: bool = False

    def is_due(self, event: str, to_state: str) -> bool:
        """Return whether a transition makes the effect due."""
        return event in self.events or to_state in self.states

    @property
    def payload_needed(self) -> frozenset[str]:
        """The payload keywords without which the method can't be called."""
        return self.needs.difference(GIVEN)

    def payload(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parts of a payload that the method takes."""
        return {
            name: part
            for name, part in given.items()
            if name not in GIVEN and (self.takes_all or name in self.takes)
        }


@overload
def effect(
    occasion: Occasion, /, *more: Occasion, name: str | None = None
) -> Callable[[MethodT], MethodT]: ...


@overload
def effect(method: MethodT, /) -> MethodT: ...


@overload
def effect(*, name: str | None = None) -> Callable[[MethodT], MethodT]: ...


def effect(*of: Any, name: str | None = None) -> Any:
    """Mark a method of a chart as an after-effect, which is not lost.

    The transition's record names the effects that are due. `ChartRepository.run_effects` runs each at
    least once, after the commit, and records that it is done. The method gets the keywords that it
    names: model (the recorded value after the transition), key (equal whenever this effect is repeated),
    name, event, from_state, to_state, repository, and those of the recorded payload.

    Args:
        of: The events that make the effect due, and the states, when they are entered. Without any, a
            method called `after_<event>` or `on_enter_<state>` belongs to that, and any other method to
            every transition.
        name: The name in records, by default the method's; keep the old name when a method is renamed.

    Raises:
        ChartDefinitionError: The decorator is not on a method.
    """
    if len(of) == 1 and _is_method(of[0]):
        return _marked(of[0], _Mark((), name))
    return lambda method: _marked(method, _Mark(of, name))


def _is_method(value: object) -> bool:
    # A method that is decorated with a transition declares an event.
    return isinstance(value, (FunctionType, staticmethod, classmethod)) and not hasattr(value, "attr_name")


def _marked(method: Any, mark: _Mark) -> Any:
    if not _is_method(method):
        what = getattr(method, "__name__", None) or f"a {type(method).__name__}"
        raise ChartDefinitionError(f"@effect marks a method of a chart, and {what} is none")
    setattr(_function(method), _MARK, mark)
    return method


def _function(method: Any) -> Any:
    return getattr(method, "__func__", method)


def is_effect(value: object) -> bool:
    """Return whether an attribute of a class is an effect."""
    return hasattr(_function(value), _MARK)


def marked_names(owner: type) -> list[str]:
    """Return the methods of a class and its bases that are effects, as declared, those of bases first."""
    names = dict.fromkeys(
        name for base in reversed(owner.__mro__) for name, value in vars(base).items() if is_effect(value)
    )
    return [name for name in names if is_effect(inspect.getattr_static(owner, name))]


def effects_of(chart: AnyChart, attrs: Mapping[str, object]) -> tuple[tuple[Effect, ...], list[str]]:
    """Return the effects of a chart, in the order of declaration, and what is wrong with others.

    Args:
        chart: The class, with its states and events.
        attrs: The attributes of the class as they were in its body.
    """
    found: list[Effect] = []
    problems: list[str] = []
    for method in marked_names(chart):
        try:
            found.append(_effect(chart, method, attrs))
        except ChartDefinitionError as error:
            problems.append(str(error))
    for method, value in attrs.items():
        if is_effect(value) and not is_effect(inspect.getattr_static(chart, method, None)):
            problems.append(f"effect {method} has a name that each chart uses itself: rename it")
    names = [each.name for each in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    problems += [f"two effects have the name {name!r}" for name in twice]
    return tuple(found), [*problems, *_elsewhere(chart)]


def _elsewhere(chart: AnyChart) -> Iterator[str]:
    for listener in chart._class_listeners:
        owner = listener if isinstance(listener, type) else type(listener)
        for name in marked_names(owner):
            yield f"{owner.__name__}.{name} is an effect, which only the chart may have: move it there"


def _effect(chart: AnyChart, method: str, attrs: Mapping[str, object]) -> Effect:
    declared = inspect.getattr_static(chart, method)
    function = _function(declared)
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise ChartDefinitionError(
            f"effect {method} is async, but effects are called without a loop: call asyncio.run in it"
        )
    if inspect.isgeneratorfunction(function):
        raise ChartDefinitionError(f"effect {method} has a yield, and would not run when it is called")
    mark: _Mark = getattr(function, _MARK)
    events, states = _occasions(chart, method, mark.of, attrs)
    events |= {f"done.state.{each.removeprefix(_DONE)}" for each in events if each.startswith(_DONE)}
    takes, needs, takes_all = _parameters(method, declared)
    found = Effect(method, mark.name or method, events, states, takes, needs, takes_all)
    choice = getattr(chart, "record_payload", True)
    left_out = choice if isinstance(choice, Collection) else ()
    unrecorded = sorted(each for each in found.payload_needed if choice is False or each in left_out)
    if unrecorded:
        raise ChartDefinitionError(
            f"effect {method} takes the payload {', '.join(unrecorded)}, which record_payload leaves out"
        )
    return found


def _parameters(method: str, declared: object) -> tuple[frozenset[str], frozenset[str], bool]:
    parameters = list(inspect.signature(_function(declared)).parameters.values())
    if not isinstance(declared, staticmethod):
        parameters = parameters[1:]  # self
    named = [each for each in parameters if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
    for each in named:
        _require_given(method, each.name)
    takes = frozenset(each.name for each in named)
    needs = frozenset(each.name for each in named if each.default is each.empty)
    return takes, needs, any(each.kind is each.VAR_KEYWORD for each in parameters)


def _require_given(method: str, keyword: str) -> None:
    """Raise ChartDefinitionError if an effect takes a keyword that it can't be given."""
    given = ", ".join(GIVEN)
    like = None if keyword in GIVEN else nearest(keyword, GIVEN, _SLIP)
    if like is not None:
        raise ChartDefinitionError(f"effect {method} takes {keyword!r}: did you mean {like!r}?")
    if keyword in RESERVED and keyword not in GIVEN:
        raise ChartDefinitionError(
            f"effect {method} takes {keyword!r}, which only guards and hooks are given: "
            f"effects are given {given}, and the payload"
        )


def _occasions(
    chart: AnyChart, method: str, of: tuple[object, ...], attrs: Mapping[str, object]
) -> tuple[frozenset[str], frozenset[str]]:
    if not of:
        return _named_after(chart, method)
    events: set[str] = set()
    states: set[str] = set()
    for occasion in of:
        state = _state(chart, occasion)
        found = () if state is not None else _events(chart, occasion, attrs)
        if state is not None:
            states.add(state_text(state.value))
        elif found:
            events.update(found)
        else:
            raise ChartDefinitionError(f"effect {method} names {_unknown(chart, occasion)}")
    return frozenset(events), frozenset(states)


def _named_after(chart: AnyChart, method: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the event or state that a method is named after, or every event."""
    events = {event.id: event.id for event in chart._events}
    states = {state.id: state_text(state.value) for state in _enterable(chart)}
    for prefix, known in (("after_", events), ("on_enter_", states)):
        rest = method.removeprefix(prefix)
        if rest == method or method in _GENERIC:
            continue
        if rest not in known:
            like = nearest(rest, known)
            what = "event" if known is events else "state"
            hint = f"did you mean {prefix}{like}?" if like else "rename it, or give @effect its events"
            raise ChartDefinitionError(f"effect {method} is named after no {what}: {hint}")
        if known is events:
            return frozenset((rest,)), frozenset()
        return frozenset(), frozenset((states[rest],))
    for prefix in _BEFORE:
        rest = method.removeprefix(prefix)
        if rest != method and (rest in events or rest in states) and method not in _GENERIC:
            after = f"after_{rest}" if rest in events else f"on_enter_{rest}"
            raise ChartDefinitionError(
                f"effect {method} would run after the commit: call it {after}, or give @effect its events"
            )
    return frozenset(events), frozenset()


def _state(chart: AnyChart, occasion: object) -> State | None:
    if isinstance(occasion, State):
        return next((state for state in _enterable(chart) if state is occasion), None)
    if isinstance(occasion, (Event, TransitionList)) or callable(occasion):
        return None
    by_name = next((state for state in _enterable(chart) if state.id == occasion), None)
    is_event = any(event.id == occasion for event in chart._events)
    return None if is_event else by_name or state_of(chart.states_map, occasion)


def _enterable(chart: AnyChart) -> list[State]:
    """Return the states of a chart that are entered themselves, unlike history states."""
    return [state for state in every_state(chart) if not state.is_history]


def _events(chart: AnyChart, occasion: object, attrs: Mapping[str, object]) -> frozenset[str]:
    known = {event.id for event in chart._events}
    # In the body of a class, an event is still the list of its transitions, and has no name.
    named = {key for key, value in attrs.items() if value is occasion}
    if isinstance(occasion, str):
        named.add(str(occasion))
    return frozenset(named & known)


def _unknown(chart: AnyChart, occasion: object) -> str:
    name = str(occasion.id if isinstance(occasion, State) else occasion)
    if isinstance(occasion, TransitionList):
        return "transitions that are no event of the chart: give the event, or its name"
    known = [event.id for event in chart._events] + [state.id for state in _enterable(chart)]
    like = nearest(name, known)
    hint = f"did you mean {like!r}?" if like else f"known are {', '.join(known)}"
    return f"{name!r}, which is neither an event nor a state: {hint}"


def due_of(effects: Iterable[Effect], event: str, to_state: str) -> list[Effect]:
    """Return the effects that a transition makes due, in the order of declaration."""
    return [each for each in effects if each.is_due(event, to_state)]


def taken_by(effects: Iterable[Effect]) -> frozenset[str] | None:
    """Return the keywords that effects may take from a payload; None if any takes all."""
    found: frozenset[str] = frozenset()
    for each in effects:
        if each.takes_all:
            return None
        found |= each.takes.difference(GIVEN)
    return found


def named(due: Iterable[Effect], payload: Mapping[str, Any], *, chart: str, event: str) -> tuple[str, ...]:
    """Return the names of effects that are due, which find in the payload what they need.

    Raises:
        MissingPayload: The payload lacks a keyword.
    """
    names = []
    for each in due:
        lacking = sorted(each.payload_needed - payload.keys())
        if lacking:
            raise MissingPayload(chart, event, f"effect {each.name}", lacking, payload)
        names.append(each.name)
    return tuple(names)
