"""The words of messages: lists, suggestions and the texts of states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sized
from enum import Enum
from functools import cached_property, partial, partialmethod
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import ValidationError

JOINED = " + "
"""Between the active states in the text of a configuration."""


def nearest(name: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """Return the known name closest to `name`, or None if none has this likeness, from 0 to 1."""
    return next(iter(alike(name, known, likeness)), None)


def alike(name: str, known: Iterable[str], likeness: float = 0.6) -> list[str]:
    """Return up to three known names that have this likeness to `name`, from 0 to 1, the closest first."""
    # Every start of the command line loads this module; difflib takes as long to load as all of it.
    from difflib import get_close_matches

    return get_close_matches(name, list(known), cutoff=likeness)


def listed(names: Iterable[str]) -> str:
    """Return names as a list for a sentence, or `nothing`."""
    return ", ".join(names) or "nothing"


def plain(value: object) -> object:
    """Return the value of an Enum's member, or any other value as it is."""
    return value.value if isinstance(value, Enum) else value


def state_text(value: object) -> str:
    """Return the text of a state's value, by which graphs, messages and records name the state."""
    return value if type(value) is str else str(plain(value))


def refusal_of(guard: str, attribute: object) -> str:
    """Return the reason of a guard's refusal, as a clause: the first sentence of its own docstring.

    Args:
        guard: The name of the guard, or its expression.
        attribute: The guard as its class declares it, or None if unknown.
    """
    doc = (own_docstring(attribute) or "").strip()
    if not doc:
        return f"guard {guard} refuses"
    sentence = " ".join(doc.split("\n\n")[0].split()).rstrip(".")
    # `URL` keeps its capital.
    return sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]


def value_reason(name: str, value: object) -> str:
    """Return the reason of a refusal by an attribute without a docstring, as a clause with its value."""
    if isinstance(value, Sized) and not isinstance(value, Enum) and len(value) == 0:
        return f"{name} is empty"
    return f"{name} is {shown(value)}"


def comparison_reason(comparison: str, values: Mapping[str, object], *, holds: bool) -> str:
    """Return the reason of a refusal by a comparison, as a clause with the values that it compares."""
    said = " and ".join(f"{name} is {shown(value)}" for name, value in values.items())
    answer = f"{comparison} is {'true' if holds else 'false'}"
    return f"{answer}, as {said}" if said else answer


def shown(value: object) -> str:
    """Return the text of a value in a message, cut short."""
    text = repr(plain(value))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


_LONGEST = 40


def own_docstring(attribute: object) -> str | None:
    """Return the docstring of a function, method or property, and None for other objects.

    Other objects have the docstring of their class, which is not about them.
    """
    match attribute:
        case staticmethod() | classmethod():
            return own_docstring(attribute.__func__)
        case partial() | partialmethod():
            return own_docstring(attribute.func)
        case FunctionType() | MethodType() | property() | cached_property():
            return attribute.__doc__
        case _:
            return None


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as `1 record` or `2 records`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def first_problem(error: ValidationError) -> str:
    """Return the first problem of a validation, as `field.field: message`."""
    found = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, found["loc"]))
    return f"{where}: {found['msg']}" if where else found["msg"]


def unread(value: object, read: object, where: str = "") -> str | None:
    """Return the problem of a value that is read as its base class without its fields, or None."""
    parts, others = _parts(value), _parts(read)
    if type(value) is not type(read) and _fields(type(read)):
        kind, base = type(value).__name__, type(read).__name__
        lost = [name for name in _fields(type(value)) if not hasattr(read, name)]
        if lost:
            owner = f"its {where} is" if where else "it is"
            hint = f": annotate the field with {base} | {kind}" if where else f", as a {base} is read"
            return f"{owner} a {kind}, and would lose {listed(lost)}{hint}"
    for name, part in parts.items():
        if type(part) not in _LEAVES and name in others:
            problem = unread(part, others[name], f"{where}.{name}" if where else str(name))
            if problem is not None:
                return problem
    return None


_LEAVES = frozenset((str, int, float, bool, type(None)))


def _fields(kind: type) -> Mapping[str, object]:
    """Return the fields of a model of pydantic, or of a dataclass."""
    found: Mapping[str, object] | None = getattr(kind, "__pydantic_fields__", None)
    return getattr(kind, "__dataclass_fields__", {}) if found is None else found


def _parts(value: object) -> Mapping[Any, object]:
    if isinstance(value, dict):
        return value
    if isinstance(value, (list, tuple)):
        return dict(enumerate(value))
    return {name: getattr(value, name) for name in _fields(type(value)) if hasattr(value, name)}
