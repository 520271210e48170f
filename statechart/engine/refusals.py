"""The reasons of a refusal: the part of each guard that does not agree, in the guard's own words."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from inspect import getattr_static
from typing import TYPE_CHECKING, Any

from statemachine.callbacks import SpecReference
from statemachine.dispatcher import Listener, Listeners
from statemachine.spec_parser import build_expression, operator_mapping, replace_operators

from statechart.wording import refusal_of

if TYPE_CHECKING:
    from statemachine import Event, State, StateChart
    from statemachine.transition import Transition

    Machine = StateChart[Any]


def ways(event: Event, state: State) -> Iterator[Any]:  # Any: transitions with one target
    """Yield the transitions of an event from a state, in the order in which they are tried."""
    for transition in state.transitions:
        if event.id in [declared.id for declared in transition.events]:
            yield transition


def answers(
    machine: Machine, transition: Transition, payload: Mapping[str, Any]
) -> Iterator[tuple[Any, bool]]:
    """Ask each guard of a transition, and yield the guard with its answer."""
    known = _keywords(machine, transition, payload)
    for guard in machine._callbacks[transition.cond.key]:
        try:
            agrees = guard.call(**known)
        except Exception:  # firing the guard's own event raises it, but other events must not
            agrees = False
        yield guard, bool(agrees)


def ask(machine: Machine, transitions: Iterable[Transition], payload: Mapping[str, Any]) -> None:
    """Ask the guards of transitions as the engine does; raise the error of a guard."""
    for transition in transitions:
        known = _keywords(machine, transition, payload)
        machine._callbacks.all(transition.cond.key, **known)


def is_open(machine: Machine, transition: Transition, payload: Mapping[str, Any]) -> bool:
    """Return whether all guards of a transition agree."""
    return all(agrees for _, agrees in answers(machine, transition, payload))


def reason(machine: Machine, transition: Transition, payload: Mapping[str, Any]) -> str | None:
    """Return the reason of the first guard that refuses a transition, or None if all agree."""
    for guard, agrees in answers(machine, transition, payload):
        if not agrees:
            return _reason(machine, guard, _keywords(machine, transition, payload))
    return None


def _keywords(machine: Machine, transition: Transition, payload: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **payload,
        "machine": machine,
        "model": machine.model,
        "source": transition.source,
        "target": transition.target,
        "state": transition.source,
        "transition": transition,
        "event": next(iter(transition.events)),
    }


def _reason(machine: Machine, guard: Any, keywords: Mapping[str, Any]) -> str:
    spec = guard.meta
    if spec.reference is not SpecReference.NAME:
        return refusal_of(spec.attr_name, spec.func)
    expression = ast.parse(replace_operators(spec.func), mode="eval").body
    found = _Blame(machine, keywords).of(expression, wanted=spec.expected_value is not False)
    return " and ".join(dict.fromkeys(found)) or refusal_of(spec.func, None)


class _Blame:
    """Finds the parts of a guard's expression that keep it from the wanted answer."""

    def __init__(self, machine: Machine, keywords: Mapping[str, Any]) -> None:
        # The same objects, in the same order, as the engine looks names up in.
        self._owners = [machine, machine.model, *machine._listeners.values()]
        self._listeners = Listeners.from_listeners(Listener.from_obj(owner) for owner in self._owners)
        self._keywords = keywords

    def of(self, part: ast.expr, *, wanted: bool) -> list[str]:
        """Return the reasons why a part of the expression does not have the wanted answer."""
        match part:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self.of(operand, wanted=not wanted)
            case ast.BoolOp(op=op, values=parts):
                found = (self.of(each, wanted=wanted) for each in parts if self._answer(each) != wanted)
                # One part is enough to break an `and`, or to keep an `or` from being false.
                if isinstance(op, ast.And) == wanted:
                    return next(found, [])
                return [reason for reasons in found for reason in reasons]
            case ast.Name(id=name):
                return [refusal_of(name, self._attribute(name, wanted=wanted))]
            case _:
                return [refusal_of(ast.unparse(part), None)]

    def _answer(self, part: ast.expr) -> bool:
        asked = build_expression(part, self._callable, operator_mapping)
        return self._agrees(asked)

    def _callable(self, name: str) -> Any:
        def ask(**keywords: Any) -> Any:
            found = [build() for _, build in self._listeners.search_name(name)]  # type: ignore[no-untyped-call]
            answer: Any = True
            for each in found:
                answer = each(**keywords)
                if not answer:
                    break
            return answer

        ask.__name__ = name
        return ask

    def _agrees(self, asked: Any) -> bool:
        try:
            return bool(asked(**self._keywords))
        except Exception:  # as in `answers`
            return False

    def _attribute(self, name: str, *, wanted: bool) -> object | None:
        """Return the attribute that decides about a name: several objects may have one."""
        for owner in self._owners:
            listeners = Listeners.from_listeners([Listener.from_obj(owner)])
            for _, build in listeners.search_name(name):  # type: ignore[no-untyped-call]
                if self._agrees(build()) != wanted:
                    # Of the class first: a cached property is replaced by its value.
                    found: object = getattr_static(type(owner), name, None)
                    return getattr_static(owner, name, None) if found is None else found
        return None
