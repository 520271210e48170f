from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import BaseModel, ValidationError

from statechart.utc import UtcDatetime


class Seen(BaseModel):
    at: UtcDatetime


def test_a_moment_is_kept_in_utc_whatever_its_form() -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))

    for seen in (Seen(at=noon), Seen.model_validate_json('{"at": "2026-01-01T12:00:00+02:00"}')):
        assert seen.at == noon
        assert seen.at.tzinfo is UTC


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        Seen(at=datetime(2026, 1, 1))
