"""Secrets: references to where they are, and their removal from what is kept or shown."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, quote_plus

from pydantic import BaseModel, model_validator

from environments.errors import StepFailed
from environments.failure import FailureCause

HIDDEN = "***"
"""What stands for a secret where one was."""

_SHORTEST = 4


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
    """Return what replaces the secrets that a model refers to, as far as they can be read now.

    A secret is found as it is, line by line, and as it is written in URLs and in JSON. One of less
    than four characters is left: too much else would go with it.
    """
    forms: set[str] = set()
    for reference in references(model):
        with suppress(StepFailed):
            forms.update(_forms(reference.resolve()))
    if not forms:
        return lambda text: text
    longest_first = sorted(forms, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest_first)))
    return lambda text: pattern.sub(HIDDEN, text)


def _forms(secret: str) -> Iterator[str]:
    for part in (secret, *secret.splitlines()):
        if len(part.strip()) >= _SHORTEST:
            yield from (part, part.strip())
            yield from (quote(part, safe=""), quote_plus(part), json.dumps(part)[1:-1], repr(part)[1:-1])
