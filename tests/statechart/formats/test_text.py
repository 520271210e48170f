"""A chart as text for a terminal: boxes, lists, and nothing wider than the terminal."""

from __future__ import annotations

import io
from itertools import product

import pytest

from environments.lifecycle import Lifecycle
from statechart import Chart, Event, State
from statechart.diagram import render
from statechart.formats.columns import columns_of, hanging, is_ascii, shortened, text_width
from statechart.graph import states
from statechart.picture import Marks, compose, path
from tests.statechart.formats.test_hostile import WORDS, chart_of

UP = ["provision", "fail", "provision", "complete", "configure", "complete", "release", "complete", "run"]
FAILED = Marks(current="configure_failed", failed=True, remark="web, configure failed at step playbook")


class Parcel(Chart):
    packed = State("packed", initial=True)
    sent = State("sent")
    lost = State("lost")
    there = State("there", final=True)
    kept = State("kept", final=True)

    post = Event(packed.to(sent, cond="is_paid") | lost.to(sent), name="post")
    lose = Event(sent.to(lost), name="lose")
    arrive = Event(sent.to(there), name="arrive")
    keep = Event(packed.to(kept) | sent.to(kept), name="keep")

    failures = (lost,)

    def is_paid(self) -> bool:
        return True


def test_the_main_path_is_drawn_in_boxes_and_the_rest_is_listed() -> None:
    assert (
        render(Parcel, "text", marks=path(Parcel, ["post", "lose"]))
        == """\
Parcel
Now: ✗ lost

    ┌──────────┐ post (1) [is_paid] ┌────────────────┐    arrive ┌───────┐
●──▶│ ✓ packed │───────────────────▶│ ✓ sent         │──────────▶│ there │
    └──┬───────┘                    └──┬───────────▲─┘           └───────┘
       │ keep                          │ lose (2)  │ post
    ┌──▼───┐                        ╔══▼═══════════┴═╗
    │ kept │                        ║ ✗ lost         ║
    └──────┘                        ╚════════════════╝

Other transitions
  sent  keep → kept
"""
    )


def test_a_narrow_terminal_gets_more_rows_and_a_simple_one_ascii() -> None:
    drawn = render(Parcel, "text", marks=Marks(current="lost", failed=True), width=38, ascii=True)

    assert drawn == (
        """\
Parcel
Now: x lost

    +--------+
*-->| packed |-->
    +--+-----+
       | keep
    +--v---+
    | kept |
    +------+

 post [is_paid] +------------+
--------------->| sent       |-->
                +--+-------^-+
                   | lose  | post
                #==v=======+=#
                H x lost     H
                #============#

 arrive +-------+
------->| there |
        +-------+

Other transitions
  sent  keep > kept
"""
    )


def test_a_label_that_does_not_fit_is_in_the_list() -> None:
    drawn = render(Parcel, "text", width=20)

    assert "\n──▶│ sent │──▶\n" in drawn
    assert "  packed  post [is_paid] → sent\n" in drawn
    assert "  lost    post → sent\n" in drawn


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_lifecycle_fits_the_terminal_in_every_state(width: int) -> None:
    for state, ascii in product([*states(Lifecycle), None], [False, True]):
        marks = FAILED if state == FAILED.current else Marks(current=state)
        drawn = render(Lifecycle, "text", marks=marks, width=width, ascii=ascii)

        assert max(map(text_width, drawn.splitlines())) <= width
        assert [name for name in states(Lifecycle) if name not in drawn] == []
        assert drawn.isascii() == ascii


def test_path_and_failed_state_are_marked_with_order_and_signs() -> None:
    up, failed = path(Lifecycle, UP), render(Lifecycle, "text", marks=FAILED)

    drawn = render(Lifecycle, "text", marks=up)

    assert "provision (1)" in drawn
    assert "fail (2)  │ provision (3)" in drawn
    assert "run (9)" in drawn
    assert "║ ▶ running  ║" in drawn
    assert "✓ provision_failed" in drawn
    assert "Now: ✗ configure_failed: web, configure failed at step playbook\n" in failed
    assert "║ ✗ configure_failed ║" in failed


def test_each_transition_of_a_chart_is_shown_once() -> None:
    chart = chart_of(WORDS)
    picture = compose(chart, Marks())

    drawn = render(chart, "text", width=70)

    guards = [f" [{', '.join(arrow.guards)}]" for arrow in picture.arrows]
    labels = [f" {arrow.spelled(str)}{guard} " for arrow, guard in zip(picture.arrows, guards, strict=True)]
    assert [label for label in labels if drawn.count(label) < labels.count(label)] == []
    assert len([line for line in drawn.splitlines() if "▶│" in line]) <= len(picture.nodes)
    assert drawn.count("▶│") == len(picture.nodes)
    assert [node.name for node in picture.nodes if f" {node.name} " not in drawn] == []


@pytest.mark.parametrize(
    ("text", "width", "short"),
    [
        ("port 8080 not open yet", 22, "port 8080 not open yet"),
        ("port 8080 not open yet", 21, "port 8080 not open …"),
        ("release d5a3: 4 files, as before", 24, "release d5a3: 4 files …"),
        ("unbreakable", 10, "…"),
        ("完了 完了", 8, "完了 …"),
    ],
)
def test_a_text_is_shortened_between_words(text: str, width: int, short: str) -> None:
    assert shortened(text, width) == short


def test_a_text_hangs_below_its_head() -> None:
    assert hanging("error: ", ["no", "route", "to", "the", "host"], 18) == [
        "error: no route to",
        "       the host",
    ]


class Terminal(io.StringIO):
    encoding = "ascii"

    def isatty(self) -> bool:
        return True


def test_the_columns_are_those_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert (columns_of(Terminal()), columns_of(io.StringIO())) == (60, None)

    monkeypatch.setenv("COLUMNS", "wide")
    assert columns_of(Terminal()) == 80
    assert (is_ascii(Terminal()), is_ascii(io.StringIO())) == (True, False)
