"""Secrets: references to where they are, and their removal from what is kept or shown."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path

from pydantic import BaseModel, model_validator

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.secrets.encodings import disguises

HIDDEN = "***"
"""What stands for a secret where one was."""

_SHORTEST = 4
_TELLING = 8

_read_here: dict[SecretRef, set[str]] = {}
"""What this process has read so far: a secret that was changed meanwhile is a secret still."""


class SecretRef(BaseModel, frozen=True, extra="forbid"):
    """A reference to a secret: `{env: VARIABLE}` or `{file: PATH}`, exactly one of them.

    Only the reference is ever stored. The step that needs the secret resolves it.
    """

    env: str | None = None
    file: Path | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> SecretRef:
        if (self.env is None) == (self.file is None):
            raise ValueError("name the secret's place with either 'env' or 'file'")
        return self

    def resolve(self) -> str:
        """Read the secret; a file's final line break is not part of it.

        Raises:
            StepFailed: It is not there, or can't be read; the cause is `configuration`.
        """
        value = self._read()
        _read_here.setdefault(self, set()).add(value)
        return value

    def _read(self) -> str:
        if self.env is not None:
            try:
                return os.environ[self.env]
            except KeyError:
                summary = f"the environment variable {self.env}, which holds a secret, is not set"
                raise StepFailed(FailureCause.CONFIGURATION, summary) from None
        assert self.file is not None
        try:
            return self.file.read_text(encoding="utf-8").removesuffix("\n")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
            summary = f"the secret file {self.file} can't be read: {reason}"
            raise StepFailed(FailureCause.CONFIGURATION, summary) from error


def references(value: object) -> Iterator[SecretRef]:
    """Yield the references to secrets in a model, however deep."""
    if isinstance(value, SecretRef):
        yield value
    elif isinstance(value, BaseModel):
        for _, inner in value:
            yield from references(inner)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from references(inner)


def redactor(model: BaseModel) -> Callable[[str], str]:
    """Return what replaces the secrets that a model refers to, as far as they are known here.

    Known is what can be read now, and what this process has read before. A secret is found as it
    is, line by line, and as it is written in other forms, such as in URLs, JSON or Base64. One of
    less than four characters is left: too much else would go with it.
    """
    return _redactor(_parts(_values(model)))


def redact_known(text: str) -> str:
    """Return a text without any secret that this process has read: for what belongs to no spec."""
    return _redactor(_parts(value for values in _read_here.values() for value in values))(text)


def discloses(model: BaseModel, value: object) -> bool:
    """Return whether a value, such as a step's outputs, holds a secret that a model refers to.

    Addresses, and secrets of less than eight characters, do not count: that a port's number or a
    word is in both is then mere chance, and must not keep an environment from being provisioned.
    """
    parts = _parts(_values(model))
    redact = _redactor(frozenset(part for part in parts if len(part) >= _TELLING and not _is_address(part)))
    return any(redact(text) != text for text in _texts(value))


def _values(model: BaseModel) -> Iterator[str]:
    for reference in references(model):
        with suppress(StepFailed):
            reference.resolve()
        yield from _read_here.get(reference, ())


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
    forms = {form for part in parts for form in disguises(part) if len(form) >= _SHORTEST}
    pattern = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))))
    return lambda text: pattern.sub(HIDDEN, text)
