"""The reasons of refusals: each candidate is told, and each guard in its own words."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, computed_field

from statechart import (
    Chart,
    ChartDefinitionError,
    Event,
    InvalidTransition,
    JsonFileRepository,
    State,
    fire,
)
from statechart.graph import guard_reason


class Approval(Chart):
    open_ = State("open", value="open", initial=True)
    approved = State("approved", final=True)

    vote = Event(
        open_.to(approved, cond="is_last")
        | open_.to(open_, cond="is_new")
        | open_.to(approved, cond="is_chair")
    )
    close = Event(open_.to(approved, cond="is_last") | open_.to(open_, cond="is_last"))

    def is_last(self) -> bool:
        """More votes are needed."""
        return False

    def is_new(self, by: str) -> bool:
        """You have voted already."""
        return by != "ann"

    def is_chair(self) -> bool:
        return False


def test_a_refusal_has_the_reason_of_each_candidate_in_order() -> None:
    with pytest.raises(InvalidTransition) as caught:
        Approval().fire(Approval.vote, by="ann")

    refused = caught.value
    assert refused.reasons == ("more votes are needed", "you have voted already", "guard is_chair refuses")
    assert refused.targets == ("approved", "open", "approved")
    assert refused.reason == "more votes are needed"
    assert str(refused) == (
        "cannot vote in state open: to approved: more votes are needed; to open: you have voted already; "
        "to approved: guard is_chair refuses; allowed now is nothing"
    )
    assert vars(pickle.loads(pickle.dumps(refused))) == vars(refused)


def test_candidates_with_one_reason_are_told_once() -> None:
    with pytest.raises(InvalidTransition) as caught:
        Approval().fire(Approval.close)

    assert caught.value.reasons == ("more votes are needed", "more votes are needed")
    assert str(caught.value) == "cannot close in state open: more votes are needed; allowed now is nothing"


def closed() -> bool:
    """The road is closed."""
    return False


@dataclass
class Traveller:
    state: str = "home"
    has_map: bool = False
    km: int = 9
    luck: int = 0
    owner: str | None = None
    letter: str = "a" * 99
    bags: tuple[str, ...] = ()
    friends: list[str] = field(default_factory=lambda: ["ann"])

    @property
    def tired(self) -> bool:
        return False

    @property
    def rested(self) -> bool:
        """The traveller is tired."""
        return False

    @cached_property
    def rich(self) -> bool:
        """URL-less; it has no money."""
        return False

    def fit(self, limit: int = 3) -> bool:
        """It is too far."""
        return self.km < limit

    @staticmethod
    def lucky() -> bool:
        """Luck is out."""
        return False

    def brave(self) -> bool:
        return True


REASONS: dict[str, tuple[Any, str]] = {
    "attribute": ("has_map", "has_map is False"),
    "collection": ("bags", "bags is empty"),
    "collection that is not wanted": ("not friends", "friends is ['ann']"),
    "nothing": ("owner", "owner is None"),
    "number": ("luck", "luck is 0"),
    "long text": ("not letter", f"letter is '{'a' * 38}…"),
    "property without a docstring": ("tired", "tired is False"),
    "property": ("rested", "the traveller is tired"),
    "cached property": ("rich", "URL-less; it has no money"),
    "method": ("fit", "it is too far"),
    "static method": ("lucky", "luck is out"),
    "method without a docstring": ("not brave", "guard brave refuses"),
    "function": (closed, "the road is closed"),
    "list": (["brave", "rested"], "the traveller is tired"),
    "first of a conjunction": ("has_map and rested", "has_map is False"),
    "second of a conjunction": ("brave and rested", "the traveller is tired"),
    "all of a disjunction": ("has_map or fit", "has_map is False and it is too far"),
    "negated conjunction": ("not (brave and not has_map)", "guard brave refuses and has_map is False"),
    "negated disjunction": ("not (has_map or brave)", "guard brave refuses"),
    "operators": ("!has_map ^ fit", "it is too far"),
    "comparison": ("brave and km < 5", "km < 5 is false, as km is 9"),
    "unwanted comparison": ("not km > luck", "km > luck is true, as km is 9 and luck is 0"),
    "nested": ("(has_map or brave) and (rested or fit)", "the traveller is tired and it is too far"),
}


def trip(cond: Any, **body: Any) -> type[Chart]:
    class Trip(Chart):
        home = State("home", initial=True)
        away = State("away", final=True)
        leave = Event(home.to(away, cond=cond), name="leave")

        vars().update(body)

    return Trip


@pytest.mark.parametrize("case", REASONS)
def test_the_part_of_a_guard_that_refuses_is_told_in_its_own_words(case: str) -> None:
    cond, expected = REASONS[case]
    chart = trip(cond)

    with pytest.raises(InvalidTransition) as caught:
        chart(Traveller()).fire(chart.event("leave"))

    assert caught.value.reasons == (expected,)


def test_an_attribute_of_the_chart_has_no_docstring_of_its_own() -> None:
    chart = trip("has_map", has_map=False)

    with pytest.raises(InvalidTransition, match="cannot leave in state home: has_map is False; allowed"):
        chart().fire(chart.event("leave"))
    assert guard_reason(chart, "has_map") == "guard has_map refuses"


def test_the_reason_is_known_without_a_machine() -> None:
    assert guard_reason(trip(closed), "closed") == "the road is closed"
    assert guard_reason(Approval, "is_last") == "more votes are needed"
    assert guard_reason(trip("a and b"), "a and b") == "guard a and b refuses"


class Stored(BaseModel, frozen=True):
    state: str = "home"
    has_map: bool = False

    @property
    def rested(self) -> bool:
        """You are tired."""
        return self.has_map

    @computed_field  # type: ignore[prop-decorator]
    @property
    def equipped(self) -> bool:
        """You lack a map."""
        return self.has_map

    def fit(self, limit: int = 3) -> bool:
        """It is too far."""
        return self._far() < limit

    def _far(self) -> int:
        return 9


DURABLE: dict[str, tuple[str, str]] = {
    "field": ("has_map", "has_map is False"),
    "property": ("rested", "you are tired"),
    "computed field": ("equipped", "you lack a map"),
    "method": ("fit", "it is too far"),
}


@pytest.mark.parametrize("case", DURABLE)
def test_guards_of_a_stored_value_are_asked_and_told(case: str, tmp_path: Path) -> None:
    cond, expected = DURABLE[case]
    chart, store = trip(cond), JsonFileRepository(tmp_path, Stored)
    for name, value in {"refused": Stored(), "allowed": Stored(has_map=True)}.items():
        store.create(name, value)

    with store.open("refused") as session, pytest.raises(InvalidTransition) as caught:
        fire(session, chart, chart.event("leave"))
    with store.open("allowed") as session:
        done = fire(session, chart, chart.event("leave"), **({"limit": 10} if cond == "fit" else {}))

    assert caught.value.reasons == (expected,)
    assert done.state == "away"


def test_two_models_of_one_name_are_not_mixed_up(tmp_path: Path) -> None:
    def model(answer: Callable[[Any], bool]) -> type[Any]:
        class Twin(BaseModel, frozen=True):
            state: str = "home"
            ready = answer

        return Twin

    chart = trip("ready")
    for allowed, kind in {False: model(lambda self: False), True: model(lambda self: True)}.items():
        store: JsonFileRepository[Any] = JsonFileRepository(tmp_path / str(allowed), kind)
        store.create("x", kind())
        with store.open("x") as session:
            if allowed:
                fire(session, chart, chart.event("leave"))
            else:
                with pytest.raises(InvalidTransition):
                    fire(session, chart, chart.event("leave"))


class Parcel(BaseModel):
    state: str = "packed"
    weight: int = 0

    @property
    def is_light(self) -> bool:
        return 1 / self.weight > 1


def parcel_chart(guard: str) -> type[Chart[Parcel]]:
    class ParcelChart(Chart[Parcel]):
        packed = State(initial=True)
        sent = State(final=True)
        send_it = packed.to(sent, cond=guard)

    return ParcelChart


def test_a_guard_may_ask_for_the_state() -> None:
    assert parcel_chart("In('packed') and weight == 0")(Parcel()).enabled() == ("send_it",)
    assert parcel_chart("In('sent')")(Parcel()).refusals() == {"send_it": "the state is not sent"}
    assert parcel_chart("not In('packed')")(Parcel()).refusals() == {"send_it": "the state is packed"}
    with pytest.raises(ChartDefinitionError, match=r"In\('snet'\), and the chart .*: did you mean 'sent'"):
        parcel_chart("In('snet')")


def test_a_property_that_raises_refuses() -> None:
    machine = parcel_chart("is_light")(Parcel())
    assert machine.refusals() == {"send_it": "guard is_light refuses"}
    with pytest.raises(ZeroDivisionError):
        machine.send("send_it")


def test_a_guard_named_like_an_attribute_of_a_machine_is_told() -> None:
    with pytest.raises(ChartDefinitionError, match="'state' can't be a guard or hook, as each machine has"):
        parcel_chart("state == 'packed'")(Parcel())
