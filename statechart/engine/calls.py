"""The guards and hooks of a chart, found as python-statemachine finds them, and compiled to calls.

A call takes the owners of a machine's guards and hooks (the machine, its model, its listeners) and the
keywords of the event. It passes on those that the function names.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from inspect import Parameter, getattr_static, signature, unwrap
from operator import itemgetter
from traceback import walk_tb
from types import FunctionType, MethodType
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from statemachine import Event
from statemachine.callbacks import SpecReference
from statemachine.spec_parser import operator_mapping, parse_boolean_expr

from statechart.engine.attributes import never_runs

Owners = tuple[Any, ...]
Keywords = Mapping[str, Any]
Call = Callable[[Owners, Keywords], Any]


class Lacking(TypeError):  # a guard or hook that lacks keywords
    """A guard or hook could not be called, as the event did not bring all keywords that it needs."""

    def __init__(self, name: str, lacking: tuple[str, ...]) -> None:
        super().__init__(f"{name} lacks {', '.join(lacking)}")
        self.name = name
        self.lacking = lacking


class NotFound(LookupError):
    """No owner has a guard or hook of this name."""


class NeverRuns(TypeError):
    """A call of a guard or hook does not run its body: it is async, or a generator."""


class Source(NamedTuple):
    """Where a call comes from.

    Attributes:
        key: Tells it from others: a function is called once, however often a list leads to it.
        takes: The keywords that it takes, or None if it takes all.
        functions: The functions that it calls.
    """

    key: object
    call: Call
    takes: frozenset[str] | None
    functions: tuple[Callable[..., Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A guard or hook of a list.

    Attributes:
        spec: The engine's specification.
        key: The name and the place of the owner, if it is an owner's.
        takes: The keywords that it takes, or None if it takes all.
        functions: The functions that it calls.
    """

    spec: Any
    key: object
    call: Call
    takes: frozenset[str] | None
    functions: tuple[Callable[..., Any], ...] = ()

    def __lt__(self, other: Found) -> bool:
        return bool(self.spec.priority < other.spec.priority)

    def agrees(self, owners: Owners, known: Keywords) -> bool:
        """Return whether a guard agrees."""
        return bool(self.call(owners, known)) is (self.spec.expected_value is not False)


