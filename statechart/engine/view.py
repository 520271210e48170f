"""The view that guards and hooks have of a recorded value."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from inspect import getattr_static
from itertools import count
from types import FunctionType, SimpleNamespace
from typing import Any

from pydantic import BaseModel

from statechart.errors import ChartDefinitionError
from statechart.wording import own_docstring

_numbers = count(1)


def view_of(value: BaseModel) -> SimpleNamespace:
    """Return an object with the fields of a value, and with the methods and properties of its class.

    Only the state may be set, as the engine does. Methods and properties run on the value itself.
    """
    view: SimpleNamespace = _view_class(type(value))(**dict(iter(value)))
    view._value = value
    return view


@cache
def _view_class(model: type[BaseModel]) -> type[SimpleNamespace]:
    own = {name for base in model.__mro__ if base not in BaseModel.__mro__ for name in vars(base)}
    names = [name for name in own - model.model_fields.keys() - set(dir(BaseModel)) if name[:2] != "__"]
    # The engine takes two methods for the same if the names of their classes are equal.
    return type(
        f"{model.__qualname__}View{next(_numbers)}",
        (SimpleNamespace,),
        {name: _forwarded(name, getattr_static(model, name)) for name in names} | {"__setattr__": _set},
    )


def _set(view: Any, name: str, value: object) -> None:
    if name not in ("state", "_value"):
        # The view is forgotten after the event, and what a hook had set with it.
        raise ChartDefinitionError(
            f"a hook sets {name!r} of a stored {type(view._value).__name__}, which would be lost: "
            "let `evolve` return a copy with it"
        )
    object.__setattr__(view, name, value)


def _forwarded(name: str, attribute: object) -> object:
    """Return the attribute of a view that asks the value for its own."""
    if isinstance(attribute, FunctionType):
        return _method(name, attribute)
    if isinstance(attribute, (staticmethod, classmethod)):
        return attribute
    return property(lambda view: getattr(view._value, name), doc=own_docstring(attribute))


def _method(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def method(view: Any, *args: Any, **keywords: Any) -> Any:
        return getattr(view._value, name)(*args, **keywords)

    return method
