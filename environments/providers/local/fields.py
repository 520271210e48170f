"""Types of the local provider's fields, validated without access to the disk."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator

from environments.providers.local.config_files import ENVIRONMENT_FILE


def _check_command(command: tuple[str, ...]) -> tuple[str, ...]:
    if command and (not command[0] or any("\0" in word for word in command)):
        raise ValueError("the name of the program is empty, or a word contains a NUL character")
    return command


def _check_files(files: dict[str, str]) -> dict[str, str]:
    for name in files:  # each becomes a path below the configuration directory, and must stay inside
        path = PurePosixPath(name)
        plain = name and "\0" not in name and not path.is_absolute() and str(path) == name
        if not plain or ".." in path.parts or not path.parts:
            raise ValueError(f"{name!r} is not a plain path inside the configuration directory")
        if path.parts[0] == ENVIRONMENT_FILE:
            raise ValueError(f"{ENVIRONMENT_FILE} is written by envchart itself")
        if any(str(parent) in files for parent in path.parents):
            raise ValueError(f"{name!r} lies below another file of the configuration")
    return files


Command = Annotated[tuple[str, ...], AfterValidator(_check_command)]
Files = Annotated[dict[str, str], AfterValidator(_check_files)]
