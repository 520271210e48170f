"""A flat chart grows states within states and timers: its old histories are migrated when they are read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from statechart import (
    Chart,
    ChartRepository,
    Configuration,
    IllegalConfiguration,
    JsonFileRepository,
    MigrationFailed,
    NewerSchema,
    State,
    StatechartError,
    Timer,
    UnknownState,
    fire_due,
)
from statechart.errors import UnfitValue
from statechart.stored.migrations import nest_states
from tests.statechart.stored.trade import Order, OrderChart


class Flat(BaseModel, frozen=True):
    state: str | None = None
    note: str = ""


class FlatChart(Chart[Flat]):
    draft = State(initial=True)
    released = State()
    sent = State(final=True)

    release = draft.to(released)
    send_off = released.to(sent)


class Grown(BaseModel, frozen=True):
    state: Configuration | None = None
    note: str = ""


class GrownChart(Chart[Grown]):
    draft = State(initial=True)

    class released(State.Parallel):
        class parcel(State.Compound):
            picking = State(initial=True)
            packed = State(final=True)
            pack = picking.to(packed)

        class letter(State.Compound):
            writing = State(initial=True)
            written = State(final=True)
            write = writing.to(written)

    delivered = State(final=True)
    stale = State(final=True)

    release = draft.to(released)
    send_off = released.to(delivered)
    spoil = released.to(stale)
    reopen = released.to(released)

    timers = (Timer(released, after=timedelta(days=1), event=spoil),)


MIGRATIONS = {1: nest_states(GrownChart, {"sent": "delivered"})}


def grown(place: str) -> ChartRepository[Grown]:
    return ChartRepository(place, GrownChart, schema_version=2, migrations=MIGRATIONS)


@pytest.fixture
def place(any_place: str) -> str:
    flat = ChartRepository(any_place, FlatChart)
    for name in ("A", "B"):
        flat.create(name, Flat(note=name))
        flat.fire(name, "release")
    flat.fire("B", "send_off")
    return any_place


def test_old_values_are_in_the_configuration_that_is_entered_with_their_state(place: str) -> None:
    values = grown(place)

    found = values.load("A")

    assert (str(found.state), found.note) == ("picking + writing", "A")
    assert found.state is not None
    assert found.state.timers == {}
    assert GrownChart.released in found.state
    assert values.find("released") == ["A"]
    assert values.find("delivered") == ["B"]


def test_old_transitions_speak_of_todays_states_and_are_verified_against_them(place: str) -> None:
    values = grown(place)
    values.fire("A", "pack")

    records = values.history("A")
    reports = values.verify(chart=True)

    assert [(record.data.get("from_state"), record.to_state) for record in records][1:] == [
        ("draft", "picking + writing"),
        ("picking + writing", "packed + writing"),
    ]
    assert [each.problems for each in reports] == [(), ()]


def test_a_timer_begins_when_its_state_is_entered_again(place: str) -> None:
    values = grown(place)
    in_two_days = datetime.now(UTC) + timedelta(days=2)

    with values.open("A") as held:
        assert fire_due(held.session, GrownChart, in_two_days) == ()
        held.fire("reopen")
        (spoilt,) = fire_due(held.session, GrownChart, in_two_days)

    assert (spoilt.timer, spoilt.to_state) == ("released.spoil", "stale")
    assert values.verify("A")[0].problems == ()


def test_a_program_with_the_flat_chart_refuses_what_the_new_one_wrote(place: str) -> None:
    grown(place).fire("A", "pack")
    flat = ChartRepository(place, FlatChart)

    with pytest.raises(NewerSchema):
        flat.load("A")
    with pytest.raises(NewerSchema):
        flat.fire("A", "send_off")

    assert flat.load("B").state == "sent"  # nothing was written for it since


def test_a_migration_into_states_that_contradict_each_other_is_refused(place: str) -> None:
    with pytest.raises(IllegalConfiguration, match="GrownChart can't be in"):
        nest_states(GrownChart, {"released": ("picking", "packed")})
    with pytest.raises(UnknownState, match="did you mean 'packed'"):
        nest_states(GrownChart, {"released": "pakced + written"})


def test_a_state_without_a_successor_fails_the_migration(place: str) -> None:
    values = ChartRepository(place, GrownChart, schema_version=2, migrations={1: nest_states(GrownChart)})

    with pytest.raises(MigrationFailed, match="GrownChart has no state 'sent'"):
        values.load("B")


def test_states_that_are_active_together_are_named_by_their_text(place: str) -> None:
    into = {"released": "packed + writing", "sent": "delivered"}
    values = ChartRepository(
        place, GrownChart, schema_version=2, migrations={1: nest_states(GrownChart, into)}
    )

    assert str(values.load("A").state) == "packed + writing"


def test_without_a_migration_the_error_asks_for_one(place: str) -> None:
    with pytest.raises(UnfitValue, match="it needs a migration"):
        ChartRepository(place, GrownChart).load("A")


MOMENT = datetime(2030, 1, 1, tzinfo=UTC)

ILLEGAL: dict[str, tuple[dict[str, Any], str]] = {
    "two children": ({"active": ("awaiting", "paid", "packing")}, "awaiting, paid of payment are active"),
    "a missing region": ({"active": ("awaiting",)}, "open is active without its shipment"),
    "two states": ({"active": ("draft", "paused")}, "draft, paused are active together"),
    "a state around others": ({"active": ("open",)}, "'open' has states within it"),
    "a history state": ({"active": ("where_it_was",)}, "'where_it_was' is a history state"),
    "a state twice": ({"active": ("paused", "paused")}, "a state is there twice"),
    "an unknown state": ({"active": ("waiting", "packing")}, "did you mean 'awaiting'?"),
    "an unknown timer": ({"active": ("paused",), "timers": {"x.y": MOMENT}}, "it has the timer 'x.y'"),
    "a misspelt timer": (
        {"active": ("paused",), "timers": {"pausd.expire": MOMENT}},
        "the timer 'pausd.expire', which the chart does not have: did you mean 'paused.expire'?",
    ),
    "a misspelt history": (
        {"active": ("paused",), "history": {"where_it_is": ("paid",)}},
        "the history 'where_it_is', which the chart does not have: did you mean 'where_it_was'?",
    ),
    "a timer of another state": (
        {"active": ("draft",), "timers": {"paused.expire": MOMENT}},
        "its timer 'paused.expire' runs, and paused is not active",
    ),
    "an unknown history": ({"active": ("paused",), "history": {"was": ("paid",)}}, "the history 'was'"),
    "an impossible history": (
        {"active": ("paused",), "history": {"where_it_was": ("paid", "awaiting")}},
        "its history 'where_it_was' can't remember paid, awaiting",
    ),
}


@pytest.mark.parametrize("name", ILLEGAL)
def test_an_illegal_recorded_configuration_is_refused_and_other_names_go_on(
    tmp_path: Any, name: str
) -> None:
    fields, told = ILLEGAL[name]
    orders = ChartRepository(tmp_path, OrderChart)
    orders.create("good", Order())
    JsonFileRepository(tmp_path, Order).create("bad", Order(state=Configuration(**fields)))

    for refused in (
        lambda: orders.fire("bad", "resume"),
        lambda: orders.allowed("bad"),
        lambda: orders.summary("bad"),
    ):
        with pytest.raises(UnknownState) as error:
            refused()
        assert "'bad' is recorded in a" in str(error.value)
        assert "needs a migration" in str(error.value)
        assert told in str(error.value)
    damaged: dict[str, StatechartError] = {}
    assert orders.find("draft", on_damage=lambda bad, error: damaged.update({bad: error})) == ["good"]
    assert set(damaged) == {"bad"}
    orders.fire("good", "place")
    assert [len(report.problems) for report in orders.verify()] == [1, 0]


def test_an_illegal_configuration_is_an_unknown_state(tmp_path: Any) -> None:
    with pytest.raises(IllegalConfiguration):
        Configuration.of(OrderChart, "awaiting", "paid")


def test_values_are_found_by_states_at_any_depth(tmp_path: Any) -> None:
    orders = ChartRepository(tmp_path, OrderChart)
    for name, events in {"a": (), "b": ("place",), "c": ("place", "pack"), "d": ("place", "pause")}.items():
        orders.create(name, Order())
        for event in events:
            orders.fire(name, event)

    assert orders.find("open") == ["b", "c"]
    assert orders.find("packed") == ["c"]
    assert orders.find("awaiting + packing") == ["b"]
    assert orders.find(["paused", "draft"]) == ["a", "d"]
    with pytest.raises(UnknownState, match="did you mean 'packed'"):
        orders.find("packt")
