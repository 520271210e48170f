"""Removal of secrets from stored and printed text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from ipaddress import ip_address

from pydantic import BaseModel

from environments.errors import StepFailed
from environments.secrets.encodings import written_forms
from environments.secrets.references import MEMORY, SecretMemory, references

HIDDEN = "***"
"""The replacement of a secret."""

_SHORTEST = 4  # shorter secrets would take too much of other text with them
_TELLING = 8


def redactor(model: BaseModel, memory: SecretMemory = MEMORY) -> Callable[[str], str]:
    """Return a function that replaces the secrets that a model refers to.

    Replaced are the values that can be read now and those in the memory, also line by line and in
    encodings such as of URLs, JSON or Base64. Secrets of fewer than four characters stay.
    """
    return _redactor(_parts(_values(model, memory)))


def redact_known(text: str, memory: SecretMemory = MEMORY) -> str:
    """Return a text without all secrets in the memory, for text that belongs to no spec."""
    return _redactor(_parts(memory))(text)


def discloses(model: BaseModel, value: object, memory: SecretMemory = MEMORY) -> bool:
    """Return whether a value, such as a step's outputs, contains a secret that a model refers to."""
    # Addresses and short secrets can appear in outputs by chance, as a port's number does: that must
    # not prevent an environment from being provisioned.
    parts = _parts(_values(model, memory))
    redact = _redactor(frozenset(part for part in parts if len(part) >= _TELLING and not _is_address(part)))
    return any(redact(text) != text for text in _texts(value))


def _values(model: BaseModel, memory: SecretMemory) -> Iterator[str]:
    for reference in references(model):
        # A secret that can't be read now may have been read before.
        with suppress(StepFailed):
            reference.resolve(memory)
        yield from memory.of(reference)


def _parts(secrets: Iterable[str]) -> frozenset[str]:
    parts = (part for secret in secrets for part in (secret, *secret.splitlines()))
    return frozenset(part for part in parts if len(part.strip()) >= _SHORTEST)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from (*_texts(key), *_texts(inner))
    elif isinstance(value, Iterable):
        for inner in value:
            yield from _texts(inner)


def _is_address(text: str) -> bool:
    try:
        ip_address(text.strip())
    except ValueError:
        return text.strip() == "localhost"
    return True


@lru_cache(maxsize=32)
def _redactor(parts: frozenset[str]) -> Callable[[str], str]:
    if not parts:
        return lambda text: text
    forms = {form for part in parts for form in written_forms(part) if len(form) >= _SHORTEST}
    # Longest first, since a shorter form may be the beginning of a longer one.
    pattern = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))))
    return lambda text: pattern.sub(HIDDEN, text)
