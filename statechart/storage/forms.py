"""Forms: classes that validate JSON by their annotations, without pydantic.

Forms are for stored JSON that is read where loading pydantic would take most of the time. They are
strict: JSON that a model would convert or complete does not fit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from types import UnionType
from typing import Any, ClassVar, Literal, TypeAlias, TypeVar, get_args, get_origin

_Reader: TypeAlias = Callable[[Any, bool], Any]  # Any: JSON, here and below

_MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.(?!000000)\d{6})?Z"
_DURATION = r"(-?)P(?:(\d+)Y)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{1,6}))?S)?)?"


class Misfit(ValueError):
    """JSON that does not fit a form."""


class Form:
    """The base of all forms, with an attribute for each annotation, and the JSON in `plain`."""

    # Annotations are read as objects: modules of forms can't import annotations from __future__.

    sparse: ClassVar[bool] = False
    """Whether keys without a value are omitted, instead of null."""

    omitted: ClassVar[frozenset[str]] = frozenset()
    """Keys that are omitted without a value, though the others are null."""

    extra: ClassVar[bool] = False
    """Whether other keys are allowed."""

    plain: ClassVar[dict[str, Any]]

    _readers: ClassVar[dict[str, tuple[_Reader, bool]]]

    def __init_subclass__(cls, *, omitted: Iterable[str] = ()) -> None:
        cls.omitted = cls.omitted.union(omitted)

    def check(self) -> None:
        """Raise Misfit if the attributes contradict each other."""


FormT = TypeVar("FormT", bound=Form)


def read_form(form: type[FormT], value: Any, *, sparse: bool = False) -> FormT:
    """Read JSON as a form.

    Args:
        form: The class.
        value: The JSON.
        sparse: Whether keys without a value are omitted, on all levels.

    Raises:
        Misfit: The JSON does not fit.
    """
    readers = form.__dict__.get("_readers")
    if readers is None:
        readers = form._readers = _readers(form)
    sparse_here = sparse or form.sparse
    if type(value) is not dict or not (form.extra or value.keys() <= readers.keys()):
        raise Misfit
    found = form()
    attributes = found.__dict__
    attributes["plain"] = value
    for key, (reader, optional) in readers.items():
        part = value.get(key)
        if part is not None:
            attributes[key] = reader(part, sparse)
        elif optional and (key in value) is not (sparse_here or key in form.omitted):
            attributes[key] = None
        else:
            raise Misfit
    found.check()
    return found


def read_json(content: bytes) -> Any:
    """Read JSON as strictly as pydantic does.

    Raises:
        ValueError: The bytes are not JSON in UTF-8, or are nested too deeply for Python's reader.
    """
    text = content.decode()
    if "\\ud" in text or "\\uD" in text:
        raise Misfit  # perhaps half of a surrogate pair, which pydantic refuses
    try:
        return _DECODER.decode(text)
    except RecursionError as error:
        raise Misfit from error


def _refuse(constant: str) -> None:
    raise Misfit(constant)


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def _readers(form: type[Form]) -> dict[str, tuple[_Reader, bool]]:
    return {
        key: (_reader(annotation), isinstance(annotation, UnionType))
        for key, annotation in form.__annotations__.items()
        if ClassVar not in (annotation, get_origin(annotation))
    }


def _reader(annotation: Any) -> _Reader:
    kind = get_origin(annotation) or annotation
    if kind is UnionType:
        first, *others = (_reader(each) for each in get_args(annotation) if each is not type(None))
        return _either(first, others[0]) if others else first
    if kind is list:
        inner = _reader(get_args(annotation)[0])
        return lambda value, sparse: [inner(each, sparse) for each in _exactly(list, value)]
    if kind is dict and get_args(annotation)[1] is not Any:
        key, part = map(_reader, get_args(annotation))
        return lambda value, sparse: {
            key(name, sparse): part(each, sparse) for name, each in _exactly(dict, value).items()
        }
    if kind is Literal:
        return lambda value, _sparse: _one_of(get_args(annotation), value)
    if kind is datetime:
        return lambda value, _sparse: _moment(value)
    if kind is timedelta:
        return lambda value, _sparse: _duration(value)
    if issubclass(kind, Form):
        return lambda value, sparse: read_form(kind, value, sparse=sparse)
    return lambda value, _sparse: _exactly(kind, value)


def _either(first: _Reader, second: _Reader) -> _Reader:
    def read(value: Any, sparse: bool) -> Any:
        try:
            return first(value, sparse)
        except Misfit:
            return second(value, sparse)

    return read


def _exactly(kind: type, value: Any) -> Any:
    if type(value) is not kind:  # True is an int as well
        raise Misfit
    return value


def _one_of(known: tuple[Any, ...], value: Any) -> Any:
    if value not in known:
        raise Misfit
    return value


def _moment(value: Any) -> datetime:
    if re.fullmatch(_MOMENT, _exactly(str, value)) is None:
        raise Misfit
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:  # a thirteenth month
        raise Misfit from error


def _duration(value: Any) -> timedelta:
    found = re.fullmatch(_DURATION, _exactly(str, value))
    if found is None:
        raise Misfit
    sign, *parts, fraction = found.groups()
    years, days, hours, minutes, seconds = (int(part or 0) for part in parts)
    micro = int((fraction or "").ljust(6, "0"))
    try:
        passed = timedelta(years * 365 + days, seconds, micro, minutes=minutes, hours=hours)
    except OverflowError as error:
        raise Misfit from error
    if f"{sign}{_written(passed)}" != value:
        raise Misfit  # another spelling, as `PT60S` for a minute
    return -passed if sign else passed


def _written(passed: timedelta) -> str:
    """Write a duration as pydantic does; a year has 365 days."""
    years, days = divmod(passed.days, 365)
    hours, rest = divmod(passed.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    fraction = f".{passed.microseconds:06}".rstrip("0").rstrip(".")
    date = "".join(f"{count}{unit}" for count, unit in ((years, "Y"), (days, "D")) if count)
    time = "".join(f"{count}{unit}" for count, unit in ((hours, "H"), (minutes, "M")) if count)
    if seconds or fraction or not (date or time):
        time += f"{seconds}{fraction}S"
    return f"P{date}T{time}" if time else f"P{date}"
