"""The graph of a chart with states within states: its transitions, configurations and paths."""

from __future__ import annotations

import pytest

from statechart import Chart, Configuration, Event, HistoryState, IllegalConfiguration, State, UnknownState
from statechart.errors import Unexplored
from statechart.graph import (
    Edge,
    Paths,
    Reached,
    allowed_events,
    configurations,
    edges,
    events,
    lints,
    reachable,
    shortest_path,
    shortest_paths,
    states,
)
from tests.statechart.testing.nested.orders import Order


class Press(Chart):
    """A press with everything that a transition may be."""

    off = State(initial=True)

    class on(State.Compound):
        class warm(State.Compound):
            low = State(initial=True)
            high = State()
            heat = low.to(high)

        cold = State()
        last = HistoryState()
        cool = warm.to(cold)
        reset = Event(cold.to(warm))

    broken = State(final=True)

    start = off.to(on)
    stop = on.to(off)
    back = off.to(on.last)
    knock = Event(on.to(None))
    stay = on.to(on.warm.high, internal=True)
    crack = Event(on.cold.to(broken), internal=True)
    on.cold.to(off, cond="is_night")

    def is_night(self) -> bool:
        return False


def test_states_come_in_document_order_without_histories() -> None:
    assert states(Order) == (
        *("draft", "open", "payment", "awaiting", "authorised", "paid"),
        *("shipment", "packing", "packed", "shipped", "paused", "done", "expired", "cancelled"),
    )


def test_events_are_those_that_can_be_fired_from_outside() -> None:
    assert sorted(events(Press)) == ["back", "cool", "heat", "knock", "reset", "start", "stay", "stop"]
    assert "crack" in {edge.event for edge in edges(Press)}  # which hooks raise
    assert not any("done" in event for event in events(Order))


def test_edges_tell_what_raises_their_event_and_how_far_they_lead() -> None:
    found = {(edge.event, edge.source): edge for edge in edges(Press)}

    assert found["heat", "low"] == Edge("heat", "low", "high")
    assert found["back", "off"].targets == ("last",)
    assert found["knock", "on"] == Edge("knock", "on", "on", targets=(), internal=True)
    assert found["stay", "on"] == Edge("stay", "on", "high", internal=True)
    assert found["crack", "cold"] == Edge("crack", "cold", "broken", inner=True)
    assert found[None, "cold"] == Edge(None, "cold", "off", ("is_night",), inner=True)
    assert found[None, "cold"].name == "always"
    assert [edge.source for edge in edges(Press)] == sorted(
        (edge.source for edge in edges(Press)), key=states(Press).index
    )


def test_a_done_event_is_one_edge_and_marked() -> None:
    found = [edge for edge in edges(Order) if edge.done]

    assert found == [Edge("done.state.open", "open", "done", inner=True)]


def test_several_targets_are_one_edge() -> None:
    class Split(Chart):
        idle = State(initial=True)

        class both(State.Parallel):
            class left(State.Compound):
                a1 = State(initial=True)
                a2 = State()
                go = a1.to(a2) | a2.to(a1)

            class right(State.Compound):
                b1 = State(initial=True)
                b2 = State()
                hop = b1.to(b2) | b2.to(b1)

        begin = idle.to([both.left.a2, both.right.b2])
        end = both.to(idle)

    (edge,) = (edge for edge in edges(Split) if edge.event == "begin")

    assert (edge.target, edge.targets) == ("a2 + b2", ("a2", "b2"))
    assert shortest_path(Split, "idle", "a2 + b2") == (
        Edge("begin", "idle", "a2 + b2", targets=("a2", "b2")),
    )


def test_the_configurations_of_the_order_are_counted_with_and_without_history() -> None:
    found = configurations(Order)

    assert len(states(Order)) == 14
    assert (len(found), found.with_history, found.macrosteps) == (13, 63, 46)
    assert found.entered == set(states(Order))
    assert found.is_whole
    assert found.note == ""
    assert found.texts[:3] == ("draft", "awaiting + packing", "cancelled")
    assert "paid + shipped" not in found  # left at once, since the order is done
    assert lints(Order) == ()


def test_a_walk_that_is_cut_says_so() -> None:
    found = configurations(Order, limit=20)

    assert found.with_history == 20
    assert not found.is_whole
    assert found.note == "only the nearest 20 configurations were looked at: give a greater limit"
    assert configurations(Order).is_whole


def test_the_configurations_of_a_flat_chart_are_its_states() -> None:
    class Lamp(Chart):
        off = State(initial=True)
        on = State()
        switch = Event(off.to(on) | on.to(off))

    assert configurations(Lamp).texts == ("off", "on")
    assert configurations(Lamp).macrosteps == 2


def test_configurations_are_reached_from_others() -> None:
    found = reachable(Order, "paused")

    assert isinstance(found, Reached)
    assert found.is_whole
    assert "draft" not in found
    assert {"awaiting + packing", "paid + packed", "done", "paused"} <= found
    assert reachable(Order, "done") == {"done"}


def test_the_fewest_events_lead_to_a_configuration() -> None:
    path = shortest_path(Order, "draft", "done")

    assert path is not None
    assert [edge.event for edge in path] == ["place", "authorise", "capture", "pack", "ship"]
    assert path[-1].source == "paid + packed"
    assert path[-1].targets == ("done",)


@pytest.mark.parametrize("target", ["paid", Order.open.payment.paid, "paid + packing"])
def test_a_path_may_lead_to_a_state_of_any_depth(target: object) -> None:
    path = shortest_path(Order, Order.draft, target)

    assert path is not None
    assert [edge.event for edge in path] == ["place", "authorise", "capture"]


def test_what_a_history_remembers_decides_where_a_path_leads() -> None:
    held = Configuration(active=("paused",), history={"where_it_was": ("paid", "packed")})

    assert shortest_path(Order, held, "paid + packed") is not None
    assert shortest_path(Order, held, "paid + packing") is not None
    assert shortest_path(Order, held, "authorised + packed") is None


def test_paths_lead_to_all_configurations() -> None:
    found = shortest_paths(Order, "draft")

    assert isinstance(found, Paths)
    assert found.is_whole
    assert found.keys() == set(configurations(Order))
    assert found["draft"] == ()


def test_a_path_that_may_lie_beyond_the_limit_is_not_denied() -> None:
    with pytest.raises(Unexplored, match="Order has no path to 'done' among its nearest 3 configurations"):
        shortest_path(Order, "draft", "done", limit=3)
    found = shortest_paths(Order, "draft", limit=3)
    assert isinstance(found, Paths)
    assert not found.is_whole
    assert found.note == "only the nearest 3 configurations were looked at: give a greater limit"


@pytest.mark.parametrize(
    ("state", "allowed"),
    [
        ("awaiting", ("authorise", "pause", "expire", "cancel")),
        ("awaiting + packing", ("authorise", "pack", "pause", "expire", "cancel")),
        (Configuration(active=("paid", "packing")), ("pack", "pause", "cancel")),
        (Order.open, ("pause", "cancel")),
        ("done", ()),
    ],
)
def test_the_states_around_allow_their_events_too(state: object, allowed: tuple[str, ...]) -> None:
    assert allowed_events(Order, state) == allowed


def test_a_state_that_is_not_there_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownState, match="did you mean 'awaiting'"):
        allowed_events(Order, "awaitng + packing")
    with pytest.raises(UnknownState, match="did you mean 'paid'"):
        shortest_path(Order, "draft", "piad")
    with pytest.raises(IllegalConfiguration):
        shortest_path(Order, "awaiting + paid", "done")
