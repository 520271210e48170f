"""Tell which guard stands in the way of a transition, and the values that it looks at."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from functools import partial
from inspect import getattr_static
from types import FunctionType
from typing import TYPE_CHECKING, Any

from statechart.graph import guard_attribute, guard_reason
from statechart.testing.models import values_of
from statechart.wording import shown

if TYPE_CHECKING:
    from statechart.chart import Chart


def obstacle(
    chart: type[Chart[Any]], guard: str, reason: str | None, model: object, payload: Mapping[str, Any]
) -> str:
    """Return a guard that refused, with its reason, if known, and the values that it looks at.

    For example: `enough: the amount is too small, with amount=3, price=7`.
    """
    values: dict[str, object] = {}
    for name in re.findall(r"[^\W\d]\w*", guard):
        values |= _values(chart, name, model, payload)
    told = reason or guard_reason(chart, guard)
    # Without a docstring, the reason names the guard itself.
    named = told if told.startswith(("guard ", f"{guard} is ")) else f"{guard}: {told}"
    untold = {name: value for name, value in values.items() if f"{name} is {shown(value)}" not in told}
    seen = ", ".join(f"{name}={shown(value)}" for name, value in untold.items())
    return f"{named}, with {seen}" if seen else named


def _values(
    chart: type[Chart[Any]], guard: str, model: object, payload: Mapping[str, Any]
) -> dict[str, object]:
    """Return the values of the payload and of the model that a guard names."""
    fields = values_of(model)
    if guard in fields:
        return {guard: fields[guard]}
    function = _function(guard_attribute(chart, guard)) or _function(getattr_static(model, guard, None))
    if function is None:
        return {}
    found = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name in payload:
            found[name] = payload[name]
        elif parameter.default is not parameter.empty:
            found[name] = parameter.default
    return found | {name: fields[name] for name in _read(function, model) if name in fields}


def _read(function: FunctionType, model: object) -> Iterator[str]:
    """Yield the names of the attributes that a function reads, itself or by a method of the model."""
    for name in function.__code__.co_names:
        yield name
        method = _function(getattr_static(type(model), name, None))
        if method is not None:
            yield from method.__code__.co_names


def _function(found: object) -> FunctionType | None:
    match found:
        case staticmethod() | classmethod():
            return _function(found.__func__)
        case property():
            return _function(found.fget)
        case partial():
            return _function(found.func)
        case FunctionType():
            return found
        case _:
            return None
