"""The types of the places in a spec."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from types import UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

from pydantic import BaseModel, JsonValue

from environments.model.provider_kinds import ProviderSpec
from environments.model.spec import EnvironmentSpec
from environments.secrets.references import SecretRef

Type: TypeAlias = Any  # a type, as an annotation spells it


def type_at(place: tuple[int | str, ...], provider: type[ProviderSpec]) -> Type | None:
    """Return the type of a place in a spec with this provider, or None if a spec has no such place."""
    found: Type | None = EnvironmentSpec
    for depth, part in enumerate(place):
        found = provider if depth == 0 and part == "provider" else _inside(found, part)
        if found is None:
            return None
    return found


def keys_at(place: tuple[int | str, ...], provider: type[ProviderSpec]) -> tuple[str, ...]:
    """Return the fields of a place, or nothing for a place whose keys are free."""
    kinds = list(_members(type_at(place, provider)))
    if JsonValue in kinds:
        return ()
    return tuple(field for kind in kinds if _is(kind, BaseModel) for field in kind.model_fields)


def place_of(field: str, above: tuple[str, ...], provider: type[ProviderSpec]) -> tuple[str, ...] | None:
    """Return the first place of a field at or below a place, or None."""
    fields = keys_at(above, provider)
    if field in fields:
        return (*above, field)
    below = (place_of(field, (*above, each), provider) for each in fields)
    return next((place for place in below if place is not None), None)


def is_mapping_of_texts(annotation: Type | None) -> bool:
    """Return whether a type is a mapping with free keys, whose values are texts or secrets."""
    return any(_origin(kind) is dict and takes_text(get_args(kind)[1]) for kind in _members(annotation))


def takes_text(annotation: Type | None) -> bool:
    """Return whether a typed text fits a type as it is."""
    kinds = _members(annotation)
    return any(_origin(kind) is Literal or _is(kind, str) or _is(kind, PurePath) for kind in kinds)


def takes_secret(annotation: Type | None) -> bool:
    """Return whether the reference to a secret fits a type."""
    return any(_is(kind, SecretRef) for kind in _members(annotation))


def _inside(annotation: Type, part: int | str) -> Type | None:
    for kind in _members(annotation):
        if kind is JsonValue:
            return kind
        if _is(kind, BaseModel) and part in kind.model_fields:
            return kind.model_fields[part].annotation
        if _origin(kind) is dict:
            return get_args(kind)[1]
    return None


def _is(kind: Type, base: type) -> bool:
    return isinstance(kind, type) and issubclass(kind, base)


def _origin(annotation: Type) -> Any:  # Any: mypy knows fewer results of get_origin than there are
    return get_origin(annotation)


def _members(annotation: Type) -> Iterator[Type]:
    """Yield the types that a type is a union of."""
    origin = _origin(annotation)
    if origin is Annotated:
        yield from _members(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for part in get_args(annotation):
            yield from _members(part)
    else:
        yield annotation
