"""The text of environments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from environments.presentation.text import ago

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(), "now"),
        (timedelta(seconds=-5), "now"),
        (timedelta(seconds=59), "59 s ago"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=23), "23 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=9), "9 days ago"),
    ],
)
def test_an_age_is_given_in_one_unit(passed: timedelta, words: str) -> None:
    assert ago(AT, AT + passed) == words
