"""References to secrets."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from io import StringIO
from pathlib import Path

from pydantic import BaseModel, Field, model_validator

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from statechart.errors import NotOurs
from statechart.storage.disk import read_regular

_LARGEST = 1024 * 1024  # bytes: more than any environment variable can hold


class SecretMemory:
    """The values that were read from secrets, including values that were replaced since."""

    def __init__(self) -> None:
        self._values: dict[SecretRef, set[str]] = {}

    def add(self, reference: SecretRef, value: str) -> None:
        """Add a value."""
        self._values.setdefault(reference, set()).add(value)

    def of(self, reference: SecretRef) -> frozenset[str]:
        """Return all values that were read from a reference."""
        return frozenset(self._values.get(reference, ()))

    def __iter__(self) -> Iterator[str]:
        for values in self._values.values():
            yield from values


MEMORY = SecretMemory()
"""The memory of this process, used by default."""


BLANK = "the place of the secret is empty; name a variable or a file"
"""The problem of a reference that names nothing."""


class SecretRef(BaseModel, frozen=True, extra="forbid"):
    """A reference to a secret: either `{env: VARIABLE}` or `{file: PATH}`.

    Only the reference is stored. The step that needs the secret resolves the reference.
    """

    env: str | None = Field(default=None, description="The environment variable that holds the secret.")
    file: Path | None = Field(
        default=None, description="The file that holds the secret; a final line break is left out."
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> SecretRef:
        if (self.env is None) == (self.file is None):
            raise ValueError("name the place of the secret with either 'env' or 'file'")
        return self

    @property
    def is_blank(self) -> bool:
        """Whether the reference names nothing, as with an empty variable of a shell."""
        return not (self.env or "").strip() and self.file in (None, Path())

    @property
    def missing(self) -> str:
        """The reason why the secret is not where it should be; an empty string if something is there."""
        if self.env is not None:
            return "" if self.env in os.environ else f"the environment variable {self.env} is not set"
        assert self.file is not None
        try:
            if self.file.is_file():
                return ""
            found = self.file.exists()
        except OSError:  # such as a name that is too long
            found = False
        return f"{self.file} is not a regular file" if found else f"the file {self.file} is not there"

    def resolve(self, memory: SecretMemory = MEMORY) -> str:
        """Read the secret, without a file's final line break, and remember its value.

        Raises:
            StepFailed: The secret is missing or can't be read; the cause is `configuration`.
        """
        value = self._read()
        memory.add(self, value)
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
            # Editors end files with a line break that is no part of the secret.
            text = read_regular(self.file, _LARGEST).decode()
            return StringIO(text, newline=None).read().removesuffix("\n")
        except (OSError, ValueError, NotOurs) as error:
            summary = f"the secret file {self.file} can't be read: {_reason(error)}"
            raise StepFailed(FailureCause.CONFIGURATION, summary) from error


def _reason(error: Exception) -> str:
    # Not the text of a decoding error, which would quote bytes of the secret.
    match error:
        case NotOurs():
            return f"it {error.problem}"
        case OSError():
            return error.strerror or str(error)
        case _:
            return "it is not text in UTF-8"


def references(value: object) -> Iterator[SecretRef]:
    """Yield the references to secrets in a model, at any depth."""
    return (reference for _, reference in placed_references(value))


def placed_references(
    value: object, place: tuple[int | str, ...] = ()
) -> Iterator[tuple[tuple[int | str, ...], SecretRef]]:
    """Yield the references to secrets in a model, each with the names of the fields around it."""
    inside: Iterable[tuple[int | str, object]] = ()
    # First, since a reference is a model, too.
    if isinstance(value, SecretRef):
        yield place, value
    elif isinstance(value, BaseModel):
        inside = value
    elif isinstance(value, Mapping):
        inside = value.items()
    elif isinstance(value, list | tuple | set | frozenset):
        inside = enumerate(value)
    for name, part in inside:
        yield from placed_references(part, (*place, name))
