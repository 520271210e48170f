"""Layers: ranks by the declared order, few crossings, a straight main path, quickly."""

from __future__ import annotations

from hypothesis import given, strategies as st

from environments.lifecycle import Lifecycle
from statechart import Chart, Event, State
from statechart.formats.main_path import main_path
from statechart.formats.svg import choice
from statechart.formats.svg.layered.ordering import ordered
from statechart.formats.svg.layered.placing import Distance, Spring, levelled, placed
from statechart.formats.svg.layered.planning import plan
from statechart.formats.svg.layered.ranking import ranks
from statechart.picture import Marks, Visit, compose

LINKS = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20)


class Sale(Chart):
    """Two ways to a parcel, each with returns: their wires would cross in a line."""

    asked = State(initial=True)
    dropped = State(final=True)
    offered, called, ordered, refused = State(), State(), State(), State(final=True)
    changed, paid, packed, sent, received = State(), State(), State(), State(), State(final=True)
    returned = State()
    drop, offer, call = Event(asked.to(dropped)), Event(asked.to(offered)), Event(asked.to(called))
    order, refuse, take = Event(offered.to(ordered)), Event(called.to(refused)), Event(called.to(packed))
    change, renew, pay = Event(ordered.to(changed)), Event(changed.to(offered)), Event(ordered.to(paid))
    pack, ship, receive = Event(paid.to(packed)), Event(packed.to(sent)), Event(sent.to(received))
    give_back, ask = Event(sent.to(returned)), Event(returned.to(asked))


@given(links=LINKS)
def test_no_link_joins_two_of_one_rank(links: list[tuple[int, int]]) -> None:
    rank = ranks(8, links)

    assert all(rank[source] != rank[target] for source, target in links if source != target)
    assert sorted(set(rank)) == list(range(max(rank) + 1))


def test_links_against_the_declared_order_lead_back() -> None:
    assert ranks(4, [(0, 1), (1, 2), (2, 3), (3, 1), (2, 0)]) == [0, 1, 2, 3]


def test_an_order_declared_backwards_is_left() -> None:
    assert ranks(5, [(0, 4), (4, 3), (3, 2), (2, 1)]) == [0, 4, 3, 2, 1]


def test_vertices_without_links_come_last() -> None:
    assert ranks(4, [(0, 1), (1, 3)])[2] == 2


def test_crossings_that_can_be_avoided_are_avoided() -> None:
    links = [(0, 6), (1, 5), (2, 4), (2, 3), (3, 9), (4, 8), (5, 8), (6, 7)]

    layers = ordered([[0, 1, 2], [3, 4, 5, 6], [7, 8, 9]], links)

    place = {vertex: index for layer in layers for index, vertex in enumerate(layer)}
    pairs = [
        (one, other)
        for upper in (layers[0], layers[1])
        for one in links
        for other in links
        if one[0] in upper and other[0] in upper
    ]
    assert all(
        (place[one[0]] - place[other[0]]) * (place[one[1]] - place[other[1]]) >= 0 for one, other in pairs
    )


def test_springs_are_straight_where_distances_allow() -> None:
    values = placed(4, [Distance(0, 1, 10), Distance(2, 3, 30)], [Spring(0, 2), Spring(1, 3)])

    assert values[3] - values[2] >= 30
    assert values[1] - values[0] >= 10
    assert values[0] == values[2] or values[1] == values[3]


def test_ports_keep_apart_within_their_side() -> None:
    assert levelled([0, 0, 0], 10, -50, 50) == [-10, 0, 10]
    assert levelled([90, 91], 10, -50, 50) == [40, 50]
    assert levelled([0, 0, 0], 10, -5, 5) == [-5, 0, 5]


def test_the_main_path_is_straight_in_both_directions() -> None:
    picture = compose(Lifecycle, Marks())
    path = set(main_path(picture, to_final=True))

    lying, upright = (plan(picture, upright=turned) for turned in (False, True))

    assert len({round(box.y + box.height / 2, 3) for box in lying.boxes if box.state in path}) == 1
    assert len({round(box.x + box.width / 2, 3) for box in upright.boxes if box.state in path}) == 1


def test_the_same_picture_gives_the_same_plan() -> None:
    assert plan(compose(Sale, Marks())) == plan(compose(Sale, Marks()))


def test_layers_take_over_where_a_line_would_tangle() -> None:
    simple, tangled = compose(Lifecycle, Marks()), compose(Sale, Marks())

    assert choice.plan(simple) == choice.plan(simple, layout="line")
    assert choice.plan(tangled) == choice.plan(tangled, layout="layered")
    assert choice.plan(tangled).crossings < choice.plan(tangled, layout="line").crossings


def test_a_way_that_was_taken_does_not_change_the_layout() -> None:
    way = [("asked", "offer", "offered"), ("offered", "order", "ordered"), ("ordered", "change", "changed")]
    taken = compose(
        Sale, Marks("changed", True, [Visit(*step, "", "12:00:01Z") for step in way], "too late")
    )

    for upright in (False, True):
        assert choice.plan(taken, upright=upright) == choice.plan(taken, upright=upright, layout="layered")
