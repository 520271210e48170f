"""The annotations of guards and hooks: what they declare of the model and of the payload."""

from __future__ import annotations

import inspect
import re
from collections import abc
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from inspect import iscoroutinefunction
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NewType,
    TypeGuard,
    Union,
    get_args,
    get_origin,
    is_typeddict,
)

from pydantic import PydanticUserError, TypeAdapter, ValidationError
from statemachine.callbacks import SpecReference

from statechart.engine.declaration.naming import all_specs, names
from statechart.engine.payload import RESERVED
from statechart.wording import nearest

if TYPE_CHECKING:
    from statemachine import StateChart

    AnyChart = type[StateChart[Any]]

_NUMBERS: Mapping[object, tuple[type, ...]] = {float: (float, int), complex: (complex, float, int)}
_SLIP = 0.75  # two names that are so alike are taken for one, misspelt
_MANY = (tuple, list, set, frozenset)
_READ_AGAIN = (abc.Sequence, abc.Set, abc.Collection)  # unlike an iterator, of which a check would take


def problems(chart: AnyChart, model: object = None) -> Iterator[str]:
    """Yield the parameters of guards and hooks that can't be given what they declare, a sentence each.

    `model` is the class of the chart's models, or None if unknown.
    """
    callbacks = dict(_functions(chart))
    yield from _left_out(chart, callbacks.values())
    yield from _evolution(chart)
    for label, function in callbacks.items():
        for parameter in _parameters(function):
            if parameter.kind is parameter.POSITIONAL_ONLY:
                yield f"{label} takes {parameter.name!r} by position; hooks are called by name: remove /"
        declared = hints(function)
        name = "value" if label == "evolve" else "model"
        if isinstance(model, type) and not takes(model, declared.get(name, Any)):
            whose = f"models of the chart are of the class {model.__name__}"
            hint = f"annotate it with {model.__name__}"
            yield f"{label} takes a {name} of the type {words_of(declared[name])}, but {whose}: {hint}"


def _evolution(chart: AnyChart) -> Iterator[str]:
    evolve = getattr(chart, "evolve", None)
    hint = "declare it as evolve(self, value, transition)"
    if iscoroutinefunction(evolve):
        yield "evolve is async; do asynchronous work in a command, then fire"
    elif callable(evolve):
        static = isinstance(inspect.getattr_static(chart, "evolve"), (staticmethod, classmethod))
        given = ("value", "transition") if static else ("self", "value", "transition")
        try:
            inspect.signature(evolve).bind(*given)
        except TypeError as error:
            yield f"evolve can't be called ({error}): {hint}"
    elif evolve is not None:
        yield f"evolve is a {type(evolve).__name__}: {hint}"


def _left_out(chart: AnyChart, callbacks: Iterable[Callable[..., Any]]) -> Iterator[str]:
    """Yield the keywords that `record_payload` leaves out by mistake, a sentence each."""
    choice = getattr(chart, "record_payload", True)
    known = {parameter.name for function in callbacks for parameter in _parameters(function)}
    # A secret that is left out by a misspelt name would be written.
    for name in choice if isinstance(choice, Collection) else ():
        unknown = isinstance(name, str) and name not in known
        meant = nearest(name, sorted(known), _SLIP) if unknown else None
        if meant is not None:
            yield f"record_payload has {name!r}, which no guard or hook takes: did you mean {meant!r}?"


def _functions(chart: AnyChart) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the guards, hooks and effects of a chart and of its listeners, with their names."""
    owners = [each if isinstance(each, type) else type(each) for each in (chart, *chart._class_listeners)]
    for spec in all_specs(chart):
        if spec.reference is SpecReference.CALLABLE:
            yield spec.attr_name, spec.func
        for name in names(spec):
            found = (getattr(owner, name, None) for owner in owners)
            yield from ((name, each) for each in found if callable(each))
    for effect in vars(chart).get("_effects", ()):
        yield effect.method, getattr(chart, effect.method)
    evolve = getattr(chart, "evolve", None)
    if callable(evolve):
        yield "evolve", evolve


def _parameters(function: Callable[..., Any]) -> Iterator[inspect.Parameter]:
    """Yield the parameters of a guard or hook but `self`."""
    if isinstance(function, type) or not hasattr(inspect.unwrap(function), "__code__"):
        return  # of C, whose parameters are looked at elsewhere
    found = list(inspect.signature(function).parameters.values())
    yield from (each for number, each in enumerate(found) if number or each.name != "self")


def hints(function: Callable[..., Any]) -> dict[str, Any]:  # Any: annotations
    """Return the annotation of each parameter of a guard or hook, and Any for one that can't be read."""
    while isinstance(function, partial):
        function = function.func
    function = inspect.unwrap(function)
    scope = getattr(function, "__globals__", {})
    return {name: _read(each, scope) for name, each in getattr(function, "__annotations__", {}).items()}


