"""The names in a chart: hooks that would never run, and guards that can't be found."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cached_property, partial, partialmethod
from keyword import iskeyword
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from statemachine.callbacks import SpecReference, allways_true
from statemachine.graph import iterate_states_and_transitions
from statemachine.spec_parser import names_in_boolean_expr, operator_mapping, parse_boolean_expr

from statechart.wording import nearest

if TYPE_CHECKING:
    from statemachine import StateChart

    AnyChart = type[StateChart[Any]]

_HOOK = re.compile(r"(on_enter_|on_exit_|before_|after_|on_)(.+)")
_SLIP = 0.75  # two names that are so alike are taken for one, misspelt


def problems(chart: AnyChart, base: AnyChart) -> Iterator[str]:
    """Yield the names in a chart that lead nowhere, a sentence each.

    The engine finds hooks by their names, so that a misspelt hook would never run. `base` is the strict
    base class.
    """
    mixins = [owner for owner in chart.__mro__[1:] if owner not in base.__mro__]
    hooks = {spec.attr_name for spec in all_specs(chart) if spec.is_convention}
    used = hooks | set(dir(base)) | set(_named(chart))
    given = [(spec.attr_name, spec.func) for spec in all_specs(chart)]
    for name, value in [*given, *(item for owner in (chart, *mixins) for item in vars(owner).items())]:
        for code in _codes(value):
            # A method may be called by another one, as helpers and template methods are.
            used |= {called for called in _called(code) if called != name}
    yield from _lost_hooks(chart, mixins, hooks, used)


def _lost_hooks(
    chart: AnyChart, mixins: Collection[type], hooks: Collection[str], used: Collection[str]
) -> Iterator[str]:
    listeners = [each if isinstance(each, type) else type(each) for each in chart._class_listeners]
    for owner in (chart, *mixins, *listeners):
        for name in _functions(owner):
            parts = _HOOK.fullmatch(name)
            if name in used or parts is None:
                continue
            prefix = parts[1]
            own = owner is chart
            known = {hook.removeprefix(prefix) for hook in hooks if hook.startswith(prefix)}
            like = nearest(parts[2], sorted(known), 0.6 if own else _SLIP)
            # Mixins and listeners may serve other charts as well, and `on_` begins other names as well.
            doubtful = not own or prefix == "on_"
            if like is not None and prefix + like not in vars(owner):
                yield f"{owner.__name__}.{name} is never called: did you mean {prefix}{like}?"
            elif not doubtful:
                what = "state" if prefix in ("on_enter_", "on_exit_") else "event"
                yield f"{owner.__name__}.{name} is never called, as no {what} has this name: rename it"


def unreadable(chart: AnyChart) -> Iterator[str]:
    """Yield the guards and hooks that are neither functions nor names nor expressions of names."""
    for spec in all_specs(chart):
        if spec.reference is not SpecReference.NAME:
            continue
        if not isinstance(spec.func, str):
            yield f"{spec.func!r} is neither a guard or hook nor the name of one"
            continue
        problem = _problem(spec.func) if spec.may_contain_boolean_expression else None
        if problem is not None:
            yield f"the guard {spec.func!r} can't be read ({problem}): use names, comparisons, and, or, not"


def _problem(expression: str) -> str | None:
    if iskeyword(expression):
        return "a word of Python"
    try:
        parse_boolean_expr(expression, lambda _: allways_true, operator_mapping)  # type: ignore[no-untyped-call]
    except SyntaxError as error:
        return error.msg
    except ValueError as error:
        return str(error)
    except KeyError:
        return "it has an operator such as `in`"  # by the engine, which looks its operators up
    return None


def names(spec: Any) -> set[str]:
    """Return the names that a guard or hook is given by."""
    if spec.reference is not SpecReference.NAME or not isinstance(spec.func, str):
        return set()
    return names_in_boolean_expr(spec.func) if spec.may_contain_boolean_expression else {spec.func}


def unbuilt(machine: StateChart[Any]) -> str:
    """Return the reason why a machine could not be built: names that nothing has."""
    owners = [machine, machine.model, *machine._listeners.values()]
    model = type(machine.model).__name__
    known = sorted({name for owner in owners for name in dir(owner) if name[0] != "_"})
    lost = dict.fromkeys(_unfound(type(machine), owners))
    likely = {name: nearest(name, known, _SLIP) for _, name in lost}
    return "; ".join(
        f"{place} names {name!r}, which neither the chart nor its listeners nor the model ({model}) has: "
        + (f"did you mean {likely[name]!r}?" if likely[name] else "define it, or correct the name")
        for place, name in lost
    )


def _unfound(chart: AnyChart, owners: Collection[object]) -> Iterator[tuple[str, str]]:
    for state in chart.states:
        places = [(f"{way.event} from {state.id}", way._specs) for way in state.transitions]
        for place, specs in [(f"state {state.id}", state._specs), *places]:
            found = {name for spec in specs if not spec.is_convention for name in names(spec)}
            for name in sorted(found):
                if not any(hasattr(owner, name) for owner in owners):
                    yield place, name


def all_specs(chart: AnyChart) -> Iterator[Any]:
    """Yield the engine's specifications of all guards and hooks of a chart."""
    yield from chart._specs
    for visited in iterate_states_and_transitions(chart.states):
        yield from visited._specs


def _named(chart: AnyChart) -> Iterator[str]:
    for spec in all_specs(chart):
        if not spec.is_convention:
            yield from names(spec) or {spec.attr_name}


def _functions(owner: type) -> Iterator[str]:
    """Yield the functions in the body of a class; not those that a decorator made a guard or hook."""
    for name, value in vars(owner).items():
        function = getattr(value, "__func__", value)
        if isinstance(function, FunctionType) and not hasattr(function, "attr_name"):
            yield name


def _codes(value: object) -> Iterator[CodeType]:
    """Yield the code of a function, or of the functions that a property or a decorator holds."""
    match value:
        case FunctionType():
            yield value.__code__
            yield from _codes(getattr(value, "__wrapped__", None))
        case staticmethod() | classmethod():
            yield from _codes(value.__func__)
        case property():
            for function in (value.fget, value.fset, value.fdel):
                yield from _codes(function)
        case cached_property() | partial() | partialmethod():
            yield from _codes(value.func)


def _called(code: CodeType) -> Iterator[str]:
    """Yield the names that code may call, also those that it gives to `getattr`."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, CodeType):
            yield from _called(constant)
