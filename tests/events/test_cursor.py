from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from environments.errors import InvalidCursor
from environments.events.cursor import Cursor
from statechart.following.cursor import Position

AT = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)


def many(count: int) -> Cursor:
    at = (AT + timedelta(seconds=number) for number in range(count))
    return Cursor(
        {f"preview-{number}": Position.of(f"{number:032x}", 9, next(at)) for number in range(count)}
    )


@pytest.mark.parametrize("cursor", [Cursor(), many(1), many(200)], ids=["empty", "one", "many"])
def test_a_cursor_is_read_from_its_text(cursor: Cursor) -> None:
    text = str(cursor)

    assert Cursor.read(f"{text}\n") == cursor
    assert text.isprintable()
    assert " " not in text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ev1.",
        "ev1.é",
        "2026-01-31",
        str(many(9))[:-4],
        str(many(9)).removeprefix("ev1."),
        str(many(9))[:10] + "A" + str(many(9))[11:],
        "ev1.eNqLjgUAARUAuQ",  # a list
        "ev1.eNqrVspTslKKVoqNBQATNgLO",
    ],
    ids=["empty", "prefix", "not-ascii", "time", "cut", "bare", "altered", "list", "strange"],
)
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursor, match="copy the whole cursor"):
        Cursor.read(text)
