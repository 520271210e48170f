"""Secrecy: a value as JSON, with asterisks in the place of its secrets."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from statechart.storage.session import secrets_in

STARS = "**********"

_LONG = 4  # characters; a shorter secret is hidden only where it is the whole text


def without_secrets(value: BaseModel) -> dict[str, Any]:  # Any: JSON
    """Return the JSON of a value, with asterisks where a serializer of its model writes a secret."""
    document = value.model_dump(mode="json")
    hidden = {_text(secret.get_secret_value()) for secret in secrets_in(value)} - {"", STARS}
    return {name: _hiding(part, hidden) for name, part in document.items()} if hidden else document


def _text(secret: object) -> str:
    return secret.decode("utf-8", "replace") if isinstance(secret, bytes) else str(secret)


def _hiding(part: Any, hidden: set[str]) -> Any:  # Any: JSON
    match part:
        case dict():
            return {key: _hiding(each, hidden) for key, each in part.items()}
        case list():
            return [_hiding(each, hidden) for each in part]
        case None | bool():
            return part
        case _ if str(part) in hidden:
            return STARS
        case str():
            for secret in hidden:
                part = part.replace(secret, STARS) if len(secret) >= _LONG else part
    return part
