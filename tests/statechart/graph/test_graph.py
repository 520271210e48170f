"""The graph of a chart, read from its class alone."""

from __future__ import annotations

import pytest
from statemachine import State as RawState, StateChart

from statechart import Chart, Event, State
from statechart.errors import UnknownState
from statechart.graph import (
    Edge,
    allowed_events,
    breadth_first,
    edges,
    events,
    lints,
    reachable,
    shortest_path,
    states,
)


class Parcel(Chart):
    """A parcel on its way. Building a machine fails, so that no test here can depend on a machine."""

    packed = State("packed", initial=True)
    sent = State("sent")
    held = State("held", value="held_at_customs")
    delivered = State("delivered", final=True)

    send_off = Event(packed.to(sent, cond="paid and weighed"))
    hold = Event(sent.to(held))
    hand_over = Event(sent.to(delivered) | held.to(delivered, cond=["cleared"], unless=["lost"]))
    give_back = Event(sent.to(packed) | held.to(packed))

    def __init__(self) -> None:
        raise AssertionError("a graph needs no machine")


def test_states_and_events_come_as_they_were_declared() -> None:
    assert states(Parcel) == ("packed", "sent", "held_at_customs", "delivered")
    assert events(Parcel) == ("send_off", "hold", "hand_over", "give_back")


def test_edges_tell_event_source_target_and_guards() -> None:
    assert edges(Parcel) == (
        Edge("send_off", "packed", "sent", ("paid and weighed",)),
        Edge("hold", "sent", "held_at_customs"),
        Edge("hand_over", "sent", "delivered"),
        Edge("give_back", "sent", "packed"),
        Edge("hand_over", "held_at_customs", "delivered", ("cleared", "!lost")),
        Edge("give_back", "held_at_customs", "packed"),
    )


@pytest.mark.parametrize(
    ("state", "allowed"),
    [
        ("packed", ("send_off",)),
        ("sent", ("hold", "hand_over", "give_back")),
        ("held_at_customs", ("hand_over", "give_back")),
        ("delivered", ()),
    ],
)
def test_a_state_allows_the_events_that_leave_it(state: str, allowed: tuple[str, ...]) -> None:
    assert allowed_events(Parcel, state) == allowed


def test_everything_that_a_sequence_of_events_leads_to_is_reachable() -> None:
    assert reachable(Parcel, "held_at_customs") == {"held_at_customs", "delivered", "packed", "sent"}
    assert reachable(Parcel, "delivered") == {"delivered"}


def test_the_shortest_path_is_the_fewest_edges() -> None:
    path = shortest_path(Parcel, "held_at_customs", "sent")

    assert path is not None
    assert [(edge.event, edge.target) for edge in path] == [("give_back", "packed"), ("send_off", "sent")]


def test_the_shortest_path_is_found_whichever_is_declared_last() -> None:
    class Detour(Chart):
        start = State("start", initial=True)
        road = State("road")
        field = State("field")
        hill = State("hill")
        end = State("end", final=True)
        drive = Event(start.to(road) | road.to(end))
        walk = Event(start.to(field) | field.to(hill) | hill.to(end))

    path = shortest_path(Detour, "start", "end")

    assert path is not None
    assert [edge.event for edge in path] == ["drive", "drive"]


def test_the_path_to_the_same_state_is_empty_and_a_final_state_has_no_path() -> None:
    assert shortest_path(Parcel, "sent", "sent") == ()
    assert shortest_path(Parcel, "delivered", "sent") is None


@pytest.mark.parametrize(
    "ask",
    [
        lambda: allowed_events(Parcel, "snet"),
        lambda: reachable(Parcel, "snet"),
        lambda: shortest_path(Parcel, "snet", "sent"),
        lambda: shortest_path(Parcel, "sent", "snet"),
    ],
)
def test_a_state_that_is_not_there_is_answered_with_the_nearest(ask) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UnknownState, match="Parcel has no state 'snet': did you mean 'sent'"):
        ask()


class Island(StateChart):
    validate_disconnected_states = False

    home = RawState("home", initial=True)
    away = RawState("away")
    leave = home.to(away)
    come_back = away.to(home)
    island = RawState("island")
    swim = island.to(home)


class Trap(StateChart):
    validate_trap_states = False

    free = RawState("free", initial=True)
    pit = RawState("pit")
    fall = free.to(pit)


class Eclipse(StateChart):
    validate_disconnected_states = False
    validate_trap_states = False

    day = RawState("day", initial=True)
    night = RawState("night")
    dusk = day.to(night)
    dawn = night.to(day)
    night = day.to(day)  # type: ignore[assignment]  # the mistake that is to be found


class Namesake(StateChart):
    idle = RawState("idle", value="work", initial=True)
    busy = RawState("busy")
    work = idle.to(busy)
    rest = busy.to(idle)


@pytest.mark.parametrize(
    ("chart", "found"),
    [
        (Parcel, ()),
        (Island, ("state 'island' can't be reached from the initial state",)),
        (Trap, ("state 'pit' has no way out and is not final",)),
        (
            Eclipse,
            ("a transition uses a state (night) that the chart lost: does an event have the same name?",),
        ),
        (Namesake, ("event 'work' has the name of a state; rename it",)),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_likely_mistakes_are_found(chart: type[StateChart], found: tuple[str, ...]) -> None:
    assert lints(chart) == found


def test_a_breadth_first_walk_yields_the_nearest_nodes_first_and_can_stop_early() -> None:
    def leaving(number: int) -> tuple[tuple[str, int], ...]:
        asked.append(number)
        return (("double", 2 * number), ("add one", number + 1))

    asked: list[int] = []
    walk = breadth_first(1, leaving)

    assert [next(walk) for _ in range(4)] == [
        (1, ()),
        (2, ("double",)),
        (4, ("double", "double")),
        (3, ("double", "add one")),
    ]
    assert asked == [1, 2, 4]
