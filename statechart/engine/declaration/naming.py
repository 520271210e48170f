"""The names in a chart: hooks that would never run, and guards that can't be found."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from functools import partial, partialmethod
from keyword import iskeyword
from types import FunctionType
from typing import TYPE_CHECKING, Any

from statemachine import Event, State
from statemachine.callbacks import SpecReference, allways_true
from statemachine.graph import iterate_states_and_transitions
from statemachine.spec_parser import operator_mapping, parse_boolean_expr, replace_operators

from statechart.engine.attributes import attributes, called, codes
from statechart.engine.effects import marked_names
from statechart.tree import every_state
from statechart.wording import nearest

if TYPE_CHECKING:
    from statemachine import StateChart

    AnyChart = type[StateChart[Any]]

_HOOK = re.compile(r"(on_enter_|on_exit_|before_|after_|on_)(.+)")
_OTHER_WORDS = re.compile(r"on_(?:(leave|left|leaving|exited)|entry|entered|entering)_(.+)|prepare_(.+)")
_SLIP = 0.75  # two names that are so alike are taken for one, misspelt


def problems(chart: AnyChart, base: AnyChart, model: object = None) -> Iterator[str]:
    """Yield the names in a chart that lead nowhere, a sentence each.

    The engine finds hooks by their names, so that a misspelt hook would never run. `base` is the strict
    base class, and `model` the class of the chart's models, or None if unknown.
    """
    mixins = [owner for owner in chart.__mro__[1:] if owner not in base.__mro__]
    hooks = {spec.attr_name for spec in all_specs(chart) if spec.is_convention}
    hooks -= {f"on_{way}_{name}" for name in _histories(chart) for way in ("enter", "exit")}
    used = hooks | set(dir(base)) | set(_named(chart))
    effects = marked_names(chart)
    for name in sorted(set(_named(chart)).intersection(effects)):
        yield f"{name} is an effect, and can't be a guard or hook as well: leave its name away"
    used.update(effects)
    given = [(spec.attr_name, spec.func) for spec in all_specs(chart)]
    for name, value in [*given, *(item for owner in (chart, *mixins) for item in vars(owner).items())]:
        for code in codes(value):
            # A method may be called by another one, as helpers and template methods are.
            used |= {called for called in called(code) if called != name}
    for name in _functions(chart):
        if name not in used:
            yield from _lost_hook(chart, name, hooks)
    listeners = [each if isinstance(each, type) else type(each) for each in chart._class_listeners]
    for owner in (*mixins, *listeners, *_bases(model)):
        for name in _functions(owner):
            meant = _slip_of(name, hooks) if name not in used else None
            if meant is not None and meant not in vars(owner):
                yield f"{owner.__name__}.{name} is never called: did you mean {meant}?"
    yield from _no_methods(chart, hooks)
    yield from _lost_names(chart, model)


def _lost_hook(chart: AnyChart, name: str, hooks: Collection[str]) -> Iterator[str]:
    """Yield the sentence about a method of the chart that is named like a hook, if it is."""
    lost = f"{chart.__name__}.{name} is never called"
    states, events = {state.id for state in every_state(chart)}, {event.id for event in chart._events}
    parts, other = _HOOK.fullmatch(name), _OTHER_WORDS.fullmatch(name)
    hooks = [hook for hook in hooks if not hook.startswith("on_invoke_")]  # which are refused themselves
    if parts is not None and name.startswith(_OF_STATES) and parts[2] in _histories(chart):
        hint = "give hooks to the states that it leads to"
        yield f"{lost}, as the history state {parts[2]!r} is never active itself: {hint}"
        return
    if parts is not None and parts[2].removeprefix("done_state_") in states - {parts[2]}:
        yield f"{lost}, as no event has this name: declare {parts[2]} = {parts[2][11:]}.to(...)"
        return
    meant = _same(name, hooks) or _same(
        f"on_{name}", [each for each in hooks if each.startswith(_OF_STATES)]
    )
    if other is not None and other[2] in states:
        meant = ("on_exit_" if other[1] else "on_enter_") + other[2]
    elif other is not None and other[3] in events:
        meant = f"before_{other[3]}"
    elif name.startswith("on_") and name.removeprefix("on_") in states:
        meant = f"on_enter_{name.removeprefix('on_')}"
    if meant is None and parts is not None:
        known = {hook.removeprefix(parts[1]) for hook in hooks if hook.startswith(parts[1])}
        like = nearest(parts[2], sorted(known))
        meant = None if like is None else parts[1] + like
    if meant is not None and meant not in vars(chart):
        yield f"{lost}: did you mean {meant}?"
    elif parts is not None and name.startswith(_OF_STATES):
        hint = f"{parts[2]} is an event: did you mean on_{parts[2]}?" if parts[2] in events else "rename it"
        yield f"{lost}, as no state has this name: {hint}"
    elif parts is not None:
        hint = (
            f"{parts[2]} is a state: did you mean on_enter_{parts[2]}?"
            if parts[2] in states
            else "rename it"
        )
        yield f"{lost}, as no event has this name: {hint}"


def _histories(chart: AnyChart) -> set[str]:
    return {state.id for state in every_state(chart) if state.is_history}


_OF_STATES = ("on_enter_", "on_exit_")


def _slip_of(name: str, hooks: Collection[str]) -> str | None:
    """Return the hook that the name of a method is almost certainly meant for, or None.

    Mixins, listeners and models may serve other charts as well, which have other hooks.
    """
    parts = _HOOK.fullmatch(name)
    if parts is None:
        return _same(name, hooks)
    known = {hook.removeprefix(parts[1]) for hook in hooks if hook.startswith(parts[1])}
    like = nearest(parts[2], sorted(known), _SLIP)
    return None if like is None else parts[1] + like


def _same(name: str, hooks: Collection[str]) -> str | None:
    """Return the hook that differs in its underscores and capitals only, such as `onEnterPaid`."""
    squeezed = name.replace("_", "").lower()
    return next((hook for hook in sorted(hooks) if hook.replace("_", "") == squeezed), None)


def _no_methods(chart: AnyChart, hooks: Collection[str]) -> Iterator[str]:
    for name in sorted(hooks & vars(chart).keys()):
        value = vars(chart)[name]
        if isinstance(value, (State, Event)):  # which are told as such
            continue
        if isinstance(value, type) or not (callable(value) or hasattr(value, "__func__")):
            yield f"{chart.__name__}.{name} is a {type(value).__name__}, but hooks are methods: rename it"


def _bases(model: object) -> Iterator[type]:
    """Yield the classes that a model's own methods come from."""
    for owner in model.__mro__ if isinstance(model, type) else ():
        if owner is not object and owner.__module__.partition(".")[0] != "pydantic":
            yield owner


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
    if not spec.may_contain_boolean_expression:
        return {spec.func}
    parts = list(parts_of(spec.func))
    functions = [part.func for part in parts if isinstance(part, ast.Call)]  # that is `In`
    return {part.id for part in parts if isinstance(part, ast.Name) and part not in functions}


