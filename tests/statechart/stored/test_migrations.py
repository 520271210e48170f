"""A chart and its model change; the histories that were written before are read as if they had been so."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from statechart import Chart, ChartRepository, Event, MigrationFailed, Record, State
from statechart.stored.migrations import (
    Fields,
    add_field,
    remove_field,
    rename_event,
    rename_field,
    rename_payload,
    rename_state,
    split_field,
    split_state,
    steps,
)


class Parcel(BaseModel, frozen=True, extra="forbid"):
    state: str = "open"
    sum: int = 0
    note: str = ""


class ParcelChart(Chart[Parcel]):
    open = State(initial=True)
    packed = State()
    sent = State(final=True)

    touch = Event(open.to(open))
    pack = Event(open.to(packed))
    unpack = Event(packed.to(open))
    ship = Event(packed.to(sent))


class Order(BaseModel, frozen=True, extra="forbid"):
    state: str = "cheap"
    price: int
    currency: str


class OrderChart(Chart[Order]):
    cheap = State(initial=True)
    dear = State()
    ready = State()
    sent = State(final=True)

    touch = Event(cheap.to(cheap) | dear.to(dear))
    pack = Event(ready.from_(cheap, dear))
    unpack = Event(ready.to(dear))
    send_off = Event(ready.to(sent))


def by_price(fields: Fields) -> str:
    return "dear" if int(str(fields["sum"])) > 100 else "cheap"


MIGRATIONS = {
    1: steps(rename_state("packed", "ready"), split_state("open", by=by_price)),
    2: steps(rename_field("sum", "price"), add_field("currency", "EUR"), remove_field("note")),
    3: rename_event("ship", "send_off"),
}


@pytest.fixture
def parcels(tmp_path: Path) -> ChartRepository[Parcel]:
    parcels = ChartRepository(tmp_path / "orders", ParcelChart)
    for name, price in (("a", 50), ("b", 500), ("c", 5000)):
        parcels.create(name, Parcel(sum=price, note="n"))
    for event in ("touch", "pack", "unpack", "pack", "ship"):
        parcels.fire("b", event)
    return parcels


@pytest.fixture
def orders(parcels: ChartRepository[Parcel]) -> ChartRepository[Order]:
    return ChartRepository(parcels.files.root, OrderChart, schema_version=4, migrations=MIGRATIONS)


def test_values_and_histories_are_read_as_if_they_had_always_been_so(
    orders: ChartRepository[Order],
) -> None:
    assert orders.load("a") == Order(state="cheap", price=50, currency="EUR")
    assert orders.find(state="dear") == ["c"]
    assert orders.at("b", revision=1) == Order(state="dear", price=500, currency="EUR")
    told = [(each.event, each.data.get("from_state"), each.to_state) for each in orders.history("b")[1:]]
    assert told == [
        ("touch", "dear", "dear"),
        ("pack", "dear", "ready"),
        ("unpack", "ready", "dear"),
        ("pack", "dear", "ready"),
        ("send_off", "ready", "sent"),
    ]
    assert [(each.event, each.from_state, each.to_state) for each in orders.changes() if each.event] == told
    assert all(report.intact for report in orders.verify(chart=True))


def test_a_migrated_value_goes_on(orders: ChartRepository[Order]) -> None:
    assert orders.fire("c", OrderChart.pack) == Order(state="ready", price=5000, currency="EUR")

    last = orders.history("c")[-1]
    assert (last.data["from_state"], last.to_state, last.schema_version) == ("dear", "ready", 4)
    assert all(report.intact for report in orders.verify(chart=True))
    assert orders.find(state="ready") == ["c"]


def halves(total: int) -> dict[str, int]:
    return {"net": total // 2, "tax": total - total // 2}


def test_fields_are_split_and_payloads_renamed() -> None:
    record = Record(
        seq=2,
        revision=2,
        type="transition",
        at=datetime(2026, 1, 31, tzinfo=UTC),
        actor="ann",
        operation=None,
        schema_version=1,
        prev="",
        data={"event": "pay", "from_state": "a", "to_state": "a", "payload": {"sum": 3, "by": "cash"}},
        value={"state": "a", "sum": 3, "note": ""},
    )

    migrated = steps(split_field("sum", by=halves), rename_payload("pay", "sum", "amount"))(record)

    assert migrated.value == {"state": "a", "note": "", "net": 1, "tax": 2}
    assert migrated.payload == {"amount": 3, "by": "cash"}
    assert rename_payload("ship", "sum", "amount")(record) == record
    assert split_field("total", by=halves)(record) == record
    with pytest.raises(ValueError, match="there is 'note' beside 'sum'"):
        split_field("sum", by=lambda _: {"note": 1})(record)


def test_no_state_is_split_into_one_that_the_chart_lacks(parcels: ChartRepository[Parcel]) -> None:
    migrations = {1: split_state("open", by=lambda _fields: "chaep")}
    orders: ChartRepository[Any] = ChartRepository(
        parcels.files.root, ParcelChart, schema_version=2, migrations=migrations
    )

    (report,) = orders.verify("a")

    assert [(problem.record, problem.what) for problem in report.problems] == [
        (1, "ParcelChart has no state 'chaep': known are open, packed, sent")
    ]


def unlucky(_fields: Fields) -> str:
    raise KeyError("weight")


@pytest.mark.parametrize(
    ("migration", "problem"),
    [
        (split_state("open", by=unlucky), "KeyError: 'weight'"),
        (rename_field("sum", "note"), "there is 'note' beside 'sum'"),
        (lambda _record: None, "it returned a NoneType, not a Record"),
    ],
    ids=["raises", "taken", "nothing"],
)
def test_a_migration_that_fails_names_record_version_and_file(
    parcels: ChartRepository[Parcel], migration: Any, problem: str
) -> None:
    orders: ChartRepository[Any] = ChartRepository(
        parcels.files.root, ParcelChart, schema_version=2, migrations={1: migration}
    )

    with pytest.raises(MigrationFailed, match=problem) as raised:
        orders.load("a")

    error = raised.value
    assert (error.line, error.version, error.path.name) == (1, 1, "history.jsonl")
    (report,) = orders.verify("a")
    (found,) = report.problems
    assert (found.record, found.file) == (1, error.path)
    assert problem in found.what
