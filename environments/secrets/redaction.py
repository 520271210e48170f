"""Removal of secrets from stored and printed text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from ipaddress import ip_address

from pydantic import BaseModel

from environments.errors import StepFailed
from environments.secrets.references import MEMORY, SecretMemory, references
from environments.secrets.search import HIDDEN, SecretSearch
from statechart.terminal.control_codes import strip_control_codes

__all__ = ["HIDDEN", "clean", "discloses", "redact_known", "redactor"]

_TELLING = 8


def redactor(model: BaseModel, memory: SecretMemory = MEMORY) -> Callable[[str], str]:
    """Return a function that replaces the secrets that a model refers to.

    Replaced are the values that can be read now and those in the memory, also line by line and in
    encodings such as of URLs, JSON or Base64. Secrets of fewer than four characters stay.
    """
    return _redactor(frozenset(_values(model, memory)))


def clean(text: str, redact: Callable[[str], str]) -> str:
    """Return a text without secrets and without control codes."""
    # Twice: a secret may hold control codes, and control codes may stand in the middle of a secret.
    return redact(strip_control_codes(redact(text)))


def redact_known(text: str, memory: SecretMemory = MEMORY) -> str:
    """Return a text without all secrets in the memory, for text that belongs to no spec."""
    return _redactor(frozenset(memory))(text)


def discloses(model: BaseModel, value: object, memory: SecretMemory = MEMORY) -> bool:
    """Return whether a value, such as a step's outputs, contains a secret that a model refers to."""
    # Addresses and short secrets can appear in outputs by chance, as a port's number does: that must
    # not prevent an environment from being provisioned.
    search = SecretSearch(set(_values(model, memory)), _is_telling)
    return any(search.spans(text) for text in _texts(value))


def _values(model: BaseModel, memory: SecretMemory) -> Iterator[str]:
    for reference in references(model):
        # A secret that can't be read now may have been read before.
        with suppress(StepFailed):
            reference.resolve(memory)
        yield from memory.of(reference)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from (*_texts(key), *_texts(inner))
    elif isinstance(value, Iterable):
        for inner in value:
            yield from _texts(inner)


def _is_telling(text: str) -> bool:
    return len(text) >= _TELLING and not _is_address(text)


def _is_address(text: str) -> bool:
    try:
        ip_address(text.strip())
    except ValueError:
        return text.strip() == "localhost"
    return True


@lru_cache(maxsize=32)
def _redactor(secrets: frozenset[str]) -> Callable[[str], str]:
    return SecretSearch(secrets).redact
