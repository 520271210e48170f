"""Types of fields that the specs of several providers share."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from environments.secrets.references import SecretRef

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEALTH_PATH = re.compile(r"/[!-~]*")  # it becomes part of a request: no blanks, no line breaks
_RESERVED = {"HOST", "PORT"}


def _check_number(value: object) -> object:
    # YAML reads `on` and `yes` as true, which Python counts as 1.
    if isinstance(value, bool):
        raise ValueError(f"should be a number, got {str(value).lower()}")  # noqa: TRY004  # for pydantic
    return value


def _check_positive(value: timedelta) -> timedelta:
    if value <= timedelta():
        raise ValueError("must be longer than zero")
    return value


def _check_not_negative(value: timedelta) -> timedelta:
    if value < timedelta():
        raise ValueError("must not be negative")
    return value


def _check_health(path: str) -> str:
    if not _HEALTH_PATH.fullmatch(path):
        raise ValueError("must be a path that starts with '/' and holds no spaces, like /health")
    return path


def _check_variables(env: dict[str, str | SecretRef]) -> dict[str, str | SecretRef]:
    for name, value in env.items():
        if not _VARIABLE.fullmatch(name):
            raise ValueError(f"{name!r} is not a valid name for a variable")
        if name in _RESERVED or name.startswith("ENVCHART_"):
            raise ValueError(f"{name} is set by envchart itself")
        if isinstance(value, str) and "\0" in value:
            raise ValueError(f"{name} contains a NUL character")
    return env


Port = Annotated[int, Field(ge=1, le=65535), BeforeValidator(_check_number)]
Positive = Annotated[timedelta, BeforeValidator(_check_number), AfterValidator(_check_positive)]
NotNegative = Annotated[timedelta, BeforeValidator(_check_number), AfterValidator(_check_not_negative)]
HealthPath = Annotated[str, AfterValidator(_check_health)]
Variables = Annotated[dict[str, str | SecretRef], AfterValidator(_check_variables)]
