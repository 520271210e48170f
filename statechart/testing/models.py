"""Make the model with which a test begins, in any state, frozen or not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from inspect import Parameter, signature
from types import SimpleNamespace
from typing import Any, cast

from pydantic import BaseModel

from statechart.chart import Chart
from statechart.configuration import Configuration, typed_states
from statechart.engine.draft import keeper_of
from statechart.engine.values import require_settable
from statechart.errors import UnknownState
from statechart.graph import states
from statechart.wording import listed, nearest, state_text


def require_chart(chart: object) -> None:
    """Check that an argument is a chart's class.

    Raises:
        TypeError: It is not.
    """
    if not (isinstance(chart, type) and issubclass(chart, Chart)) or chart is Chart:
        instance = ": give its class" if isinstance(chart, Chart) else ""
        raise TypeError(f"expected a chart's class, such as OrderChart, got {chart!r}{instance}")


def begun(
    chart: type[Chart[Any]],
    model: object | None,
    state: object | None,
    facts: Mapping[str, object],
    at: datetime | None = None,
    remembers: Mapping[str, object] | None = None,
) -> Any:  # Any: a model
    """Return the given model, or a new model, in a state and with facts as attributes.

    A model whose attributes can be set stays the same object.

    Args:
        at: The moment by which timers begin.
        remembers: What history states remember, as texts such as `awaiting + packing`.

    Raises:
        TypeError: A model has to be given, or has no such attribute.
        UnknownState: The chart has no such state, or can't be in these states together.
    """
    found = model if model is not None else chart.new_model()
    if found is None:
        declared = chart.model_class()
        found = SimpleNamespace(state=None, **facts) if declared is None else _made(chart, declared, facts)
    else:
        found = _with_facts(found, facts)
    if state is None and not remembers:
        held = getattr(found, "state", None)
        if not isinstance(held, Configuration) or model is not None or "state" in facts:
            return found
        return _in_state(chart, found, entered_at(chart, held, found, at))
    value = state_value(chart, chart.initial(at) if state is None else state)
    if chart._holds_configuration and value is not state:
        value = entered_at(chart, value, found, at, remembers)
    return _in_state(chart, found, value)


def state_value(chart: type[Chart[Any]], state: object) -> Any:  # Any: states have values of many types
    """Return the value of a state, which may be given as a text.

    Of a chart with states within states, that is a configuration: the text names the states that are active
    together, such as `awaiting + packing`, or a state around others.

    Raises:
        UnknownState: The chart has no such state, or can't be in these states together.
    """
    if chart._holds_configuration:
        return state if isinstance(state, Configuration) else Configuration.of(chart, *parts(chart, state))
    for declared in chart.states:
        if state_text(declared.value) == state_text(state):
            return declared.value
    raise UnknownState(chart.__name__, state_text(state), states(chart))


def parts(chart: type[Chart[Any]], state: object) -> Sequence[Any]:
    """Return the states that a text such as `awaiting + packing` names."""
    return typed_states(chart, state) if isinstance(state, str) else [state]


def entered_at(
    chart: type[Chart[Any]],
    state: Configuration,
    model: object,
    at: datetime | None,
    remembers: Mapping[str, object] | None = None,
) -> Configuration:
    """Return a configuration whose states were entered at a moment: with their timers, and with history.

    Raises:
        IllegalConfiguration: A history state can't remember such states.
    """
    at = at or datetime.now(UTC)
    name = str(getattr(model, "name", None) or chart.__name__)
    timers = {
        alarm.name: alarm.deadline(at, model, name)
        for alarm in chart._alarms.values()
        if alarm.owner in state
    }
    history = {
        memory: tuple(map(state_text, parts(chart, states))) for memory, states in (remembers or {}).items()
    }
    found = state.model_copy(
        update={"timers": {**timers, **state.timers}, "history": {**state.history, **history}}
    )
    return cast("Configuration", chart._form.state(chart._form.read(found)))


def values_of(model: object) -> dict[str, Any]:
    """Return the attributes of a model by name, with those in slots and pydantic's private attributes."""
    bodies = [vars(base).get("__slots__", ()) for base in type(model).__mro__]
    slots = {name for body in bodies for name in ((body,) if isinstance(body, str) else body)}
    names = [name for name in sorted(slots - _NO_VALUES) if hasattr(model, name)]
    return {**getattr(model, "__dict__", {}), **{name: getattr(model, name) for name in names}}


_NO_VALUES = {"__dict__", "__weakref__", "__pydantic_fields_set__"}


def _in_state(chart: type[Chart[Any]], model: Any, value: object) -> Any:
    keeper = keeper_of(cast("type", type(model)))
    if keeper.drafts:
        return keeper.adopted(model, keeper.entered(model, value))
    require_settable(chart, model, value)
    return model


def _with_facts(model: Any, facts: Mapping[str, object]) -> Any:
    keeper = keeper_of(cast("type", type(model)))
    if not facts or not keeper.drafts:
        for name, fact in facts.items():
            setattr(model, name, fact)
        return model
    require_fields(type(model), facts)
    draft = keeper.draft(model)
    for name, fact in facts.items():
        setattr(draft, name, fact)
    return keeper.adopted(model, keeper.validated(keeper.left(model, draft), type(model).__name__))


def _made(chart: type[Chart[Any]], model: type, facts: Mapping[str, object]) -> Any:
    """Return a new model of the class that a chart declares."""
    require_fields(model, facts)
    lacking = [name for name in _required(model) if name not in facts]
    first: object = Configuration.of(chart) if chart._holds_configuration else chart.initial()
    initial = {"state": first} if "state" in lacking else {}
    lacking = [name for name in lacking if name not in initial]
    if lacking:
        call = ", ".join(f"{name}=..." for name in lacking)
        raise TypeError(
            f"{chart.__name__} needs a model, as {model.__name__} has no default for {listed(lacking)}: "
            f"give one with model=, such as {model.__name__}({call})"
        )
    if issubclass(model, BaseModel):
        # Facts are named like fields, as hooks name them, and never like aliases.
        return model.model_validate({**initial, **facts}, by_alias=True, by_name=True)
    if is_dataclass(model):
        return model(**initial, **facts)
    # A class of any kind: its arguments, and else its attributes.
    taken = {name: fact for name, fact in facts.items() if name in signature(model).parameters}
    others = {name: fact for name, fact in facts.items() if name not in taken}
    return _with_facts(model(**initial, **taken), others)


def _required(model: type) -> list[str]:
    """Return the arguments without a default of a class."""
    named = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    if issubclass(model, BaseModel):
        return [name for name, field in model.model_fields.items() if field.is_required()]
    return [
        name
        for name, parameter in signature(model).parameters.items()
        if parameter.kind in named and parameter.default is Parameter.empty
    ]


def _fields(model: type) -> list[str] | None:
    """Return the fields of a class; None if it may have any attribute."""
    if issubclass(model, BaseModel):
        return None if model.model_config.get("extra") == "allow" else list(model.model_fields)
    return [field.name for field in fields(model)] if is_dataclass(model) else None


def require_fields(model: type, names: Iterable[str]) -> None:
    """Check that a model has the fields of facts: pydantic would leave others out.

    Raises:
        TypeError: It lacks one.
    """
    known = _fields(model)
    for name in names:
        if known is not None and name not in known:
            near = nearest(name, known)
            hint = f"did you mean {near!r}?" if near else f"it has {listed(known)}"
            raise TypeError(f"{model.__name__} has no field {name!r}: {hint}")
