"""The deadlines of the timers of a value, as its JSON has them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic_core import from_json

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_SOME: Final = '"timers":{"'
"""In the compact JSON of each value that has timers, and of few others."""


def timers_in(value: Mapping[str, Any]) -> dict[str, datetime] | None:  # Any: JSON
    """Return the deadlines of the timers that run, by their names; None if a chart has to tell."""
    state = value.get("state")
    if not isinstance(state, dict):
        return {}
    timers = state.get("timers")
    if not isinstance(timers, dict):
        return None
    try:
        return {name: datetime.fromisoformat(text).astimezone(UTC) for name, text in timers.items()}
    except (ValueError, TypeError, OverflowError):
        return None


def earliest(content: str) -> int | None:
    """Return the earliest deadline of a value in compact JSON, as `microseconds` does, or None."""
    if _SOME not in content:
        return None  # most commits are of charts without timers, and must not take longer
    value = from_json(content)
    timers = timers_in(value) if isinstance(value, dict) else None
    return microseconds(min(timers.values())) if timers else None


def microseconds(at: datetime) -> int:
    """Return a moment in microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND
