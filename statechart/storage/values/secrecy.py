"""Find secrets in values: pydantic writes asterisks instead of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields as fields_of, is_dataclass
from typing import Any

from pydantic import BaseModel, Secret, SecretBytes, SecretStr


def secrets_in(value: object, *fields: str) -> Iterator[Secret[Any] | SecretStr | SecretBytes]:
    """Yield the secrets of pydantic's in a value, or in some of its fields."""
    match value:
        case Secret() | SecretStr() | SecretBytes():
            yield value
        case BaseModel():
            parts = dict(iter(value))  # dict(value) would call a field `keys`
            yield from secrets_in([parts[field] for field in fields or parts])
        case Mapping():
            yield from secrets_in([*value, *value.values()])
        case list() | tuple() | set() | frozenset():
            for part in value:
                yield from secrets_in(part)
        case _ if is_dataclass(value):
            yield from secrets_in([getattr(value, field_.name, None) for field_ in fields_of(value)])
