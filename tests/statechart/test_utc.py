from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import BaseModel, ValidationError

from statechart.utc import UtcDatetime, from_timestamp, in_utc


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


OUTSIDE = ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"]


@pytest.mark.parametrize("text", OUTSIDE)
def test_a_moment_that_utc_can_not_express_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="outside of the years 1 to 9999"):
        in_utc(datetime.fromisoformat(text))
    for value in (text, datetime.fromisoformat(text)):
        with pytest.raises(ValidationError, match="outside of the years 1 to 9999"):
            Seen.model_validate({"at": value})


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59.999999+00:00"])
def test_the_first_and_the_last_moment_are_kept(text: str) -> None:
    assert Seen.model_validate({"at": text}).at.isoformat() == text


@pytest.mark.parametrize("seconds", [2.0**40, 2.0**62, 1e300])
def test_a_timestamp_beyond_a_datetime_becomes_the_nearest_moment(seconds: float) -> None:
    assert from_timestamp(0) == datetime(1970, 1, 1, tzinfo=UTC)
    assert from_timestamp(seconds) == datetime.max.replace(tzinfo=UTC)
    assert from_timestamp(-seconds) == datetime.min.replace(tzinfo=UTC)
