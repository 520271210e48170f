"""Filters of the templates: moments, durations and links."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from statechart.terminal.control_codes import strip_control_codes
from statechart.terminal.text import ago, until, when

_LINKED = ("http", "https")


def moment(value: float | str | datetime) -> datetime:
    """Return seconds since 1970, or a moment in ISO 8601, as a moment in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return (
        datetime.fromisoformat(value).astimezone(UTC)
        if isinstance(value, str)
        else datetime.fromtimestamp(value, UTC)
    )


def iso(value: float | str | datetime) -> str:
    """Return a moment for the `datetime` of a `<time>`."""
    return f"{moment(value):%Y-%m-%dT%H:%M:%SZ}"


def utc(value: float | str | datetime) -> str:
    """Return a moment in UTC for people, to the second."""
    return when(moment(value)).replace("Z", " UTC")


def relative(value: float | str | datetime) -> str:
    """Say how long ago a moment was, or how soon it comes."""
    found, now = moment(value), datetime.now(UTC)
    return until(found, now) if found > now else ago(found, now)


def held(value: float | str | datetime) -> str:
    """Say how long something has been so, as in `for 5 min`."""
    said = relative(value)
    return f"for {said.removesuffix(' ago')}" if said.endswith(" ago") else f"since {said}"


def due(value: float | str | datetime) -> str:
    """Say how soon a deadline is, or for how long something has been due."""
    said = relative(value)
    return f"due for {said.removesuffix(' ago')}" if said.endswith(" ago") else said


def lasting(value: float | timedelta | None) -> str:
    """Return a duration for people, as in `2.3 s`, `3 min 5 s` and `2 h 10 min`."""
    if value is None:
        return ""
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if round(seconds) < 60:
        return f"{seconds:.{0 if seconds >= 10 else 1 if seconds >= 1 else 2}f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def is_link(value: object) -> bool:
    """Return whether a text may become a link: a provider could report `javascript:…`."""
    if not isinstance(value, str):
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in _LINKED and bool(parts.netloc)


def printable(value: object) -> str:
    """Return a text without control codes, as names and messages come from files."""
    return strip_control_codes(str(value))


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {  # Any: what a filter returns
    "iso": iso,
    "utc": utc,
    "relative": relative,
    "held": held,
    "due": due,
    "lasting": lasting,
    "printable": printable,
}
"""The filters by the names that templates use; `is_link` is a test, as in `x is link`."""

TESTS: Final[Mapping[str, Callable[..., bool]]] = {"link": is_link}
"""The tests by the names that templates use."""
