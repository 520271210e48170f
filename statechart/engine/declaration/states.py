"""The states of a chart as its class declares them: some in bodies of their own, around other states."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

from statemachine import Event, State as EngineState
from statemachine.exceptions import InvalidDefinition
from statemachine.state import AnyState, HistoryState as EngineHistoryState, NestedStateFactory, _ToState

from statechart.engine.declaration.members import Members, kind_of, replaced, transitions_of
from statechart.engine.effects import is_effect
from statechart.errors import ChartDefinitionError


class Ways(_ToState):
    """Makes transitions from a state."""

    def __call__(self, *states: EngineState | NestedStateFactory | list[Any] | None, **options: Any) -> Any:
        """Return transitions to states, to be joined by `|` and assigned to the name of their event.

        Args:
            states: The targets: a list for one transition to states of several regions, or None for one
                that neither leaves nor enters the state.
            options: Options of the engine's `Transition`: `cond`, `unless`, `on`, `internal` and others.
        """
        for state in states:
            for target in state if isinstance(state, list) else (state,):
                if not (target is None or isinstance(target, EngineState)):
                    hint = "give a transition the state itself"
                    if isinstance(target, type):
                        hint += f", and write class {target.__name__}(State.Compound)"
                    raise ChartDefinitionError(f"{target!r} is no state: {hint}")
        try:
            return super().__call__(*states, **options)  # type: ignore[arg-type]  # the engine takes lists
        except InvalidDefinition as error:
            raise ChartDefinitionError(
                "a transition is internal, and leads out of its state: leave `internal` away, or lead to a "
                "state within"
            ) from error

    def itself(self, **options: Any) -> Any:
        """Return a transition to the same state."""
        return super().itself(**options)  # type: ignore[no-untyped-call]  # of the engine


class NestedStates(NestedStateFactory):
    """Makes a state of a class body, around the states that the body declares.

    Checkers see a class, whose attributes are these states and events.
    """

    @classmethod
    def __prepare__(cls, _name: str, _bases: tuple[type, ...], /, **_options: Any) -> Members:
        return Members()

    def __new__(
        metacls, name: str, bases: tuple[type, ...], body: dict[str, Any], /, **options: Any
    ) -> Any:
        """Make the state."""
        for member, value in body.items() if bases else ():
            kind = kind_of(value)
            if kind in ("state", "event") and member in _OF_A_STATE:
                hint = (
                    "rename it" if kind == "state" else "rename it, or declare it in the body of the chart"
                )
                raise ChartDefinitionError(
                    f"state {name!r}: the {kind} {member!r} within it hides an attribute of State; {hint}"
                )
            if kind == "event" and any(isinstance(way.source, AnyState) for way in transitions_of(value)):
                raise ChartDefinitionError(
                    f"state {name!r}: the event {member!r} leads from any state, which is lost within a "
                    f"state: name the states that it leads from"
                )
        made: Any = super().__new__(metacls, name, bases, body, **options)
        if bases:
            if not made.states and not made.parallel:
                raise ChartDefinitionError(
                    f"state {name!r} is compound and has no states within it: put states into it, or "
                    "declare it by State()"
                )
            made.__class__ = State  # the engine's factory knows its own class only
            made._body = body
            for member, value in body.items():
                if kind_of(value) == "event":
                    setattr(made, member, value)  # for timers, effects and | in the bodies around it
        return made

    @property
    def to(cls) -> Ways:  # pyright: ignore[reportIncompatibleMethodOverride]  # of the engine's annotation
        """Make transitions from the state to others; for checkers, as a state has its own."""
        raise AttributeError("to")


class State(EngineState):
    """A state of a chart.

    `class open(State.Compound)` declares a state with states within it, of which one is active at a time;
    `class open(State.Parallel)` one whose states, its regions, are active side by side.
    """

    class Compound(metaclass=NestedStates):  # pyright: ignore[reportIncompatibleVariableOverride]
        """A state with states within it, of which one is active at a time."""

    class Parallel(metaclass=NestedStates, parallel=True):  # pyright: ignore[reportIncompatibleVariableOverride]
        """A state with states within it, which are active side by side."""

    @property
    def to(self) -> Ways:
        """Make transitions from the state to others."""
        return Ways(self)


class HistoryState(EngineHistoryState, State):
    """A state within another one that stands for the states which were active when that was left last.

    Args:
        name: The name for people.
        value: The name in records, by default that of the attribute.
        type: `"shallow"` for the states directly within, `"deep"` for all.
    """

    def __init__(
        self, name: str = "", value: str | None = None, type: Literal["shallow", "deep"] = "shallow"
    ) -> None:
        try:
            super().__init__(name=name, value=value, type=type)
        except ValueError as error:
            raise ChartDefinitionError(f"{error}: give 'shallow' or 'deep'") from error


StateLike: TypeAlias = "EngineState | NestedStates"
"""A state, or the class that a checker sees of a state around others."""

_OF_A_STATE = frozenset(dir(State()))


def problems(body: Mapping[str, object], base: type) -> Iterator[str]:
    """Yield the members in the bodies of states that are lost, a sentence each.

    Args:
        body: The body of the chart's class.
        base: The strict base class.
    """
    yield from _plain_classes("the chart", body)
    for place, inner in _bodies(body):
        yield from _plain_classes(f"state {place!r}", inner)
        for problem in replaced(inner):
            yield f"in the body of state {place!r}, {problem}"
        for name, member in inner.items():
            kind = "effect" if is_effect(member) else kind_of(member)
            lost = kind == "effect" or (kind not in ("state", "event") and hasattr(base, name))
            if lost and name[:2] != "__":
                hint = "declare it in the body of the chart"
                yield f"{kind} {name!r} is lost in the body of state {place!r}: {hint}"


def _plain_classes(place: str, body: Mapping[str, object]) -> Iterator[str]:
    for name, member in body.items():
        if isinstance(member, type) and not hasattr(member, "states_map"):
            held = [each for each, value in vars(member).items() if kind_of(value) in ("state", "event")]
            if held:
                yield (
                    f"class {name!r} in the body of {place} has {held[0]!r}, and is no state: write "
                    f"class {name}(State.Compound), or State.Parallel for regions"
                )


def _bodies(body: Mapping[str, object]) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield the bodies of states, each with the name of its state, in document order."""
    for name, member in body.items():
        inner = getattr(member, "_body", None) if isinstance(member, EngineState) else None
        if inner is not None:
            yield name, inner
            yield from _bodies(inner)


def flattened(body: Mapping[str, object]) -> dict[str, object]:
    """Return the members of a class body, with those in the bodies of its states."""
    inner = {name: member for _, each in _bodies(body) for name, member in each.items()}
    return {**inner, **body}


def show_events(states: Iterable[EngineState], declared: Mapping[str, Event]) -> None:
    """Give states the events that their bodies declare, as attributes: `Order.open.payment.pay`."""
    for state in states:
        for name, member in getattr(state, "_body", {}).items():
            if kind_of(member) == "event":
                found = declared.get(name) or declared.get(str(getattr(member, "id", "")))
                if found is not None:
                    setattr(state, name, found)