class Search:
    """Looks guards and hooks up in the owners of a machine.

    What it finds serves all machines whose owners have the same classes and attributes.
    """

    def __init__(self, owners: Owners, hidden: Iterable[Iterable[str]]) -> None:
        self._owners = owners
        self._names = [
            set(dir(owner)).difference(without) for owner, without in zip(owners, hidden, strict=True)
        ]

    def all(self, specs: Iterable[Any]) -> tuple[Found, ...]:
        """Return the guards and hooks of a list, as they are called.

        Raises:
            NotFound: No owner has one that the list names.
            NeverRuns: One of them is async, or a generator.
            ValueError: The signature of one of them is unknown; also TypeError.
        """
        found: list[Found] = []
        seen: set[object] = set()
        for spec in specs:
            sources = list(self._of(spec))
            for source in sources:
                if source.key not in seen:
                    seen.add(source.key)
                    insort(found, Found(spec, *source))
            if not sources and not spec.is_convention:
                raise NotFound(str(spec.func))
        return tuple(found)

    def _of(self, spec: Any) -> Iterator[Source]:
        if spec.reference is SpecReference.PROPERTY:
            yield from self._property(spec)
        elif spec.reference is SpecReference.CALLABLE:
            yield self._function(spec)
        elif spec.may_contain_boolean_expression:
            yield self._expression(spec.func)
        else:
            yield from self._named(spec.attr_name)

    def _property(self, spec: Any) -> Iterator[Source]:
        for at, owner in enumerate(self._owners):
            if getattr_static(type(owner), spec.attr_name, None) is spec.func:
                yield self._attribute(at, spec.attr_name)
                return

    def _function(self, spec: Any) -> Source:
        name = spec.attr_name if spec.is_bounded else spec.lookup_name
        for at, owner in enumerate(self._owners):
            # A method of an owner; another function is called as it is.
            method = getattr_static(type(owner), name, None)
            if not spec.is_bounded and method is spec.func:
                return _method(at, name, spec.func)
            if not spec.is_bounded and getattr(method, "__func__", None) is spec.func:
                return self._attribute(at, name)
        _require_run(spec.func)
        parameters = _parameters(spec.func)

        def call(_owners: Owners, known: Keywords) -> Any:
            return _bound(spec.func, parameters, known)

        return Source(spec.func, call, _takes(spec.func), (spec.func,))

    def _expression(self, expression: str) -> Source:
        if expression.isidentifier():
            found = list(self._named(expression))
            if len(found) == 1:
                return found[0]
        takes: list[frozenset[str] | None] = []
        functions: list[Callable[..., Any]] = []

        def operand(name: str) -> Callable[..., Any]:
            sources = list(self._named(name))
            if not sources:
                raise NotFound(name)
            takes.extend(source.takes for source in sources)
            functions.extend(each for source in sources for each in source.functions)
            return _operand(name, [source.call for source in sources])

        combined = parse_boolean_expr(expression, operand, operator_mapping)  # type: ignore[no-untyped-call]
        taken = None if None in takes else frozenset().union(*(each for each in takes if each is not None))

        def call(owners: Owners, known: Keywords) -> Any:
            return combined(owners, known, machine=owners[0])

        return Source(expression, call, taken, tuple(functions))

    def _named(self, name: str) -> Iterator[Source]:
        for at, owner in enumerate(self._owners):
            if name in self._names[at]:
                method = getattr_static(type(owner), name, None)
                if isinstance(method, FunctionType) and name not in getattr(owner, "__dict__", ()):
                    yield _method(at, name, method)
                else:
                    yield self._attribute(at, name)

    def _attribute(self, at: int, name: str) -> Source:
        """Return the source of whatever an owner has under a name when the event comes."""
        found = getattr_static(self._owners[at], name)
        if not isinstance(found, property):  # a property is not asked before there is an event
            found = getattr(self._owners[at], name)
        _require_run(found)

        def call(owners: Owners, known: Keywords) -> Any:
            found = getattr(owners[at], name)
            if not callable(found):
                return found
            if isinstance(found, Event):
                return found(**{key: value for key, value in known.items() if key != "machine"})
            return _bound(found, _parameters(found), known)

        if callable(found):
            # Without the owner of a bound method, who would live as long as the chart.
            return Source((name, at), call, _takes(found), (getattr(found, "__func__", found),))
        return Source((name, at), call, frozenset())


def _operand(name: str, calls: Iterable[Call]) -> Callable[..., Any]:
    """Return an operand of an expression: all owners that have the name must agree."""

    def operand(owners: Owners, known: Keywords, **_machine: Any) -> Any:
        answer: Any = True
        for call in calls:
            answer = call(owners, known)
            if not answer:
                break
        return answer

    operand.__name__ = name
    return operand


def _method(at: int, name: str, function: FunctionType) -> Source:
    """Return the source of a method of the owner at a place."""
    _require_run(function)
    if not _parameters(function):
        raise ValueError(f"{function.__qualname__} takes no self")
    parameters = _parameters(function)[1:]
    names = [parameter.name for parameter in parameters]
    # Most methods are called by what stands here; a decorator's may take anything.
    simple = not hasattr(function, "__wrapped__") and all(
        parameter.kind is Parameter.POSITIONAL_OR_KEYWORD and parameter.default is Parameter.empty
        for parameter in parameters
    )
    if not simple:
        call = _general(at, function)
    else:
        call = _simple(at, function, names) if names else _bare(at, function)
    return Source((name, at), call, _takes(function, 1), (function,))


