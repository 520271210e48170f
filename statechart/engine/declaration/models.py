"""The class of a chart's models, as the declaration of the chart names it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ForwardRef, TypeVar, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import PydanticUndefined

from statechart.configuration import Configuration
from statechart.engine.attributes import attributes
from statechart.engine.values import form_of, state_of
from statechart.errors import ChartDefinitionError, UnknownState
from statechart.wording import nearest, plain, state_text

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo
    from statemachine import StateChart

    AnyChart = type[StateChart[Any]]


def declared_model(chart: type, base: type) -> Any:  # Any: the class of a model, or None
    """Return the class `M` of a chart that is declared as `base[M]`, or None.

    Raises:
        ChartDefinitionError: `M` is the name of a class that the chart's module does not have.
    """
    for owner in chart.__mro__:
        for generic in vars(owner).get("__orig_bases__", ()):
            origin = get_origin(generic)
            if isinstance(origin, type) and issubclass(origin, base):
                (model,) = get_args(generic)
                return None if model is Any or isinstance(model, TypeVar) else _found(owner, model)
    return None


def _found(owner: type, model: object) -> Any:
    if not isinstance(model, (str, ForwardRef)):
        return model
    name = model if isinstance(model, str) else model.__forward_arg__
    try:
        return eval(name, vars(sys.modules[owner.__module__]))  # an annotation, as typing reads it
    except NameError as error:
        raise ChartDefinitionError(
            f"chart {owner.__name__}: its model {name!r} is not in {owner.__module__}; "
            "declare the model before the chart, at the top of the module"
        ) from error


def made(model: Any) -> Any:
    """Return a new model of a class, or None if it takes arguments."""
    if not isinstance(model, type) or getattr(model, "_is_protocol", False):
        return None
    try:
        return model()
    except (TypeError, ValueError):
        return None


def require_instance(chart: str, model: Any, given: object) -> None:
    """Check that a machine's model is an object of the class that its chart declares.

    Raises:
        ChartDefinitionError: It is a class, or of another class.
    """
    if isinstance(given, type):
        raise ChartDefinitionError(
            f"{chart}: its model is the class {given.__name__}: give an object of it, "
            f"such as {chart}({given.__name__}(...))"
        )
    if not isinstance(model, type) or getattr(model, "_is_protocol", False):
        return
    # A generic model may be made without its arguments.
    origin = getattr(model, "__pydantic_generic_metadata__", {}).get("origin") or model
    if not isinstance(given, origin):
        raise ChartDefinitionError(
            f"{chart} is declared with the model {model.__name__}, and was given a {type(given).__name__}"
        )


def problems(chart: AnyChart, model: object) -> Iterator[str]:
    """Yield the reasons why a model can't hold the states of a chart, a sentence each.

    `model` is the class of the chart's models, or None if unknown.
    """
    known = attributes(model) if isinstance(model, type) else None
    if known is not None and "state" not in known:
        near = nearest("state", sorted(name for name in known if name[0] != "_"))
        hint = f"did you mean {near!r}?" if near else "give it a field `state`"
        yield f"models of the class {getattr(model, '__name__', model)} have no state: {hint}"
    if isinstance(model, type) and issubclass(model, BaseModel) and "state" in model.model_fields:
        # Not of a model with annotations that are declared further down.
        field = model.model_fields["state"] if model.__pydantic_complete__ else None
        yield from _unfit(chart, f"{model.__name__}.state", field) if field is not None else ()


def _unfit(chart: AnyChart, place: str, field: FieldInfo) -> Iterator[str]:
    default = field.default
    if form_of(chart) is None and (
        default is not None
        and default is not PydanticUndefined
        and state_of(chart.states_map, default) is None
    ):
        texts = map(state_text, chart.states_map)
        yield f"{place} has a wrong default: {UnknownState(chart.__name__, state_text(default), texts)}"
    adapter: TypeAdapter[object] = TypeAdapter(field.rebuild_annotation())
    form = form_of(chart)
    if form is not None:
        example = form.example()
        why = _said(adapter, example) or _misread(adapter, example)
        if why is not None:
            yield f"{place} can't be a configuration ({why}): write `state: Configuration | None = None`"
        return
    if _said(adapter, Configuration(active=("_",))) is None and _said(adapter, "_") is not None:
        name = chart.__name__
        yield (
            f"{place} is a Configuration, and {name} has neither states within states nor timers: write "
            "`state: str`"
        )
        return
    for value in chart.states_map:
        said = [_said(adapter, each) for each in (value, plain(value))]
        # The member of an Enum and its value stand for each other.
        if all(said):
            yield f"{place} can't be the state {state_text(value)!r} ({said[0]}): widen its type"


def _misread(
    adapter: TypeAdapter[object], example: Any
) -> str | None:  # Any: a configuration, or its state
    """Return the problem of a type that reads a stored configuration as another value, or None."""
    if not isinstance(example, Configuration):
        return None
    try:
        read = adapter.validate_json(example.model_dump_json())
    except ValidationError:
        return None  # of a type that only Python knows
    return None if isinstance(read, Configuration) else f"it is stored, and read as a {type(read).__name__}"


def _said(adapter: TypeAdapter[object], value: object) -> str | None:
    try:
        adapter.validate_python(value)
    except ValidationError as error:
        return error.errors(include_url=False, include_input=False, include_context=False)[0]["msg"]
    return None
