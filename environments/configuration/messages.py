"""Faults: what pydantic finds wrong with a spec, told for people, at the place where it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeAlias

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from environments.errors import UnknownProvider
from environments.model.provider_kinds import provider_class, provider_kinds
from environments.model.spec import EnvironmentSpec
from statechart.wording import listed, nearest

Place: TypeAlias = tuple[int | str, ...]
Problem: TypeAlias = tuple[Place, str]


def describe_faults(error: ValidationError, content: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what is wrong with a spec that comes from elsewhere than a file, a line each."""
    return tuple(f"{spelled(place)}{text}" for place, text in faults_of(error, content))


def spelled(place: Place) -> str:
    """Return a place as it begins a line."""
    return f"{'.'.join(str(part) for part in place)}: " if place else ""


def faults_of(error: ValidationError, content: Mapping[str, Any]) -> list[Problem]:
    """Return each fault once, at the deepest place that it is told of: unions tell several."""
    found = list(_translated(error, content))
    provider = content.get("provider")
    if isinstance(provider, Mapping) and "kind" not in provider:
        found = [fault for fault in found if fault.place[:1] != ("provider",)]
        text = f"it is missing: one of {listed(sorted(provider_kinds()))}"
        found.append(_Told(("provider", "kind"), text))
    grouped: dict[Place, list[_Told]] = {}
    for told in found:
        grouped.setdefault(told.place, []).append(told)
    deepest = [
        place
        for place in grouped
        if not any(len(other) > len(place) and other[: len(place)] == place for other in grouped)
    ]
    return [(place, _joined(grouped[place])) for place in deepest]


@dataclass(frozen=True, slots=True)
class _Told:
    """A fault as pydantic tells it: as a text, or as what it wanted instead of the input."""

    place: Place
    text: str = ""
    wanted: str = ""
    given: object = None


def _joined(told: list[_Told]) -> str:
    texts = list(dict.fromkeys(fault.text for fault in told if fault.text))
    wanted = list(dict.fromkeys(fault.wanted for fault in told if fault.wanted))
    if wanted:
        given = told[0].given
        quotes = "; put it in quotes" if "a text" in wanted and isinstance(given, int | float) else ""
        # Where a text belongs it may be a secret, and what is there instead of keys may hold one.
        harmless = all(each in _NUMBERS or each.startswith("at ") for each in wanted)
        shown = _shown(given) if harmless else _kind(given)
        texts.append(f"it has to be {' or '.join(wanted)}, not {shown}{quotes}")
    return ", or ".join(texts)


def _translated(error: ValidationError, content: Any, prefix: Place = ()) -> Iterator[_Told]:
    for detail in error.errors(include_url=False):
        place = (*prefix, *_known_place(detail, _at(content, prefix)))
        inner = detail.get("ctx", {}).get("error")
        if isinstance(inner, ValidationError):
            yield from _translated(inner, content, place)
        elif detail["type"] in _WANTED:
            wanted = _WANTED[detail["type"]].format(**detail.get("ctx", {}))
            yield _Told(place, wanted=wanted, given=detail["input"])
        else:
            yield _Told(place, _text(detail, place, content))


def _known_place(detail: ErrorDetails, content: Any) -> Place:
    """Return where a fault is in the file: pydantic's own names of a union's parts are left out."""
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


_WANTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "path_type": "a path",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "keys with values",
    "model_type": "keys with values",
    "model_attributes_type": "keys with values",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "string_too_long": "at most {max_length} characters long",
    "time_delta_type": "a number of seconds",
    "time_delta_parsing": "a number of seconds",
}
_NUMBERS = {"a whole number", "a number of seconds", "true or false"}
_RULES: dict[Place, str] = {
    ("instance_name",): "it may hold only a-z, 0-9 and '-', starts with a letter and does not end with '-'"
}


def _text(detail: ErrorDetails, place: Place, content: Any) -> str:
    if detail["type"] == "extra_forbidden":
        return _unknown_key(place, content)
    if detail["type"] == "missing":
        return "it is missing"
    if detail["type"] == "string_pattern_mismatch" and place in _RULES:
        return _RULES[place]
    inner = detail.get("ctx", {}).get("error")
    if isinstance(inner, Exception):
        return str(inner)
    return detail["msg"].removeprefix("Input ").replace("should", "it should", 1)


def _shown(value: object) -> str:
    if isinstance(value, Mapping | list | bool | None):
        return _kind(value)
    return str(value) if isinstance(value, int | float) else f"{str(value)!r:.60}"


def _kind(value: object) -> str:
    """Say what a value is, without the value; there are too few of true, false and nothing to hide."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "nothing"}[value]
    if isinstance(value, Mapping):
        return "keys with values"
    if isinstance(value, list):
        return "a list"
    kinds = {int: "a number", float: "a number", str: "a text", date: "a date", datetime: "a date"}
    return kinds.get(type(value), "another kind of value")


def _unknown_key(place: Place, content: Any) -> str:
    known = sorted(_fields(place[:-1], content))
    near = nearest(str(place[-1]), known)
    if near:
        return f"there is no such key; did you mean {near!r}?"
    return f"there is no such key; known are {listed(known)}" if known else "there is no such key"


def _fields(place: Place, content: Any) -> Iterable[str]:
    model: type[BaseModel] = EnvironmentSpec
    if place == ("provider",):
        try:
            model = provider_class(str(_at(content, place)["kind"]))
        except UnknownProvider:
            return ()
    elif place:
        return ()
    return model.model_fields
