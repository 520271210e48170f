"""Pictures as SVG: well-formed, the same each time, themed by classes, and told in words."""

from __future__ import annotations

import re
import xml.etree.ElementTree as Tree
from itertools import pairwise

import pytest

from environments.lifecycle import Lifecycle
from statechart import Chart, Event, State
from statechart.formats.svg import CHART_CSS, Layout, Theme, svg
from statechart.picture import Marks, Picture, Visit, compose

SVG = "{http://www.w3.org/2000/svg}"
LONG = "an event whose name says far more than any label beside an arrow could ever hold in three lines"
FAILED = Marks(
    current="provision_failed",
    failed=True,
    visits=[
        Visit("created", "provision", "provisioning", "1", "10:00"),
        Visit("provisioning", "fail", "provision_failed", "2", "10:07"),
    ],
    remark="no <answer> & no 'end'",
)


class Hostile(Chart):
    """Names that mean something in XML, and some that XML can't hold."""

    first = State('<a> & "b"', initial=True)
    second = State("]]>\0\x1b[1m\ufffe", final=True)
    go = Event(first.to(second), name=LONG)
    again = Event(first.to(first), name="</text><script>")


def picture(marks: Marks | None = None) -> Picture:
    return compose(Lifecycle, marks or Marks())


def titles(drawn: str, tag: str, name: str) -> list[str]:
    found = Tree.fromstring(drawn).iter(f"{SVG}{tag}")
    return [each.findtext(f"{SVG}title", "") for each in found if name in each.get("class", "").split(" ")]


@pytest.mark.parametrize("upright", [False, True])
@pytest.mark.parametrize("layout", ["line", "layered"])
def test_a_picture_is_well_formed_and_the_same_each_time(layout: Layout, upright: bool) -> None:
    for each in (picture(FAILED), compose(Hostile, Marks())):
        drawn = svg(each, layout=layout, upright=upright)

        assert Tree.fromstring(drawn).get("role") == "img"
        assert drawn == svg(each, layout=layout, upright=upright)
        assert "style=" not in drawn


def test_a_picture_is_told_in_words() -> None:
    drawn = svg(picture(FAILED))

    assert Tree.fromstring(drawn).findtext(f"{SVG}title") == "Lifecycle"
    assert "failed" in str(Tree.fromstring(drawn).findtext(f"{SVG}desc"))
    assert "destroyed: final state" in titles(drawn, "g", "state")
    assert titles(drawn, "g", "failed")[0].startswith("provision_failed: failure, current, failed")
    assert len(titles(drawn, "path", "wire")) == len(picture().arrows) + len(["start", "everywhere"])
    assert "provisioning → provision_failed: fail" in titles(drawn, "path", "failed")


def test_a_shortened_label_has_the_whole_text_in_its_title() -> None:
    drawn = svg(compose(Hostile, Marks()))

    (told,) = (each for each in titles(drawn, "g", "event") if each)
    assert told.endswith(LONG)
    assert LONG not in re.sub("<title>.*?</title>", "", drawn)


def test_the_way_taken_has_its_order_and_times_and_is_not_told_by_colour_alone() -> None:
    drawn = svg(picture(FAILED))

    texts = [text.text for text in Tree.fromstring(drawn).iter(f"{SVG}text")]
    assert {"1", "2", "10:00", "10:07"} <= set(texts)
    assert drawn.count('class="ring"') == 1, "the current state has a ring"
    assert ".chart .failed .ring" in CHART_CSS
    assert "stroke-dasharray" in CHART_CSS
    assert any("no <answer> & no 'end'" in str(text) for text in texts)


def test_identifiers_begin_with_the_prefix() -> None:
    drawn = svg(picture(FAILED), prefix="one-")

    identifiers = re.findall(r' id="([^"]+)"', drawn)
    assert identifiers
    assert all(each.startswith("one-") for each in identifiers)
    assert len(identifiers) == len(set(identifiers))
    assert set(re.findall(r"url\(#([^)]+)\)", drawn)) <= set(identifiers)


def test_colours_are_variables_fixed_or_in_the_stylesheet_of_the_page() -> None:
    themed, fixed, bare = (
        svg(picture(), theme="auto"),
        svg(picture(), theme="dark"),
        svg(picture(), styled=False),
    )

    assert "prefers-color-scheme:dark" in themed
    assert "var(" not in fixed
    assert "@media" not in fixed
    assert "<style" not in bare
    assert "#fff" not in bare
    assert 'data-theme="dark"' in CHART_CSS


def test_every_class_of_a_state_and_an_arrow_has_a_rule() -> None:
    for name in ("visited", "current", "failed", "failure", "missed"):
        assert f".{name} .box" in CHART_CSS
    for kind, other in pairwise(["taken", "failed", "missed", "untested", "unseen"]):
        rules = [re.search(rf"\.wire\.{each}{{(.*?)}}", CHART_CSS) for each in (kind, other)]
        assert rules[0]
        assert rules[1]
        assert rules[0][1] != rules[1][1]


GROUNDS = ("ground", "band", "box")
TEXTS = [
    *(
        (text, ground)
        for text in ("ink", "muted", "way", "failed", "missed", "unseen")
        for ground in GROUNDS
    ),
    *(("ink", "visited"), ("muted", "visited"), ("ink", "failure"), ("muted", "failure")),
    *(("on-current", "current"), ("on-failed", "failed"), ("on-current", "unseen")),
]
LINES = [
    *((line, ground) for line in ("line", "edge", "failure-edge") for ground in GROUNDS),
    ("failure-edge", "failure"),
]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_texts_and_lines_stand_out_from_what_is_behind_them(theme: Theme) -> None:
    """WCAG 2.2 demands a contrast of 4.5 for texts (1.4.3), and of 3 for what is drawn (1.4.11)."""
    (found,) = re.findall(rf':root\[data-theme="{theme}"\]\{{(.*?)\}}', CHART_CSS)
    colours = dict(re.findall(r"--chart-([a-z-]+):(#[0-9a-f]{6})", found))

    low = [
        (one, other)
        for pairs, least in ((TEXTS, 4.5), (LINES, 3.0))
        for one, other in pairs
        if contrast(colours[one], colours[other]) < least
    ]
    assert low == []


def contrast(one: str, other: str) -> float:
    dark, light = sorted(luminance(colour) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
