"""Histories and stories fit the columns of a terminal."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from statechart.terminal.story import Story, story_text
from statechart.terminal.text import history_text

ROWS = [
    ("1", "1", "2030-01-01 12:00:00.000Z", "ann", "created"),
    (
        "2",
        "2",
        "2030-01-01 12:00:01.000Z",
        "ann",
        "lapse: owed → no_show (timer owed.lapse, due now)",
    ),
]


@pytest.mark.parametrize("width", [120, 80, 60, 40])
def test_a_history_fits_the_width_and_loses_no_word(width: int) -> None:
    lines = list(history_text(ROWS, width))

    assert max(map(len, lines)) <= width
    assert " ".join(lines).split() == " ".join(history_text(ROWS)).split()


def test_words_are_wrapped_below_their_column_where_there_is_room() -> None:
    *_, first, second = history_text(ROWS, 80)

    assert first.index("lapse:") == second.index("owed.lapse") == 41
    assert second.strip() == "owed.lapse, due now)"


def test_a_story_is_wrapped_and_its_commands_are_not() -> None:
    story = Story(
        "A-1 is owed + ready",
        happened=("2030-01-01 12:00:00Z by ann: pay took it from owed + ready to checking + ready",),
        following=(("fire NAME hold --store a-directory", "leads to held, until it is released"),),
    )
    settings: Any = SimpleNamespace(spell=lambda step, name: f"python -m shop {step.replace('NAME', name)}")

    lines = story_text(story, settings, "A-1", lambda text, _: text, 60).splitlines()

    assert lines[3:5] == [
        "  2030-01-01 12:00:00Z by ann: pay took it from owed + ready",
        "    to checking + ready",
    ]
    assert lines[-2:] == [
        "  python -m shop fire A-1 hold --store a-directory",
        "      leads to held, until it is released",
    ]
