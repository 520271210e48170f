"""The lines of a list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from environments.presentation.listing import (
    COLUMNS,
    DEFAULT_COLUMNS,
    counts_text,
    list_lines,
    ordered,
    short_age,
)
from statechart.terminal.cells import width_of
from statechart.terminal.text import until

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
WHY = "start_service: the service ended before it became healthy: 日本語テスト"
LONG = "a-very-long-name-that-is-forty-chars-lon"


def line(name: str, state: str, found: str | None = None, **known: Any) -> dict[str, Any]:
    age = known.pop("age", timedelta(hours=5))
    moment = (NOW - age).isoformat()
    usual = dict.fromkeys(("url", "serving", "release", "note", "expires_at", "actor", "drift"))
    document = {"name": name, "state": state, "class": found or state, "labels": {}, "revision": 3, **usual}
    moments = {"created_at": moment, "since": moment, "updated_at": moment}
    return {**document, **moments, "provider": "local", **known}


DOCUMENTS = [
    line("web", "running", url="http://127.0.0.1:40000", serving="8b63f1a2c4d5", labels={"team": "web"}),
    line("api", "run_failed", "failed", note=WHY, release="8b63f1a2c4d5", age=timedelta(days=3)),
    line(LONG, "releasing", "under-way", note="release at copy_app", labels={"team": "größe"}),
    line("pr-1", "released", "interrupted", note="interrupted: run at start_service"),
    line("old", "destroyed", expires_at="2026-01-30T12:00:00Z", labels={"team": "web"}),
    line("new", "created", age=timedelta(seconds=3), expires_at="2026-01-31T20:00:00Z"),
]
BROKEN = [("broken", "the history of 'broken' is damaged")]


def plain(text: str, style: str) -> str:
    return text


def test_a_line_begins_with_the_state_and_a_sign_and_ends_with_what_is_wrong() -> None:
    lines = list_lines(DOCUMENTS, BROKEN, DEFAULT_COLUMNS, plain, now=NOW)

    assert [" ".join(each.split()) for each in lines] == [
        "STATE NAME AGE RELEASE NOTE",
        "✓ running web 5h 8b63f1a2c4d5 http://127.0.0.1:40000",
        f"✗ run_failed api 3d 8b63f1a2c4d5 {WHY}",
        f"> releasing {LONG} 5h - release at copy_app",
        "! released pr-1 5h - interrupted: run at start_service",
        "- destroyed old 5h -",
        "◦ created new 3s - expires in 8 h",
        "? unreadable broken ? ? the history of 'broken' is damaged",
    ]


def test_the_state_is_coloured_as_well() -> None:
    styles: list[str] = []

    list_lines(
        DOCUMENTS, BROKEN, DEFAULT_COLUMNS, lambda text, style: styles.append(style) or text, now=NOW
    )

    assert styles == ["green", "red", "cyan", "yellow", "dim", "red"]


@pytest.mark.parametrize(
    "columns", [DEFAULT_COLUMNS, tuple(COLUMNS), ("name", "label:team", "note", "labels", "url")], ids=len
)
def test_every_line_fits_the_terminal_and_cuts_no_word(columns: tuple[str, ...]) -> None:
    whole = list_lines(DOCUMENTS, BROKEN, columns, plain, now=NOW)
    words = {word for each in whole for word in each.split()}
    for width in (44, 60, 80, 100, 132, 300):
        lines = list_lines(DOCUMENTS, BROKEN, columns, plain, now=NOW, width=width)
        assert len(lines) == 8
        assert max(map(width_of, lines)) <= width
        assert "web" in lines[1]
        found = {word for each in lines for word in each.split()}
        cut = {word for word in found if word.endswith("…")}
        stems = {word.rstrip(",;:") for word in words}
        assert found - cut <= words | {"8b63f1a"}
        assert {word.removesuffix("…") for word in cut} <= stems


def test_at_80_columns_a_line_shows_all_columns_and_at_60_the_note() -> None:
    usual = [each for each in DOCUMENTS if each["name"] != LONG]

    wide = list_lines(usual, [], DEFAULT_COLUMNS, plain, now=NOW, width=80)
    narrow = list_lines(usual, [], DEFAULT_COLUMNS, plain, now=NOW, width=40)

    assert wide[2] == "✗ run_failed  api   3d   8b63f1a  start_service: the service ended before it…"
    assert narrow[2] == "✗ run_failed  api   start_service: the…"


def test_lines_are_sorted_by_a_column_with_no_value_last() -> None:
    def names(sort: str, group_by: str | None = None) -> str:
        return " ".join(each["name"].partition("-very")[0] for each in ordered(DOCUMENTS, sort, group_by))

    assert names("name") == "a api new old pr-1 web"
    assert names("-name") == "web pr-1 old new api a"
    assert names("state") == "pr-1 api a new web old"
    assert names("age").startswith("new ")
    assert names("-age").startswith("api ")
    assert names("expires") == "old new web api a pr-1"
    assert names("-label:team") == "web old a api pr-1 new"
    assert names("name", "team") == "a old web api new pr-1"
    assert {names(column) for column in COLUMNS}  # every column sorts


def test_lines_are_grouped_by_a_label() -> None:
    documents = ordered(DOCUMENTS, "name", "team")

    lines = list_lines(documents, BROKEN, ("name",), plain, now=NOW, group_by="team")

    assert lines == [
        *("NAME", "", "team=größe (1)", LONG, "", "team=web (2)", "old", "web"),
        *("", "without team (3)", "api", "new", "pr-1", "", "unreadable (1)", "broken"),
    ]


def test_a_control_code_of_a_label_does_not_reach_the_terminal() -> None:
    found = list_lines(
        [line("web", "running", labels={"a": "\x1b[31mx\n"})], [], ("labels",), plain, now=NOW, group_by="a"
    )

    assert not any("\x1b" in each or "\n" in each for each in found)


def test_environments_are_counted_by_class() -> None:
    classes = ["running"] * 22 + ["failed"] * 5 + ["interrupted", "destroyed", "destroyed"]

    assert counts_text(classes, 30) == "30: 22 running, 5 failed, 1 interrupted, 2 destroyed"
    assert counts_text(["under-way", "created"], 9) == "2 of 9: 1 created, 1 under way"


def test_an_age_has_one_unit() -> None:
    ages = (
        timedelta(seconds=119),
        timedelta(minutes=119),
        timedelta(hours=47),
        timedelta(days=400),
        -timedelta(1),
    )

    assert [short_age((NOW - age).isoformat(), NOW) for age in ages] == [
        "119s",
        "119m",
        "47h",
        "400d",
        "0s",
    ]


def test_the_time_that_is_left_is_rounded_and_has_minutes_near_the_end() -> None:
    left = {
        timedelta(days=7, seconds=-3): "in 7 days",
        timedelta(hours=36): "in 36 h",
        timedelta(hours=8, seconds=-3): "in 8 h",
        timedelta(hours=7, minutes=20): "in 7 h",
        timedelta(minutes=90, seconds=-3): "in 90 min",
        timedelta(seconds=45): "in 45 s",
        timedelta(0): "now",
    }

    assert {each: until(NOW + each, NOW) for each in left} == left