def _general(at: int, function: FunctionType) -> Call:
    parameters = _parameters(function)[1:]

    def call(owners: Owners, known: Keywords) -> Any:
        return _bound(function, parameters, known, owners[at])

    return call


def _bare(at: int, function: FunctionType) -> Call:
    def call(owners: Owners, _known: Keywords) -> Any:
        return function(owners[at])

    return call


def _simple(at: int, function: FunctionType, names: list[str]) -> Call:
    get = itemgetter(*names)
    single = len(names) == 1

    def call(owners: Owners, known: Keywords) -> Any:
        try:
            arguments = get(known)
        except KeyError:
            raise _lacking(function, known) from None
        return function(owners[at], arguments) if single else function(owners[at], *arguments)

    return call


def _takes(function: Callable[..., Any], skipped: int = 0) -> frozenset[str] | None:
    parameters = _parameters(function)[skipped:]
    if any(parameter.kind is Parameter.POSITIONAL_ONLY for parameter in parameters):
        raise ValueError(f"{function.__name__} takes arguments that have no name")
    if any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return frozenset(parameter.name for parameter in parameters)


def _bound(
    function: Callable[..., Any], parameters: Iterable[Parameter], known: Keywords, *first: object
) -> Any:
    """Call a function with the keywords that its parameters name."""
    arguments, lacking = list(first), []
    keywords: dict[str, Any] = {}
    by_name = False
    for parameter in parameters:
        if parameter.kind is Parameter.VAR_KEYWORD:
            taken = {each.name for each in parameters}
            keywords |= {name: value for name, value in known.items() if name not in taken}
        elif parameter.kind is Parameter.VAR_POSITIONAL:
            by_name = True
        elif parameter.name not in known:
            by_name = True
            if parameter.default is Parameter.empty:
                lacking.append(parameter.name)
        elif by_name or parameter.kind is Parameter.KEYWORD_ONLY:
            keywords[parameter.name] = known[parameter.name]
        else:
            arguments.append(known[parameter.name])
    try:
        return function(*arguments, **keywords)
    except TypeError as error:
        # A decorator may give what is lacking, and errors from inside of the function stay as they are.
        if lacking and not _entered(error, function):
            raise _lacking(function, known) from error
        raise


# Weakly, as a model or a listener may bring functions of its own.
_known_parameters: WeakKeyDictionary[Callable[..., Any], tuple[Parameter, ...]] = WeakKeyDictionary()


def _parameters(function: Callable[..., Any]) -> tuple[Parameter, ...]:
    if isinstance(function, MethodType):
        return _parameters(function.__func__)[1:]
    try:
        found = _known_parameters.get(function)
        if found is None:
            found = _known_parameters[function] = _parameters_of(function)
    except TypeError:  # it can't be hashed, or nothing can refer to it weakly
        return _parameters_of(function)
    return found


def _parameters_of(function: Callable[..., Any]) -> tuple[Parameter, ...]:
    return tuple(signature(function).parameters.values())


def _entered(error: TypeError, function: Callable[..., Any]) -> bool:
    """Return whether an error comes from inside of a function."""
    code = getattr(unwrap(function), "__code__", None)
    return any(frame.f_code is code for frame, _ in walk_tb(error.__traceback__))


def _lacking(function: Callable[..., Any], known: Keywords) -> Lacking:
    lacking = tuple(
        parameter.name
        for parameter in signature(function).parameters.values()
        if parameter.default is Parameter.empty
        and parameter.kind not in (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL)
        and parameter.name not in known
        and parameter.name != "self"
    )
    named = function.func if isinstance(function, partial) else function
    return Lacking(named.__name__, lacking)


def _require_run(function: object) -> None:
    problem = never_runs(function)
    if problem is not None:
        raise NeverRuns(f"callback {getattr(function, '__name__', repr(function))!r} {problem}")
