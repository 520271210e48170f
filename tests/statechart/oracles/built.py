"""Classes of charts, models and listeners, built from charts that are plain data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import count
from types import SimpleNamespace
from typing import Any

from statemachine import Event, State, StateChart
from statemachine.event_data import EventData
from statemachine.state import HistoryState
from statemachine.transition import Transition as EngineTransition
from statemachine.transition_list import TransitionList

from statechart import Chart, Configuration
from tests.statechart.oracles.declared import (
    CHART,
    DONE_DATA,
    LISTENER,
    MODEL,
    NOBODY,
    OWNERS,
    RAISED,
    SECOND,
    Both,
    Callback,
    Compared,
    Declared,
    Either,
    Given,
    Guard,
    In,
    Itself,
    Named,
    Node,
    Not,
    Step,
    Way,
    answer,
    behave,
)
from tests.statechart.oracles.naive import Call, Endless

_numbers = count()
MANY = 10_000
"""The calls after which a machine is taken for one that does not come to rest."""
STRICT = {
    "allow_event_without_transition": False,
    "catch_errors_as_events": False,
    "atomic_configuration_update": True,
    "validate_disconnected_states": False,
    "validate_trap_states": False,
    "validate_final_reachability": False,
}
"""The flags under which python-statemachine is compared, and charts are built that it would refuse."""


class World:
    """What callbacks of one built chart share: the step under way, and the calls made."""

    def __init__(self) -> None:
        self.step = Step("__initial__")
        self.calls: list[Call] = []
        self.machine: Any = None
        self.ids: Mapping[object, str] = {}
        self.total_of: Callable[[], Any] = lambda: self.machine.model

    def called(
        self,
        callback: Callback,
        owner: Any,
        arguments: dict[str, Any],
        raises: Callable[..., Any] | None = None,
    ) -> object:
        told = {name: self._plain(value) for name, value in arguments.items() if name != "rest"}
        told |= {f"**{name}": self._plain(value) for name, value in arguments.get("rest", {}).items()}
        self.calls.append((callback.label, tuple(sorted(told.items())), self._seen()))
        if len(self.calls) > MANY:  # python-statemachine has no limit
            raise Endless
        if callback.adds:
            model = owner if callback.owner == MODEL else arguments.get("model")
            (owner.model if callback.owner == CHART else model).total += 1
        if callback.raises is not None and raises is not None:
            raises(callback.raises, **RAISED)
        answer = behave(self.step, callback.label)
        return dict(DONE_DATA) if callback.gives else answer

    def commit(self) -> None:
        behave(self.step, "commit")

    def _seen(self) -> tuple[str, ...]:
        # Nothing has the machine while it is built.
        held = None if self.machine is None else self.machine.model.state
        if isinstance(held, Configuration):
            return held.active
        values = held if isinstance(held, Iterable) and not isinstance(held, str) else [held]
        return () if held is None else tuple(self.ids[value] for value in values)

    def _plain(self, value: Any) -> object:
        match value:
            case EventData():
                states = (value.source, value.target, value.state)
                event = None if value.event is None else str(value.event)
                return (event, *(state.id if state else "" for state in states))
            case EngineTransition():
                return f"{value.source.id}->{','.join(target.id for target in value.targets)}"
            case State():
                return value.id
            case StateChart():
                return "machine"
            case Event():
                return str(value)
            case _ if hasattr(value, "total"):
                return "model"
            case str() | int() | None:
                return value
            case _:
                return [state.id for state in value]


def function_of(callback: Callback, world: World) -> Callable[..., Any]:
    """Make a real function, with the parameters of a callback."""
    default = "='-'" if callback.style == "optional" else ""
    parameters = [f"{name}{default}" for name in callback.takes]
    if callback.style == "keyword" and parameters:
        parameters.insert(0, "*")
    if callback.style == "rest":
        parameters.append("**rest")
    if callback.owner != NOBODY:
        parameters.insert(0, "self")
    owner = "None" if callback.owner == NOBODY else "self"
    names = [*callback.takes, *(["rest"] if callback.style == "rest" else [])]
    arguments = ", ".join(f"{name!r}: {name}" for name in names)
    source = f"def {callback.name}({', '.join(parameters)}):\n"
    # A chart reads in the code of its hooks whether they raise events.
    raises = "" if callback.raises is None else ", self.raise_"
    source += f"    return _world.called(_callback, {owner}, {{{arguments}}}{raises})\n"
    namespace: dict[str, Any] = {"_world": world, "_callback": callback}
    exec(source, namespace)  # a signature can't be made otherwise
    made: Callable[..., Any] = namespace[callback.name]
    # The engine keeps signatures by qualified name and variables.
    made.__qualname__ = f"{callback.owner}_{next(_numbers)}.{callback.name}"
    return made


class Built:
    """A class of charts with its model and listeners, and a machine of it."""

    def __init__(
        self, declared: Declared, base: type[StateChart[Any]], *, unchecked: bool | None = None
    ) -> None:
        self.world = World()
        self._unchecked = base is StateChart if unchecked is None else unchecked
        self.declared = declared
        self._functions: dict[Callback, Callable[..., Any]] = {}
        self._number = next(_numbers)
        self.model = self._object(MODEL)
        self.cls: Any = self._class(base)
        self.world.ids = {state.value: state.id for state in self.cls.states_map.values()}

    def value_of(self, leaf: str) -> object:
        return next(value for value, name in self.world.ids.items() if name == leaf)

    @property
    def state(self) -> str:
        """The identifier of the state that the model is in."""
        return self.world.ids[self.model.state]

    def prepare(self, step: Step) -> None:
        """Set the answers of the model's attributes for the next event."""
        self.world.step = step
        for attribute in self.declared.attributes:
            if attribute.owner == MODEL:
                setattr(self.model, attribute.name, answer(step, attribute.label))

    # -- parts -----------------------------------------------------------------------------------

    def _members(self, owner: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for callback in self.declared.callbacks:
            if callback.owner == owner:
                found[callback.name] = self._function(callback)
        for attribute in self.declared.attributes:
            if attribute.owner == owner and owner != MODEL:
                found[attribute.name] = property(
                    lambda _, label=attribute.label: answer(self.world.step, label)
                )
        return found

    def _object(self, owner: str) -> Any:
        base = SimpleNamespace if owner == MODEL else object
        made = type(f"{owner.title()}{self._number}", (base,), self._members(owner))()
        if owner == MODEL:
            made.state, made.total = None, 0
            for attribute in self.declared.attributes:
                if attribute.owner == MODEL:
                    setattr(made, attribute.name, True)
        return made

    def _function(self, callback: Callback) -> Callable[..., Any]:
        if callback not in self._functions:
            self._functions[callback] = function_of(callback, self.world)
        return self._functions[callback]

    def _class(self, base: type[StateChart[Any]]) -> Any:
        attributes = self._members(CHART)
        attributes["listeners"] = [type(self._object(LISTENER)), self._object(SECOND)]
        if self._unchecked:
            attributes |= STRICT
            attributes["_is_loaded"] = True  # not looked at for mistakes, which random charts are full of
        states = {node.id: self._state(node, first=not n) for n, node in enumerate(self.declared.nodes)}
        self._states: dict[str, State] = {}
        self._index(self.declared.nodes, states)
        attributes |= states
        for node in self.declared.all_nodes():
            if node.is_history and node.default is not None:
                self._states[node.id].to(self._states[node.default])
        ways = {way: self._way(way) for way in self.declared.ways}
        for event in self.declared.events:
            self._declare(
                event, [ways[way] for way in self.declared.ways if event in way.events], attributes
            )
        for node in self.declared.all_nodes():
            for given in node.given:
                if _is_decorated(given):
                    name, function = given.what.name, self._function(given.what)  # type: ignore[union-attr]
                    attributes[name] = getattr(self._states[node.id], given.group)(function)
        return type(base)(f"Chart{self._number}", (base,), attributes)

    def _declare(self, event: str, ways: list[Any], attributes: dict[str, Any]) -> None:
        style = self.declared.styles.get(event, "plain")
        if style == "inline":
            return
        union = ways[0]
        for way in ways[1:]:
            union = union | way
        if style == "Event":
            union = Event(union)
        elif style == "id":
            union = Event(union, id=event, name=f"The event {event}")
        attributes[f"{event}_event" if style == "id" else event] = union
        for given in self.declared.decorated.get(event, ()):
            assert isinstance(given.what, Callback)
            attributes[given.what.name] = getattr(union, given.group)(self._function(given.what))

    def _state(self, node: Node, *, first: bool = False) -> State:
        given = {
            group: [
                self._given(each) for each in node.given if each.group == group and not _is_decorated(each)
            ]
            for group in ("enter", "exit")
        }
        more = {group: hooks for group, hooks in given.items() if hooks}
        if node.is_history:
            return HistoryState(type=node.kind)
        if not node.children:
            return State(value=node.value, initial=first, final=node.kind == "final", **more)
        body = State.Parallel if node.kind == "parallel" else State.Compound
        leading = node.default or next(each.id for each in node.children if not each.is_history)
        children = {
            each.id: self._state(each, first=node.kind == "compound" and each.id == leading)
            for each in node.children
        }
        made: State = type(body)(node.id, (body,), children, **more)  # type: ignore[assignment]
        made._initial = first
        return made

    def _index(self, nodes: Iterable[Node], states: Mapping[str, State]) -> None:
        for node in nodes:
            self._states[node.id] = states[node.id]
            children = [*states[node.id].states, *states[node.id].history]
            self._index(node.children, {state.id: state for state in children})

    def _way(self, way: Way) -> Any:
        keywords: dict[str, Any] = {}
        for condition in way.conditions:
            keywords.setdefault("cond" if condition.wanted else "unless", []).append(
                self._condition(condition.guard)
            )
        for given in way.given:
            keywords.setdefault(given.group, []).append(self._given(given))
        inline = [event for event in way.events if self.declared.styles.get(event) == "inline"]
        if inline:
            keywords["event"] = " ".join(inline)
        if way.internal:
            keywords["internal"] = True
        source, targets = self._states[way.source], [self._states[target] for target in way.targets]
        if len(targets) == 1:
            return source.to(*targets, **keywords)
        made = TransitionList([EngineTransition(source, targets, **keywords)])
        source.transitions.add_transitions(made)
        return made

    def _given(self, given: Given) -> Any:
        return given.what if isinstance(given.what, str) else self._function(given.what)

    def _condition(self, guard: Guard) -> Any:
        return self._function(guard.function) if isinstance(guard, Itself) else expression(guard)


def expression(guard: Guard) -> str:
    """Return a guard as the text of an expression."""
    match guard:
        case Named(name):
            return name
        case Not(part):
            return f"not ({expression(part)})"
        case Both(left, right):
            return f"({expression(left)}) and ({expression(right)})"
        case Either(left, right):
            return f"({expression(left)}) or ({expression(right)})"
        case Compared(name, sign, number):
            return f"{name} {sign} {number}"
        case In(state):
            return f"In('{state}')"
        case Itself(function):
            raise TypeError(f"{function.label} is no part of an expression")


def _is_decorated(given: Given) -> bool:
    return isinstance(given.what, Callback) and given.what.owner == CHART


class EngineRun:
    """A chart run by python-statemachine itself, with a last listener in the place of the commit."""

    def __init__(self, declared: Declared) -> None:
        self.built = Built(declared, StateChart)
        world = self.built.world

        def commit(_self: object, event: str) -> None:
            if event != "__initial__":
                world.commit()

        hooks = {f"on_enter_{node.id}": commit for node in declared.all_nodes()}
        last = type(f"Last{next(_numbers)}", (), hooks)()
        self.machine = self.built.cls(self.built.model, listeners=[last])
        world.machine = self.machine

    def fire(self, step: Step) -> None:
        self.built.prepare(step)
        self.machine.send(step.event, **step.payload)


class ChartRun:
    """A chart run by `Chart.fire`."""

    def __init__(self, declared: Declared, first: Step | None = None) -> None:
        self.built = Built(declared, Chart, unchecked=first is not None)
        if first is not None:
            self.built.prepare(first)
        self.machine = self.built.cls(self.built.model, commit=_Commit(self.built.world))
        self.built.world.machine = self.machine

    def fire(self, step: Step) -> None:
        self.built.prepare(step)
        self.machine.fire(self.built.cls.event(step.event), **step.payload)


class _Commit:
    committed = False

    def __init__(self, world: World) -> None:
        self._world = world

    def __call__(self, _transition: object) -> dict[str, object]:
        self._world.commit()
        return {}


__all__ = ["OWNERS", "Built", "ChartRun", "EngineRun", "World", "expression"]
