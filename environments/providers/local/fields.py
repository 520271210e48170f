"""The types of the local provider's settings: what each may hold, checked without looking at the disk."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator

from environments.providers.local.config_files import ENVIRONMENT_FILE
from environments.secrets.redaction import SecretRef

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEALTH_PATH = re.compile(r"/[!-~]*")
_RESERVED = {"HOST", "PORT"}


def _check_positive(value: timedelta) -> timedelta:
    if value <= timedelta():
        raise ValueError("must be longer than nothing")
    return value


def _check_not_negative(value: timedelta) -> timedelta:
    if value < timedelta():
        raise ValueError("must not be negative")
    return value


def _check_command(command: tuple[str, ...]) -> tuple[str, ...]:
    if command and (not command[0] or any("\0" in word for word in command)):
        raise ValueError("the program has no name, or a word holds a NUL")
    return command


def _check_health(path: str) -> str:
    if not _HEALTH_PATH.fullmatch(path):
        raise ValueError("must be a path that starts with '/' and holds no spaces, like /health")
    return path


def _check_variables(env: dict[str, str | SecretRef]) -> dict[str, str | SecretRef]:
    for name, value in env.items():
        if not _VARIABLE.fullmatch(name):
            raise ValueError(f"{name!r} is no name for a variable")
        if name in _RESERVED or name.startswith("ENVCHART_"):
            raise ValueError(f"{name} is set by envchart itself")
        if isinstance(value, str) and "\0" in value:
            raise ValueError(f"{name} holds a NUL")
    return env


def _check_files(files: dict[str, str]) -> dict[str, str]:
    for name in files:
        path = PurePosixPath(name)
        plain = name and "\0" not in name and not path.is_absolute() and str(path) == name
        if not plain or ".." in path.parts or not path.parts:
            raise ValueError(f"{name!r} is not a plain path inside the configuration directory")
        if path.parts[0] == ENVIRONMENT_FILE:
            raise ValueError(f"{ENVIRONMENT_FILE} is written by envchart itself")
        if any(str(parent) in files for parent in path.parents):
            raise ValueError(f"{name!r} lies below another of the files")
    return files


Positive = Annotated[timedelta, AfterValidator(_check_positive)]
NotNegative = Annotated[timedelta, AfterValidator(_check_not_negative)]
Command = Annotated[tuple[str, ...], AfterValidator(_check_command)]
HealthPath = Annotated[str, AfterValidator(_check_health)]
Variables = Annotated[dict[str, str | SecretRef], AfterValidator(_check_variables)]
Files = Annotated[dict[str, str], AfterValidator(_check_files)]
