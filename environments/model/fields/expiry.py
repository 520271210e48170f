"""The time at which an environment expires: a duration from its creation, or a moment."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeAlias

Expires: TypeAlias = timedelta | datetime
"""A duration, counted from the creation, or an aware moment."""

EXPIRES_PATTERN: Final = r"^(P[0-9]|PT[0-9]|[0-9]+(\.[0-9]+)? ?(w|d|h|min|m|s)|[0-9]{4}-[0-9]{2}-[0-9]{2}T)"
"""The beginning of a typed duration or moment, for editors."""

_EXAMPLES: Final = "a duration like 8h, 30m or 7d, or a time like 2030-01-31T18:00Z"
_LONGEST: Final = timedelta(days=36_500)
_SECONDS: Final = {"y": 31_536_000, "w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PART: Final = r"(\d+(?:\.\d+)?)\s*(min(?:ute)?s?|sec(?:ond)?s?|(?:hour|day|week|year)s?|[ywdhms])"
_COMPACT: Final = rf"-?\s*(?:{_PART}\s*)+"
# The stored form is ISO 8601, whose months are of no use here.
_ISO: Final = r"(-?)P([\d.YWD]*)(?:T([\d.HMS]+))?"


def read_expires(value: object) -> Expires | None:
    """Return a typed or stored time of expiry; a number counts seconds.

    Raises:
        ValueError: The value is neither a duration longer than zero nor an aware moment.
    """
    if value is None:
        return None
    try:
        return _checked(_read(value))
    except OverflowError:
        raise ValueError("is too far away") from None


def expiry(created_at: datetime, expires: Expires | None) -> datetime | None:
    """Return the time at which an environment expires, or None if it does not."""
    return created_at + expires if isinstance(expires, timedelta) else expires


def _checked(found: Expires) -> Expires:
    if isinstance(found, datetime):
        if found.tzinfo is None:
            raise ValueError(f"lacks a time zone: write {found.isoformat()}Z for UTC")
        return found.astimezone(UTC)
    if found <= timedelta():
        raise ValueError("is in the past: a duration counts from the creation, and must be above zero")
    if found > _LONGEST:
        raise ValueError("is longer than 100 years")
    return found


def _read(value: object) -> Expires:
    match value:
        case timedelta() | datetime():
            return value
        case date():
            return _read_text(value.isoformat())
        case bool():
            pass
        case int() | float() if value == value:  # not nan
            return timedelta(seconds=value)
        case str():
            return _read_text(value.strip())
    raise ValueError(f"should be {_EXAMPLES}")


def _read_text(text: str) -> Expires:
    iso = re.fullmatch(_ISO, text)
    compact = "".join(part or "" for part in iso.groups()).lower() if iso else text
    if re.fullmatch(_COMPACT, compact) is not None:
        seconds = sum(float(count) * _SECONDS[unit[0]] for count, unit in re.findall(_PART, compact))
        return timedelta(seconds=-seconds if compact.startswith("-") else seconds)
    if re.fullmatch(r"-?\d+(\.\d+)?", text) is not None:
        raise ValueError(f"lacks a unit: write {text}h for hours, {text}m for minutes or {text}d for days")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"should be {_EXAMPLES}") from None
    # A day without a time begins in UTC, as YAML's own dates do.
    return moment.replace(tzinfo=UTC) if re.fullmatch(r"[\d-]+", text) else moment
