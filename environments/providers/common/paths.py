"""Paths that a spec names, before it is known whether anything is there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeAlias, TypeVar

from pydantic import BeforeValidator

from environments.secrets.references import SecretRef

ValueT = TypeVar("ValueT")


def _check_named(path: object) -> object:
    # An empty path is the current directory, which nobody means by an empty variable of a shell.
    if path == "":
        raise ValueError("is empty")
    return path


NamedPath: TypeAlias = Annotated[Path, BeforeValidator(_check_named)]


def absolute(path: Path, directory: Path) -> Path:
    """Return a path made absolute from a directory, with `~` expanded if there is such a user."""
    try:
        expanded = path.expanduser()
    except RuntimeError:
        expanded = path
    # Without following links, so that the path stays as it was meant.
    return Path(os.path.normpath((directory / expanded).absolute()))


def absolute_secrets(values: Mapping[str, ValueT], directory: Path) -> dict[str, ValueT | SecretRef]:
    """Return values, with absolute paths in the references to files with a secret."""
    return {
        name: absolute_secret(value, directory) if isinstance(value, SecretRef) else value
        for name, value in values.items()
    }


def absolute_secret(reference: SecretRef, directory: Path) -> SecretRef:
    """Return a reference to a secret, with the path of its file made absolute."""
    return SecretRef(file=absolute(reference.file, directory)) if reference.file else reference
