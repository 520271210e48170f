"""The words of documents: what steps and people said is told without secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from environments.secrets.redaction import redactor

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel

_SPOKEN: Final = frozenset(("summary", "reason", "note", "what", "story", "description"))
"""The keys of words. Other values are names and facts, which a short secret may equal by chance."""


def spoken(document: dict[str, object], spec: BaseModel) -> dict[str, Any]:  # Any: JSON
    """Return a document without the secrets of a spec in its words.

    Records hold no secrets, but a value that they hold may have become a secret later.
    """
    found: dict[str, Any] = _told(document, redactor(spec), is_spoken=False)
    return found


def _told(value: object, redact: Callable[[str], str], *, is_spoken: bool) -> Any:  # Any: JSON
    match value:
        case str():
            return redact(value) if is_spoken else value
        case dict():
            return {
                key: _told(each, redact, is_spoken=is_spoken or key in _SPOKEN)
                for key, each in value.items()
            }
        case list() | tuple():
            return [_told(each, redact, is_spoken=is_spoken) for each in value]
    return value
