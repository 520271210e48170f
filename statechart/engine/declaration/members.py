"""The members of a chart's class body: those that replace or hide one another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cached_property, partial, partialmethod, singledispatchmethod
from types import FunctionType
from typing import TYPE_CHECKING, Any

from statemachine import Event, State
from statemachine.state import HistoryState
from statemachine.states import States
from statemachine.transition import Transition
from statemachine.transition_list import TransitionList

from statechart.engine.declaration.strict import OF_A_MACHINE
from statechart.tree import every_state, within

if TYPE_CHECKING:
    from statemachine import StateChart

    AnyChart = type[StateChart[Any]]

_METHODS = (FunctionType, staticmethod, classmethod, partial, partialmethod, singledispatchmethod)


class Members(dict[str, object]):
    """The namespace of a class body, which notes the members that replace one another."""

    def __init__(self) -> None:
        super().__init__()
        self.replaced: dict[str, tuple[object, object]] = {}

    def __setitem__(self, name: str, value: object) -> None:
        if name == "_" and _is_default(value):
            return  # `_ = past.to(...)` is python-statemachine's own way to write it, and no event
        old = self.get(name)
        # Nobody calls `_` by its name, but the engine finds decorated hooks by theirs.
        unnamed = name[:2] == "__" or (name == "_" and not hasattr(old, "attr_name"))
        if name in self and not unnamed and not _made_from(value, old):
            self.replaced.setdefault(name, (old, value))
        super().__setitem__(name, value)

    def __delitem__(self, name: str) -> None:
        self.replaced.pop(name, None)  # such as the variable of a loop over states
        super().__delitem__(name)


def replaced(body: Mapping[str, object]) -> Iterator[str]:
    """Yield the members of a class body that another member of this name replaced, a sentence each."""
    lost: Mapping[str, tuple[object, object]] = getattr(body, "replaced", {})
    for name, (old, new) in lost.items():
        before, after = kind_of(old), kind_of(new)
        if before == after == "event":
            yield f"event {name!r} is declared twice, and the first is lost: join their transitions with |"
        elif before == after != "attribute":
            yield f"{before} {name!r} is declared twice, and the first is lost: rename or remove one"
        elif before != after:
            yield f"{after} {name!r} replaces the {before} of this name, which is lost: rename one"


_OWNER = "_chart"  # of a state: the name of its chart


def borrowed(body: Mapping[str, object]) -> Iterator[str]:
    """Yield the states of a class body that another chart has already, a sentence each.

    A transition of one chart would be one of the other as well.
    """
    for state in _states_of(body):
        owner = vars(state).get(_OWNER)
        if owner is not None and not any(_OWNER in vars(around) for around in state.ancestors()):
            yield f"state {state.id!r} is one of the chart {owner}: declare one for each chart"


def adopt(body: Mapping[str, object], chart: str) -> None:
    """Note the chart of the states in a class body that was accepted."""
    for state in _states_of(body):
        setattr(state, _OWNER, chart)


def _states_of(body: Mapping[str, object]) -> Iterator[State]:
    for member in body.values():
        if isinstance(member, State):
            yield from within(member)
        elif isinstance(member, States):
            yield from member


def hidden(chart: AnyChart, base: AnyChart, body: Mapping[str, object]) -> Iterator[str]:
    """Yield the states and events that hide a member of the class or of its mixins, a sentence each.

    `base` is the strict base class, and `body` is the namespace of the chart's class body.
    """
    mixins = [owner for owner in chart.__mro__[1:] if owner not in base.__mro__]
    declared = [("state", state.id) for state in every_state(chart)]
    declared += [("event", event.id) for event in chart._events]
    for kind, name in declared:
        own = kind_of(body.get(name, chart))
        # With States.from_enum and Event(id=...), the name is not the one that the body assigns.
        if name in body and own not in ("state", "event"):
            yield f"{kind} {name!r} and the {own} of this name hide one another: rename one"
        for owner in mixins:
            other = vars(owner).get(name)
            if other is not None:
                yield f"{kind} {name!r} hides the {kind_of(other)} {owner.__name__}.{name}: rename one"
    for name, member in [*body.items(), *(each for owner in mixins for each in vars(owner).items())]:
        # Whoever overrides a public method means it; a private one of the base is hidden by chance.
        private = name[0] == "_" and name[:2] != "__" and kind_of(member) in ("method", "property")
        if private and (hasattr(base, name) or name in OF_A_MACHINE):
            yield f"{name!r} hides an attribute of Chart; rename it"


def ambiguous(chart: AnyChart) -> Iterator[str]:
    """Yield the hooks that belong to two states or events by their names, a sentence each."""
    owners: dict[str, str] = dict.fromkeys(_GENERIC, "every state or event")
    states = {state.id: f"state {state.id!r}" for state in every_state(chart)}
    events = {event.id: f"event {event.id!r}" for event in chart._events}
    hooks = [(f"on_{way}_{name}", owner) for name, owner in states.items() for way in ("enter", "exit")]
    hooks += [(f"{way}_{name}", owner) for name, owner in events.items() for way in _WAYS]
    shared: dict[tuple[str, str], str] = {}
    for hook, owner in hooks:
        if hook in owners:
            shared.setdefault((owner, owners[hook]), hook)
        owners[hook] = owner
    for (owner, other), hook in shared.items():
        yield f"{owner} shares the hook {hook} with {other}: rename it"
    for name, owner in (states | events).items():
        if name in owners:
            yield f"{owner} has the name of a hook of {owners[name]}: rename it"


_WAYS = ("before", "on", "after")
_GENERIC = ("on_enter_state", "on_exit_state", *(f"{way}_transition" for way in _WAYS), "prepare_event")


def kind_of(member: object) -> str:
    """Return the kind of a member of a class body, in a word."""
    match member:
        case State():
            return "state"
        case Event() | Transition() | TransitionList():
            return "event"
        case States():
            return "group of states"
        case property() | cached_property():
            return "property"
        case _ if isinstance(member, _METHODS):
            # A function that transitions decorate is their event as well.
            return "event" if getattr(member, "is_event", False) else "method"
        case _:
            return "attribute"


def _is_default(member: object) -> bool:
    """Return whether a member is the transition that says where a history state leads at first."""
    ways = transitions_of(member)
    return bool(ways) and all(isinstance(way.source, HistoryState) for way in ways)


def _made_from(new: object, old: object, depth: int = 3) -> bool:
    """Return whether a member contains another, as decorators, setters and `|` make it."""
    if new is old or getattr(old, "__name__", None) == "_overload_dummy":
        return True
    if isinstance(old, property) and isinstance(new, property):
        return new.fget is old.fget or _made_from(new.fget, old)
    ways = transitions_of(old)
    if ways:
        return {id(way) for way in ways} <= {id(way) for way in transitions_of(new)}
    return depth > 0 and any(_made_from(part, old, depth - 1) for part in _parts(new))


def transitions_of(member: object) -> list[Transition]:
    """Return the transitions of an event in a class body."""
    match member:
        case Event():
            return transitions_of(member._transitions)
        case Transition():
            return [member]
        case TransitionList():
            return list(member)
        case _:
            return []


def _parts(member: object) -> Iterator[object]:
    match member:
        case property():
            yield from (member.fget, member.fset, member.fdel)
        case FunctionType():
            yield getattr(member, "__wrapped__", None)
            for cell in member.__closure__ or ():
                with suppress(ValueError):  # of a cell that is empty yet
                    yield cell.cell_contents
        case staticmethod() | classmethod():
            yield member.__func__
        case partial() | partialmethod() | cached_property() | singledispatchmethod():
            yield member.func
