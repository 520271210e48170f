"""UtcDatetime: an aware datetime, kept in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, AwareDatetime


def _in_utc(moment: datetime) -> datetime:
    # Not only for one form: pydantic's own time zone objects crash the interpreter when they are
    # among the last things that it clears at its end (seen with pydantic-core 2.50).
    return moment.astimezone(UTC)


UtcDatetime: TypeAlias = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A moment; naive ones are refused, and all others are kept in UTC."""
