"""The reasons of a refusal: the part of each guard that does not agree, in the guard's own words."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from inspect import getattr_static
from typing import Any

from statemachine.callbacks import SpecReference
from statemachine.dispatcher import Listener, Listeners
from statemachine.spec_parser import build_expression, operator_mapping, replace_operators

from statechart.engine.calls import Found, Lacking, Owners
from statechart.engine.declaration.hints import misfit, problem
from statechart.engine.program import Known, Step
from statechart.errors import InvalidPayload
from statechart.wording import comparison_reason, own_docstring, refusal_of, value_reason


def answers(owners: Owners, step: Step, payload: Mapping[str, Any]) -> Iterator[tuple[Found, bool]]:
    """Ask each guard of a transition, and yield the guard with its answer."""
    known = step.known(owners, payload, step.transition.source) if step.guards else {}
    for guard in step.guards:
        yield guard, _agrees(guard, owners, known)


def is_open(owners: Owners, step: Step, payload: Mapping[str, Any]) -> bool:
    """Return whether all guards of a transition agree, and it takes the types of a payload."""
    return (not payload or misfit(step.declared, payload) is None) and all(
        agrees for _, agrees in answers(owners, step, payload)
    )


def reason(owners: Owners, step: Step, payload: Mapping[str, Any]) -> str | None:
    """Return the reason of the first guard that refuses a transition, or None if all agree.

    A payload of another type than declared is a reason, too.
    """
    wrong = misfit(step.declared, payload) if payload else None
    if wrong is not None:
        why = problem(payload[wrong.name], wrong.annotation)
        return f"the payload {wrong.name} is of the type {type(payload[wrong.name]).__name__}: {why}"
    known = step.known(owners, payload, step.transition.source) if step.guards else {}
    for guard in step.guards:
        try:
            agrees = guard.agrees(owners, known)
        except Lacking as error:
            return f"the payload {', '.join(error.lacking)} is missing"
        except Exception:  # as in `answers`
            agrees = False
        if not agrees:
            return _reason(owners, guard.spec, known)
    return None


def require_fitting(chart: str, event: str, steps: Iterable[Step], payload: Mapping[str, Any]) -> None:
    """Check that at least one transition of an event takes the types of a payload.

    Raises:
        InvalidPayload: None does.
    """
    __tracebackhide__ = True
    wrong = None
    for step in steps:
        found = misfit(step.declared, payload)
        if found is None:
            return
        wrong = wrong or found
    if wrong is not None:
        value = payload[wrong.name]
        why = problem(value, wrong.annotation)
        raise InvalidPayload(chart, event, wrong.name, value, wrong.needed_by, why)


def _agrees(guard: Found, owners: Owners, known: Known) -> bool:
    try:
        return guard.agrees(owners, known)
    except Exception:  # firing the guard's own event raises it, but other events must not
        return False


def _reason(owners: Owners, spec: Any, known: Known) -> str:
    if spec.reference is SpecReference.CALLABLE:
        return refusal_of(spec.attr_name, spec.func)
    name = spec.func if spec.reference is SpecReference.NAME else spec.attr_name
    expression = ast.parse(replace_operators(name), mode="eval").body
    found = _Blame(owners, known).of(expression, wanted=spec.expected_value is not False)
    return " and ".join(dict.fromkeys(found)) or refusal_of(name, None)


class _Blame:
    """Finds the parts of a guard's expression that keep it from the wanted answer."""

    def __init__(self, owners: Owners, known: Known) -> None:
        self._owners = owners
        self._listeners = Listeners.from_listeners(Listener.from_obj(owner) for owner in owners)
        self._keywords = known

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
                return [self._told(name, wanted=wanted)]
            case ast.Compare():
                names = dict.fromkeys(each.id for each in ast.walk(part) if isinstance(each, ast.Name))
                values = {name: self._value(name) for name in names}
                return [comparison_reason(ast.unparse(part), values, holds=not wanted)]
            case ast.Call(args=[ast.Constant(value=str() as state)]):
                return [f"the state is {'not ' if wanted else ''}{state}"]
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

    def _value(self, name: str) -> object:
        try:
            return self._callable(name)(**self._keywords)
        except Exception as error:  # as in `answers`
            return error

    def _told(self, name: str, *, wanted: bool) -> str:
        """Return the reason of the attribute that decides about a name: several objects may have one."""
        for owner in self._owners:
            if name in dir(owner) and self._owner_agrees(owner, name) != wanted:
                # Of the class first: a cached property is replaced by its value.
                found: object = getattr_static(type(owner), name, None)
                found = getattr_static(owner, name, None) if found is None else found
                return self._words(name, owner, found)
        return refusal_of(name, None)

    def _owner_agrees(self, owner: object, name: str) -> bool:
        listeners = Listeners.from_listeners([Listener.from_obj(owner)])
        try:  # also to find a property calls it
            return all(build()(**self._keywords) for _, build in listeners.search_name(name))  # type: ignore[no-untyped-call]
        except Exception:  # as in `answers`
            return False

    def _words(self, name: str, owner: object, attribute: object) -> str:
        asked = callable(attribute) or isinstance(attribute, (staticmethod, classmethod))
        if asked or (own_docstring(attribute) or "").strip():
            return refusal_of(name, attribute)
        try:
            return value_reason(name, getattr(owner, name))
        except Exception:  # of a property, which is told as a guard that raises
            return refusal_of(name, attribute)
