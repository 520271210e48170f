"""Messages about an invalid spec: pydantic's, in the words of YAML, with the place and suggestions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from itertools import islice
from typing import Any, Final, TypeAlias

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from environments.configuration.places import keys_at
from environments.errors import UnknownProvider
from environments.model.provider_kinds import ProviderSpec, provider_class
from statechart.wording import listed, nearest

Place: TypeAlias = tuple[int | str, ...]
Problem: TypeAlias = tuple[Place, str]
Fault: TypeAlias = tuple[Place, list[ErrorDetails]]

MOST_PROBLEMS: Final = 50
"""The number of problems that are reported of a spec."""

_YAML_WORDS = (
    (re.compile(r"^(Input|String|input) (?=should|is|was)"), ""),  # the place says which
    (re.compile(r" or instance of \w+"), ""),
    (re.compile(r"\bdictionary\b"), "mapping"),
    (re.compile(r"\b(tuple|set)\b"), "list"),
    (re.compile(r"a valid timedelta.*"), "a number of seconds"),
    (re.compile(r"a valid integer(, unable to parse.*)?"), "a whole number"),
    (re.compile(r"a valid number, unable to parse.*"), "a number"),
    (re.compile(r"a valid boolean(, unable to interpret.*)?"), "true or false"),
    (re.compile(r"is not a valid path for <class '[^']+'>"), "should be a path"),
    (re.compile(r"was not a valid JSON value"), "should be a valid JSON value"),
)
_NOT_JSON = "invalid-json-value"
_KINDS = {int: "a number", float: "a number", str: "a string", date: "a date", datetime: "a date"}


def describe_faults(error: ValidationError, content: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the problems of a spec that was not read from a file, a line each."""
    places = faults_of(error, content)
    told = (f"{spelled(place)}{text}" for place, text in messages_of(places, content))
    return (*told, *unmentioned(len(places)))


def unmentioned(count: int) -> tuple[str, ...]:
    """Return a line about the problems beyond the most that are reported, if there are so many."""
    return (f"{count - MOST_PROBLEMS:,} more problems",) if count > MOST_PROBLEMS else ()


def spelled(place: Place) -> str:
    """Return a place as the beginning of a message."""
    name = ".".join(str(part) for part in place)
    return f"{name.encode(errors='backslashreplace').decode()}: " if place else ""


def faults_of(error: ValidationError, content: Mapping[str, Any], within: Place = ()) -> list[Fault]:
    """Return the faults that pydantic reports of a spec, each report at its deepest place.

    `within` is the place of the content that was validated by itself.
    """
    # Pydantic reports each member of a union: those that look at the whole value say the least.
    grouped: dict[Place, list[ErrorDetails]] = {}
    for place, detail in _flattened(error, content, within):
        grouped.setdefault(place, []).append(detail)
    above = {place[:length] for place in grouped for length in range(len(place))}
    return [(place, details) for place, details in grouped.items() if place not in above]


def messages_of(faults: Iterable[Fault], content: Mapping[str, Any]) -> list[Problem]:
    """Return the messages of the first faults, as many as are reported."""
    # Not of all: each message may search for a similar key.
    return [(place, _message(place, details, content)) for place, details in islice(faults, MOST_PROBLEMS)]


def _flattened(
    error: ValidationError, content: Any, prefix: Place = ()
) -> Iterator[tuple[Place, ErrorDetails]]:
    for detail in error.errors(include_url=False):
        place = (*prefix, *_known_place(detail, _at(content, prefix)))
        inner = detail.get("ctx", {}).get("error")
        if isinstance(inner, ValidationError):  # of the provider, which is validated by itself
            yield from _flattened(inner, content, place)
        else:
            yield place, detail


def _known_place(detail: ErrorDetails, content: Any) -> Place:
    """Return the place of an error in the content, without pydantic's names for members of a union."""
    place: list[int | str] = []
    here = content
    for part in detail["loc"]:
        inside = isinstance(here, Mapping) and part in here
        if inside or (isinstance(here, list) and isinstance(part, int) and part < len(here)):
            here = _at(here, (part,))
            place.append(part)
        elif detail["type"] == "missing" and part == detail["loc"][-1]:
            place.append(part)
    return tuple(place)


def _at(content: Any, place: Place) -> Any:
    inside: Any = content
    for part in place:
        inside = inside[part]
    return inside


def _message(place: Place, details: list[ErrorDetails], content: Any) -> str:
    first, *others = dict.fromkeys(_text(detail, place, content) for detail in details)
    text = " or ".join([first, *(other.removeprefix("should be ") for other in others)])
    given = details[0]["input"]
    types = {detail["type"] for detail in details}
    if all(type_ == _NOT_JSON or type_.endswith("_type") for type_ in types):
        quotable = types & {"string_type", _NOT_JSON} and isinstance(given, int | float | date)
        return f"{text}, got {_kind(given)}{'; put it in quotes' if quotable else ''}"
    limited = all({"ge", "gt", "le", "lt"} & detail.get("ctx", {}).keys() for detail in details)
    return f"{text}, got {given}" if limited and isinstance(given, int | float) else text


def _text(detail: ErrorDetails, place: Place, content: Any) -> str:
    if detail["type"] == "extra_forbidden":
        return _unknown_key(place, content)
    if detail["type"] == "missing":
        return "is missing"
    inner = detail.get("ctx", {}).get("error")
    if isinstance(inner, Exception):
        return str(inner)
    text = detail["msg"]
    for pattern, plainer in _YAML_WORDS:
        text = pattern.sub(plainer, text)
    return text


def _kind(value: object) -> str:
    # The kind only, since the value may be a secret; true, false and null are too few to be one.
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return _KINDS.get(type(value), "another kind of value")


def _unknown_key(place: Place, content: Any) -> str:
    known = sorted(_fields(place[:-1], content))
    near = nearest(str(place[-1]), known)
    if near:
        return f"there is no such key; did you mean {near!r}?"
    return f"there is no such key; known are {listed(known)}" if known else "there is no such key"


def _fields(place: Place, content: Any) -> Iterable[str]:
    try:
        kind = (
            provider_class(str(content["provider"]["kind"])) if place[:1] == ("provider",) else ProviderSpec
        )
    except UnknownProvider:
        return ()
    return keys_at(place, kind)
