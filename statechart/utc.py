"""Moments in UTC, which is how all of them are stored and compared."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, AwareDatetime


def in_utc(moment: datetime) -> datetime:
    """Convert an aware moment to UTC.

    Raises:
        ValueError: In UTC, the moment is outside of the years 1 to 9999.
    """
    # Conversion gives more than uniform values: pydantic's own time zone objects crash the interpreter
    # if they are among the last objects that are cleared at exit (seen with pydantic-core 2.50).
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{moment.isoformat()} is outside of the years 1 to 9999 in UTC") from None


def moment_of(at: datetime | None) -> datetime:
    """Return a moment, by default the present.

    Raises:
        ValueError: It has no time zone.
    """
    if at is None:
        return datetime.now(UTC)
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone: give it one, such as UTC")
    return at


def from_timestamp(seconds: float) -> datetime:
    """Convert seconds since 1970 to a moment in UTC, the nearest that a datetime can hold."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):  # file systems store years far beyond 9999
        return (datetime.max if seconds > 0 else datetime.min).replace(tzinfo=UTC)


UtcDatetime: TypeAlias = Annotated[AwareDatetime, AfterValidator(in_utc)]
"""An aware datetime, converted to UTC; a naive datetime is refused."""