def parts_of(expression: str) -> Iterator[ast.AST]:
    """Yield the parts of a guard's expression; nothing if it can't be read."""
    with suppress(SyntaxError):  # which is told by `unreadable`
        yield from ast.walk(ast.parse(replace_operators(expression), mode="eval"))


def _asked_states(spec: Any) -> set[str]:
    """Return the states that a guard asks for, as in `In('paid')`."""
    if spec.reference is not SpecReference.NAME or not spec.may_contain_boolean_expression:
        return set()
    calls = (part for part in parts_of(spec.func) if isinstance(part, ast.Call))
    return {str(part.value) for call in calls for part in call.args if isinstance(part, ast.Constant)}


def unbuilt(machine: StateChart[Any]) -> str:
    """Return the reason why a machine could not be built: names that nothing has."""
    owners = [machine, machine.model, *machine._listeners.values()]
    known = {name for owner in owners for name in dir(owner)}
    return "; ".join(_unfound(type(machine), known, type(machine.model).__name__))


def _lost_names(chart: AnyChart, model: object) -> Iterator[str]:
    """Yield the names of guards and hooks that no machine of the chart will have."""
    states = [state.id for state in every_state(chart)]
    for place, name in _places(chart):
        found = getattr(chart, name, None)
        # A machine shows its states of any depth, which a guard would take for True.
        if isinstance(found, (State, Event)) or name in states:
            kind = "an event" if isinstance(found, Event) else "a state"
            yield f"{place} names {name!r}, which is {kind}: name a guard or hook, or ask for In({name!r})"
    for place, name in _places(chart, _asked_states):
        if name not in states:
            like = nearest(name, states)
            hint = f"did you mean {like!r}?" if like else "name one of its states"
            yield f"{place} asks for In({name!r}), and the chart has no such state: {hint}"
    owners = [chart, model, *chart._class_listeners]
    known = [attributes(owner) for owner in owners]
    if isinstance(model, type) and None not in known:
        yield from _unfound(chart, {name for names_ in known for name in names_ or ()}, model.__name__)


def _unfound(chart: AnyChart, known: Collection[str], model: str) -> Iterator[str]:
    # The texts in the code of a class may be its attributes, and may be anything.
    public = sorted(name for name in known if name.isidentifier() and name[0] != "_")
    for place, name in dict.fromkeys(_places(chart)):
        if name not in known:
            like = nearest(name, public, _SLIP)
            hint = f"did you mean {like!r}?" if like else "define it, or correct the name"
            nobody = f"neither the chart nor its listeners nor the model ({model}) has"
            yield f"{place} names {name!r}, which {nobody}: {hint}"


def _places(chart: AnyChart, named: Callable[[Any], set[str]] = names) -> Iterator[tuple[str, str]]:
    """Yield the names that guards and hooks are given by, each after the place of the guard or hook."""
    for state in every_state(chart):
        places = [
            (f"{way.event or 'the transition without an event'} from {state.id}", way._specs)
            for way in state.transitions
        ]
        for place, specs in [(f"state {state.id}", state._specs), *places]:
            found = {name for spec in specs if not spec.is_convention for name in named(spec)}
            yield from ((place, name) for name in sorted(found))


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
    """Yield the methods in the body of a class; not those that a decorator made a guard or hook."""
    for name, value in vars(owner).items():
        function = getattr(value, "__func__", value)
        if isinstance(function, (FunctionType, partial, partialmethod)) and not hasattr(
            function, "attr_name"
        ):
            yield name
