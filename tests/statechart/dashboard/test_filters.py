"""The filters of the templates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from statechart.dashboard.filters import is_link, iso, lasting, relative, utc


def test_only_addresses_of_the_web_become_links() -> None:
    linked = ["https://shop.example/", "http://127.0.0.1:8080/a?b#c"]
    plain = [
        "javascript:alert(1)",
        "data:text/html,x",
        "//shop.example",
        "https://",
        "https://[x",
        "",
        None,
        7,
    ]

    assert [value for value in [*linked, *plain] if is_link(value)] == linked


def test_durations_are_told_in_the_units_that_people_use() -> None:
    told = {
        0.02: "0.02 s",
        1.5: "1.5 s",
        23.4: "23 s",
        59.7: "1 min",
        60: "1 min",
        185: "3 min 5 s",
        7800: "2 h 10 min",
    }

    assert {seconds: lasting(seconds) for seconds in told} == told
    assert lasting(timedelta(hours=2)) == "2 h"
    assert lasting(None) == ""


def test_moments_are_told_in_utc_whatever_they_are_given_as() -> None:
    moment = datetime(2030, 1, 31, 18, 0, 5, tzinfo=UTC)
    given = [
        moment,
        moment.timestamp(),
        moment.isoformat(),
        moment.astimezone(timezone(timedelta(hours=2))),
    ]

    assert {iso(value) for value in given} == {"2030-01-31T18:00:05Z"}
    assert {utc(value) for value in given} == {"2030-01-31 18:00:05 UTC"}
    assert relative(datetime.now(UTC) - timedelta(hours=3, minutes=1)) == "3 h ago"
    assert relative(datetime.now(UTC) + timedelta(days=3)) == "in 3 days"