def _read(annotation: object, scope: dict[str, Any]) -> Any:
    if not isinstance(annotation, str):
        return annotation
    try:
        # As typing.get_type_hints, which gives up on all annotations if one can't be read.
        return eval(annotation, scope)
    except (NameError, AttributeError, TypeError, SyntaxError):  # such as a name for checkers only
        return Any


class Declared(NamedTuple):
    """The declaration of a payload keyword by a guard or hook.

    Attributes:
        kinds: The classes whose objects fit for sure, which is quick to tell.
    """

    name: str
    needed_by: str
    annotation: Any
    default: object
    kinds: tuple[type, ...]


def declared_payload(callbacks: Iterable[tuple[str, Callable[..., Any]]]) -> tuple[Declared, ...]:
    """Return the declarations of payload keywords by guards and hooks, which are given with their names."""
    found = []
    for needed_by, function in callbacks:
        declared = hints(function)
        for parameter in _parameters(function):
            annotation = declared.get(parameter.name, Any)
            named = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
            if named and annotation is not Any and parameter.name not in RESERVED:
                kinds = tuple(_sure(annotation))
                found.append(Declared(parameter.name, needed_by, annotation, parameter.default, kinds))
    return tuple(found)


def _sure(annotation: Any) -> Iterator[type]:
    union = get_origin(annotation) in (Union, UnionType)
    for each in get_args(annotation) if union else (annotation,):
        if _known(each) and not get_args(each):
            yield from _NUMBERS.get(each, (each,))


def misfit(declared: Iterable[Declared], payload: Mapping[str, Any]) -> Declared | None:
    """Return the first declaration that a keyword of a payload does not fit, or None."""
    for each in declared:
        if each.name in payload:
            value = payload[each.name]
            if not (isinstance(value, each.kinds) or value is each.default or fits(value, each.annotation)):
                return each
    return None


def fits(value: object, annotation: Any) -> bool:
    """Return whether a value is of an annotated type as it stands; True for types that can't be checked."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return any(fits(value, each) for each in args)
    if origin is Annotated:
        return fits(value, args[0]) and _said(value, annotation, strict=False) is None
    if origin is Literal:
        return any(value == each and type(value) is type(each) for each in args)
    if annotation is None:
        return value is None
    if isinstance(annotation, NewType):
        return fits(value, annotation.__supertype__)
    kind = origin if isinstance(origin, type) else annotation
    if not _known(kind):
        # The value of a type alias: `type Amount = int | str`.
        return fits(value, getattr(annotation, "__value__", Any)) if annotation is not Any else True
    return isinstance(value, _NUMBERS.get(kind, kind)) and _parts_fit(value, kind, args)


def _parts_fit(value: object, kind: type, args: tuple[Any, ...]) -> bool:
    if not args or not isinstance(value, Collection):
        return True
    if kind is tuple and args[-1] is not Ellipsis:
        return len(value) == len(args) and all(map(fits, value, args))
    if isinstance(value, Mapping):
        return len(args) != 2 or all(
            fits(key, args[0]) and fits(each, args[1]) for key, each in value.items()
        )
    return kind not in (*_MANY, *_READ_AGAIN) or all(fits(each, args[0]) for each in value)


def problem(value: object, annotation: Any) -> str:
    """Return the problem of a value that does not fit an annotation, in pydantic's words."""
    return _said(value, annotation, strict=True) or f"Input should be an instance of {words_of(annotation)}"


def words_of(annotation: Any) -> str:
    """Return an annotation in words: without modules, and without pydantic's constraints."""
    if get_origin(annotation) is Annotated:
        return words_of(get_args(annotation)[0])
    return re.sub(r"(?:\w+\.)+(\w)", r"\1", inspect.formatannotation(annotation))


def _said(value: object, annotation: Any, *, strict: bool) -> str | None:
    adapter = _adapter(annotation)
    try:
        if adapter is not None:
            adapter.validate_python(value, strict=strict)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        return f"{where}: {first['msg']}" if where else first["msg"]
    return None


# By identity, as an annotation may have parts that can't be hashed.
_adapters: dict[int, tuple[object, TypeAdapter[Any] | None]] = {}


def _adapter(annotation: Any) -> TypeAdapter[Any] | None:
    if id(annotation) not in _adapters:
        try:
            made = TypeAdapter(annotation)
        except PydanticUserError:  # of a class that pydantic knows nothing about
            made = None
        _adapters[id(annotation)] = annotation, made
    return _adapters[id(annotation)][1]


def takes(model: type, annotation: Any) -> bool:
    """Return whether a parameter of an annotated type takes a model of a class."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return any(takes(model, each) for each in args)
    if origin is Annotated:
        return takes(model, args[0])
    kind = origin if isinstance(origin, type) else annotation
    return not _known(kind) or issubclass(model, kind)


def _known(kind: object) -> TypeGuard[type]:
    """Return whether `isinstance` can tell the objects of a type."""
    # In Python 3.11, Any is a class.
    other = kind is Any or is_typeddict(kind) or getattr(kind, "_is_protocol", False)
    return isinstance(kind, type) and not other
