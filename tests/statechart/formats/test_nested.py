"""Diagrams of states within states: each transition is in each format once, as declared."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import mermaidx
import pytest
from hypothesis import assume, given, settings
from pydantic import BaseModel
from statemachine import StateChart
from statemachine.transition import Transition

from statechart import Chart, Configuration, Event, HistoryState, State, Timer
from statechart.diagram import render
from statechart.errors import NoSuchPath, UnknownState
from statechart.formats.svg import svg
from statechart.pages.files import picture_file
from statechart.picture import Marks, Visit, chosen, compose, path
from statechart.tree import every_state, is_nested
from tests.statechart.formats.nested import Said, declared, in_dot, in_mermaid, in_table, in_text
from tests.statechart.oracles.built import Built
from tests.statechart.oracles.declared import Declared, Node, Way
from tests.statechart.oracles.nested_charts import nested_charts

READERS = {"mermaid": in_mermaid, "dot": in_dot, "text": in_text, "table": in_table}


class OrderModel(BaseModel, frozen=True):
    name: str = "A-1"
    state: Configuration | None = None


def patience(_model: OrderModel) -> timedelta:
    return timedelta(hours=1)


class Order(Chart[OrderModel]):
    """An order: paid and shipped side by side."""

    draft = State(initial=True)

    class open(State.Parallel):
        class payment(State.Compound):
            awaiting = State('a "b" <c> | [d] {e} * #1;', initial=True)
            authorised = State()
            paid = State(final=True)
            authorise = awaiting.to(authorised)
            capture = authorised.to(paid)

        class shipment(State.Compound):
            packing = State(initial=True)
            packed = State()
            shipped = State(final=True)
            pack = packing.to(packed)
            unpack = packed.to(packing)
            ship = packed.to(shipped, cond="is_paid")

        where_it_was = HistoryState(type="deep")

    paused = State()
    done = State(final=True)
    expired = State(final=True)

    place = draft.to(open)
    pause = open.to(paused)
    resume = paused.to(open.where_it_was)
    done_state_open = open.to(done)
    expire = Event(open.payment.awaiting.to(expired) | paused.to(expired))
    timers = (
        Timer(open.payment.awaiting, after=timedelta(minutes=30), event=expire),
        Timer(paused, after=patience, event=expire),
    )
    failures = (expired,)

    def is_paid(self) -> bool:
        """The order is not paid yet."""
        return self.active(Order.open.payment.paid)


PLACED = "awaiting + packing"
WALK = ("place", "authorise", "pack", "pause", "resume", "capture", "ship")


def odd() -> Any:
    """Return a chart of transitions with several targets, with none, and between a state and its own."""
    regions = tuple(
        Node(name, "compound", (Node(f"{name}a"), Node(f"{name}b")), default=f"{name}a") for name in "pq"
    )
    states = (Node("a"), Node("w", "compound", (Node("both", "parallel", regions), Node("c"))))
    ways = (
        Way("w", ("c",), ("inward",), internal=True),
        Way("w", ("c",), ("again",)),
        Way("c", ("w",), ("outward",)),
        Way("w", ("w",), ("itself",)),
        Way("p", ("q",), ("across",)),
        Way("pa", ("qa",), ("over",)),
        Way("both", ("c",), ("leave",)),
        Way("c", ("both",), ("back",)),
        Way("w", ("a",), ("home",)),
    )
    styles = {event: "inline" for way in ways for event in way.events}
    made: Any = Built(Declared(states, ways, styles=styles), StateChart).cls
    found = {state.id: state for state in every_state(made)}
    for source, targets, event in (("a", "pb qb", "Fork"), ("a", "", "Tick"), ("both", "", "Tock")):
        way = Transition(found[source], [found[target] for target in targets.split()], event=event)
        found[source].transitions.add_transitions(way)
    return made


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@settings(max_examples=25, deadline=None)
@given(drawn=nested_charts())
def test_each_transition_is_said_once(read: Callable[[Any], list[Said]], drawn: Declared) -> None:
    chart = Built(drawn, StateChart).cls
    assume(is_nested(chart))

    assert read(chart) == declared(chart)


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_several_targets_none_and_ones_within_the_source_are_said(
    read: Callable[[Any], list[Said]],
) -> None:
    assert read(odd()) == declared(odd())


def test_mermaid_itself_draws_what_it_can_and_has_notes_for_the_rest() -> None:
    text = render(odd(), "mermaid")
    drawn = mermaidx.render(text).svg()

    assert [
        way for way in ("Fork", "Across", "Over", "Itself", "Leave", "Back", "Home") if way not in drawn
    ] == []
    assert re.findall("note right of (.*)", text) == [
        "s_both : Tock (stays)",
        "s_w : Inward leads to C (internal)",
        "s_w : Again leads to C",
        "s_c : Outward leads to W",
    ]


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@pytest.mark.parametrize("chart", [Order, odd()], ids=["order", "odd"])
def test_graphviz_draws_the_chart_without_a_warning(chart: Any) -> None:
    drawn = subprocess.run(
        ["dot", "-Tsvg"], input=render(chart, "dot").encode(), capture_output=True, check=False
    )

    assert (drawn.returncode, drawn.stderr) == (0, b"")


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@settings(max_examples=15, deadline=None)
@given(drawn=nested_charts())
def test_graphviz_ranks_any_chart(drawn: Declared) -> None:
    chart = Built(drawn, StateChart).cls
    assume(is_nested(chart))

    ranked = subprocess.run(
        ["dot", "-Tsvg"], input=render(chart, "dot").encode(), capture_output=True, check=False
    )

    assert (ranked.returncode, ranked.stderr) == (0, b"")


def test_a_final_state_at_the_top_is_named_before_any_cluster() -> None:
    lines = render(Order, "dot").splitlines()

    first = next(number for number, line in enumerate(lines) if "subgraph" in line)
    assert [
        name for name in ("done", "expired", "paused") if not any(f'"{name}" [' in x for x in lines[:first])
    ] == []


def test_the_active_states_and_those_around_them_are_marked() -> None:
    classes = compose(Order, Marks(current=PLACED)).classes

    assert {state for state, shown in classes.items() if shown == "current"} == {"awaiting", "packing"}
    assert {state for state, shown in classes.items() if shown == "around"} == {
        "open",
        "payment",
        "shipment",
    }


def test_a_configuration_may_be_written_without_spaces() -> None:
    assert (
        compose(Order, chosen(Order, "awaiting+packing")).classes == compose(Order, Marks(PLACED)).classes
    )


@pytest.mark.parametrize(
    "thing", [Order, Order(OrderModel(state=Order.initial()))], ids=["class", "machine"]
)
def test_the_formats_of_the_engine_are_refused_with_the_alternative(thing: object) -> None:
    with pytest.raises(ValueError, match=r"use statechart.diagram.render\(Order, 'mermaid'\)"):
        format(thing, "mermaid")
    assert format(thing, "")


def test_a_failure_among_the_active_states_is_marked() -> None:
    assert compose(Order, chosen(Order, "expired")).classes["expired"] == "failed"


def test_a_configuration_with_an_unknown_state_is_refused() -> None:
    with pytest.raises(UnknownState):
        compose(Order, Marks(current="awaiting + gone"))


def test_a_path_marks_the_transitions_of_each_macrostep() -> None:
    picture = compose(Order, path(Order, WALK))
    taken = {arrow.names[0]: arrow.order for arrow in picture.arrows if arrow.taken}

    assert taken == {
        "Place": "1",
        "Authorise": "2",
        "Pack": "3",
        "Pause": "4",
        "Resume": "5",
        "Capture": "6",
        "Ship": "7",
        "(done)": "7",
    }
    assert picture.classes["done"] == "current"


def test_an_event_that_no_active_state_takes_ends_a_path() -> None:
    with pytest.raises(NoSuchPath, match="events that do: authorise, pack, pause, expire"):
        path(Order, ["place", "ship"])


def test_a_visit_without_its_steps_is_found_by_its_configurations() -> None:
    visits = [
        Visit("awaiting + packing", "pause", "paused"),
        Visit("paused", "resume", "awaiting + packing"),
    ]
    picture = compose(Order, Marks(visits=visits))

    assert {arrow.names[0] for arrow in picture.arrows if arrow.taken} == {"Pause", "Resume"}


def test_timers_and_done_events_have_their_words() -> None:
    names = [name for arrow in compose(Order, Marks()).arrows for name in arrow.names]

    assert names == [
        *(
            "Place",
            "Pause",
            "(done)",
            "Authorise",
            "Expire after 30 min",
            "Capture",
            "Pack",
            "Unpack",
            "Ship",
        ),
        *("Resume", "Expire after patience()"),
    ]


@pytest.mark.parametrize("width", [60, 80])
def test_the_tree_fits_the_width(width: int) -> None:
    text = render(Order, "text", width=width, marks=Marks(current=PLACED, remark="A-1, here since noon"))

    assert max(map(len, text.splitlines())) <= width
    assert "  ▷ Open (parallel)\n  ┊   Pause → Paused\n" in text


def test_the_tree_has_ascii_signs() -> None:
    text = render(Order, "text", ascii=True, marks=Marks(current=PLACED))

    assert text.isascii()
    assert "  ~ Open (parallel)\n  :   Pause > Paused\n" in text


def test_hostile_names_are_drawn_as_they_are() -> None:
    name = Order.open.payment.awaiting.name
    drawn = mermaidx.render(render(Order, "mermaid")).svg()

    assert (
        re.sub("<[^>]*>", "", drawn)
        .replace("&quot;", '"')
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .count(name)
    )


def test_the_table_says_where_a_state_is_and_its_kind() -> None:
    table = render(Order, "md")

    assert re.search(
        r"\| Open / Shipment / Packed +\| atomic +\| Ship +\| is_paid \| Open / Shipment / Shipped", table
    )
    assert re.search(r"\| Open / Where it was +\| deep history +\|", table)
    assert re.search(r"\| Open / Payment +\| compound region +\|", table)


def test_a_page_keeps_its_picture_of_states_within_states(tmp_path: Path) -> None:
    marked = chosen(Order, "awaiting+packing")

    picture = picture_file(tmp_path / "order.svg", svg(compose(Order, marked)).encode())
    (tmp_path / "order.svg").write_bytes(picture.fresh)

    assert picture_file(tmp_path / "order.svg", b"").now == picture.fresh
    assert (
        compose(Order, marked).described()
        == 'Order: 13 states; now in a "b" <c> | [d] {e} * #1;; now in Packing'
    )
