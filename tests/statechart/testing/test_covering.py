"""Paths that cover a chart, and the cells of its matrix."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from environments.lifecycle import Lifecycle, Subject
from statechart import Chart, Event, State
from statechart.errors import InvalidTransition, UnknownEvent
from statechart.graph import edges, states
from statechart.testing import Driver, Uncoverable, matrix, paths
from statechart.testing.covering import Cover, Path
from statechart.testing.exploring import LIMIT


def trying() -> Subject:
    return Subject(run_under_way=True)


@dataclass
class Coin:
    state: str | None = None
    credit: int = 0


class Turnstile(Chart):
    """Its guards depend on earlier hooks, and its credit is unlimited."""

    locked = State("locked", initial=True)
    unlocked = State("unlocked")
    broken = State("broken", final=True)

    coin = Event(locked.to(locked, cond="short") | locked.to(unlocked, cond="!short"), name="coin")
    push = Event(unlocked.to(locked), name="push")
    kick = Event(locked.to(broken) | unlocked.to(broken), name="kick")

    @staticmethod
    def new_model() -> Coin:
        return Coin()

    def short(self, model: Coin) -> bool:
        """The credit is short."""
        return model.credit < 3

    def on_coin(self, model: Coin) -> None:
        model.credit += 1


def taken(found: tuple[Path, ...]) -> set[tuple[str, str, str]]:
    return {
        (source, event, target)
        for path in found
        for source, event, target in zip(path.states, path.events, path.states[1:], strict=False)
    }


def all_edges(chart: type[Chart]) -> set[tuple[str, str, str]]:
    return {(edge.source, edge.event, edge.target) for edge in edges(chart)}


def test_edges_take_every_transition_and_drive() -> None:
    found = paths(Lifecycle, "edges", model=trying)

    assert taken(found) == all_edges(Lifecycle)
    assert {path.drive().state for path in found} >= {"destroyed", "run_failed", "running"}
    assert {path.states[0] for path in found} == {"created"}


def test_every_path_covers_a_new_goal() -> None:
    found = paths(Lifecycle, "edges", model=trying)

    for path in found:
        assert taken(tuple(other for other in found if other is not path)) != taken(found)


def test_edge_pairs_take_every_two_that_can_follow_on_each_other() -> None:
    found = paths(Lifecycle, "edge-pairs", model=trying)

    pairs = {pair for path in found for pair in zip(path.events, path.events[1:], strict=False)}
    assert taken(found) == all_edges(Lifecycle)
    assert ("release", "destroy") in pairs
    assert ("fail", "fail") in pairs
    met = {
        (path.states[at : at + 3], path.events[at : at + 2])
        for path in found
        for at in range(len(path.events) - 1)
    }
    assert met == {
        ((a.source, a.target, b.target), (a.event, b.event))
        for a in edges(Lifecycle)
        for b in edges(Lifecycle)
        if a.target == b.source
    }


def test_shortest_leads_to_every_state_and_no_way_is_shorter() -> None:
    found = {path.states[-1]: path for path in paths(Lifecycle, "shortest", model=trying)}

    assert found.keys() == set(states(Lifecycle)) - {"created"}
    assert found["running"].events == ("register", "configure", "complete", "release", "complete", "run")
    assert found["destroyed"].events == ("destroy",)


@pytest.mark.parametrize("cover", ["edges", "edge-pairs", "shortest"])
def test_guards_and_hooks_decide_where_events_lead(cover: str) -> None:
    found = paths(Turnstile, cover)  # type: ignore[arg-type]

    unlocking = next(path for path in found if "unlocked" in path.states)
    assert unlocking.events[:4] == ("coin", "coin", "coin", "coin")
    for path in found:
        path.drive()


def test_a_model_without_end_is_looked_at_only_so_far() -> None:
    class Unbreakable(Chart):
        locked = State(initial=True)
        broken = State(final=True)
        coin = Event(locked.to(locked))
        kick = Event(locked.to(broken, cond="is_rich"))

        @staticmethod
        def new_model() -> Coin:
            return Coin()

        def is_rich(self, model: Coin) -> bool:
            """It has too little credit."""
            return model.credit > LIMIT

        def on_coin(self, model: Coin) -> None:
            model.credit += 1

    with pytest.raises(Uncoverable, match="no path of Unbreakable takes kick from locked"):
        paths(Unbreakable)


@pytest.mark.parametrize("cover", ["shortest", "edges", "edge-pairs"])
def test_the_search_ends_when_all_is_covered_though_the_model_grows(cover: Cover) -> None:
    fired: list[str] = []

    class Counted(Chart):
        locked = State(initial=True)
        broken = State(final=True)
        coin = Event(locked.to(locked))
        kick = Event(locked.to(broken))

        @staticmethod
        def new_model() -> Coin:
            return Coin()

        def on_coin(self, model: Coin) -> None:
            fired.append("coin")
            model.credit += 1

    assert len(paths(Counted, cover)) >= 1
    assert len(fired) < 10


def test_transitions_that_guards_forbid_are_reported_with_advice() -> None:
    with pytest.raises(Uncoverable) as raised:
        paths(Lifecycle)

    assert str(raised.value) == (
        "no path of Lifecycle takes fail from released to run_failed (run_attempted: no run is under way "
        "that could fail, with run_under_way=False); fail from run_failed to run_failed (run_attempted: "
        "no run is under way that could fail, with run_under_way=False): give a model or payloads with "
        "which the guards agree, or leave them out with without=['fail']"
    )
    assert {edge.source for edge in raised.value.missing} == {"released", "run_failed"}


@dataclass
class Parcel:
    state: str | None = None
    weight: int = 30
    limit: int = 20

    def is_light(self) -> bool:
        return self.weight <= self.limit


class Parcels(Chart):
    packed = State("packed", initial=True)
    sent = State("sent")
    returned = State("returned", final=True)
    weighed = State("weighed", final=True)

    post = Event(
        packed.to(sent, cond=["signed", "fits"]) | packed.to(weighed, cond="weight < 5"), name="post"
    )
    give_back = Event(sent.to(returned), name="give_back")

    @staticmethod
    def new_model() -> Parcel:
        return Parcel()

    def signed(self, by: str = "") -> bool:
        """Nobody signed."""
        return bool(by)

    def fits(self, model: Parcel) -> bool:
        """It is too heavy."""
        return model.is_light()


class Lamp(Chart):
    off = State("off", initial=True)
    on = State("on", final=True)

    press = Event(off.to(on, cond="powered") | off.to(off), name="press")

    def powered(self) -> bool:
        return False


def test_the_guard_in_the_way_is_named_with_the_values_that_it_looks_at() -> None:
    with pytest.raises(Uncoverable) as unsigned:
        paths(Parcels)
    with pytest.raises(Uncoverable) as heavy:
        paths(Parcels, payloads={"post": {"by": "ann"}})
    with pytest.raises(Uncoverable) as dark:
        paths(Lamp)

    assert "takes post from packed to sent (signed: nobody signed, with by=''); " in str(unsigned.value)
    assert (
        "takes post from packed to sent (fits: it is too heavy, with weight=30, limit=20); post from packed "
        "to weighed (weight < 5 is false, as weight is 30); give_back from sent to returned (sent is never "
        "reached): give a model"
    ) in str(heavy.value)
    assert "press from off to on (guard powered refuses; it led to off instead)" in str(dark.value)


def test_events_can_be_left_out() -> None:
    found = paths(Lifecycle, "shortest", without=["fail", "register"])

    assert {event for path in found for event in path.events}.isdisjoint(["fail", "register"])
    assert {path.states[-1] for path in found} == {
        state for state in states(Lifecycle) if not state.endswith("_failed") and state != "created"
    }


def test_a_path_that_leads_elsewhere_fails_where_it_does() -> None:
    lying = Path(Lifecycle, ("provision", "complete"), ("created", "provisioning", "configured"))

    with pytest.raises(
        AssertionError, match="it is provisioned, not configured, after provision, complete"
    ):
        lying.drive()
    with pytest.raises(InvalidTransition):
        lying.drive(Driver(Lifecycle, state="destroyed"))


def test_wrong_arguments_are_reported() -> None:
    with pytest.raises(ValueError, match="there is no cover 'edge': use edges, edge-pairs, shortest"):
        paths(Lifecycle, "edge")  # type: ignore[arg-type]
    with pytest.raises(UnknownEvent, match="did you mean 'fail'"):
        paths(Lifecycle, without=["fial"])
    with pytest.raises(UnknownEvent, match="did you mean 'run'"):
        paths(Lifecycle, payloads={"runn": {}})


@pytest.mark.parametrize("cell", matrix(Lifecycle), ids=str)
def test_every_cell_of_the_matrix_agrees_with_the_chart(cell) -> None:  # type: ignore[no-untyped-def]
    cell.check()


def test_the_matrix_distinguishes_declared_from_allowed_events() -> None:
    cells = matrix(Lifecycle)

    assert len(cells) == 13 * 9
    assert sum(cell.declared for cell in cells) == 48
    assert sum(cell.allowed for cell in cells) == 46
    assert sum(cell.allowed for cell in matrix(Lifecycle, model=trying)) == 48
    assert sum(cell.allowed for cell in matrix(Lifecycle, model=lambda: Subject(teardown_begun=True))) == 12
