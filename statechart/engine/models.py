"""The class of a chart's models, as the declaration of the chart names it."""

from __future__ import annotations

import sys
from typing import Any, ForwardRef, TypeVar, get_args, get_origin

from statechart.errors import ChartDefinitionError


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
