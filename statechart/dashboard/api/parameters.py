"""The parameters of the API's queries: how they are read, and how they are described."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from statechart.dashboard.refusals import Refused
from statechart.wording import listed, nearest

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams

_WHOLE: Final = re.compile(r"[0-9]{1,12}")
_MOST: Final = 10
_LONGEST: Final = 200  # characters of a value: a longer one comes from no person

Values = Mapping[str, Any]  # Any: each parameter reads a type of its own


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a query.

    Attributes:
        name: The name.
        about: A sentence for the description.
        schema: The JSON Schema of a value.
        read: Reads a value; its ValueError says how to write one.
        default: The value where none is given.
        is_repeated: Whether it may be given several times; the value is a tuple then.
    """

    name: str
    about: str
    schema: Mapping[str, object]
    read: Callable[[str], object]
    default: object = None
    is_repeated: bool = field(default=False, kw_only=True)

    def described(self) -> dict[str, object]:
        """Return the parameter as OpenAPI describes it."""
        several = {"type": "array", "items": dict(self.schema)}
        return {
            "name": self.name,
            "in": "query",
            "description": self.about,
            "schema": several if self.is_repeated else dict(self.schema),
        }


def whole(name: str, about: str, *, default: int, lowest: int, highest: int) -> Parameter:
    """Return a parameter that is a whole number."""

    def read(text: str) -> int:
        if not _WHOLE.fullmatch(text) or not lowest <= int(text) <= highest:
            raise ValueError(f"a whole number from {lowest} to {highest}")
        return int(text)

    schema = {"type": "integer", "minimum": lowest, "maximum": highest, "default": default}
    return Parameter(name, about, schema, read, default)


def choice(name: str, about: str, values: Sequence[str], *, default: str | None = None) -> Parameter:
    """Return a parameter that is one of some words."""

    def read(text: str) -> str:
        if text not in values:
            near = nearest(text, values)
            raise ValueError(f"one of {listed(values)}" + (f"; did you mean {near!r}?" if near else ""))
        return text

    schema: dict[str, object] = {"type": "string", "enum": list(values)}
    return Parameter(name, about, schema | ({} if default is None else {"default": default}), read, default)


def text(name: str, about: str, *, example: str) -> Parameter:
    """Return a parameter that is any text."""
    schema = {"type": "string", "maxLength": _LONGEST, "examples": [example]}
    return Parameter(name, about, schema, str)


def pairs(name: str, about: str, *, example: str) -> Parameter:
    """Return a parameter of the form `KEY=VALUE`, which may be repeated."""

    def read(text: str) -> tuple[str, str]:
        key, equals, value = (part.strip() for part in text.partition("="))
        if not (key and equals and value):
            raise ValueError(f"KEY=VALUE, as in {name}={example}")
        return key, value

    schema = {"type": "string", "pattern": "^[^=]+=.+$", "examples": [example]}
    return Parameter(name, about, schema, read, (), is_repeated=True)


def read_query(parameters: Sequence[Parameter], given: QueryParams) -> Values:
    """Return the value of each parameter.

    Raises:
        Refused: A parameter is unknown, or has a value that makes no sense.
    """
    known = {parameter.name: parameter for parameter in parameters}
    for name in given:
        if name not in known:
            raise _unknown(name, list(known))
    return {name: _value(known[name], given.getlist(name)) for name in known}


def _value(parameter: Parameter, given: Sequence[str]) -> object:
    if len(given) > _MOST:
        raise _invalid(f"{parameter.name} is given {len(given)} times, and at most {_MOST} are allowed")
    if len(given) > 1 and not parameter.is_repeated:
        raise _invalid(f"{parameter.name} is given {len(given)} times: give it once")
    found = []
    for written in given:
        if len(written) > _LONGEST:
            raise _invalid(f"{parameter.name} has more than {_LONGEST} characters")
        try:
            found.append(parameter.read(written))
        except ValueError as error:
            raise _invalid(f"{parameter.name} is {written!r}, and has to be {error}") from None
    if parameter.is_repeated:
        return tuple(found)
    return found[0] if found else parameter.default


def _invalid(message: str) -> Refused:
    return Refused(HTTPStatus.BAD_REQUEST, "invalid_parameter", message, _DESCRIBED)


def _unknown(name: str, known: Sequence[str]) -> Refused:
    near = nearest(name, known)
    hint = f"did you mean {near!r}?" if near else f"there are {listed(known)}" if known else "it takes none"
    shown = name if len(name) <= 40 else f"{name[:40]}…"
    return Refused(
        HTTPStatus.BAD_REQUEST, "unknown_parameter", f"there is no parameter {shown!r}; {hint}", _DESCRIBED
    )


_DESCRIBED: Final = ("GET /api/v1/openapi.json describes the parameters",)
