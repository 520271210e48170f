"""Histories that become tests."""

from __future__ import annotations

import runpy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, PrivateAttr, SecretStr

from statechart import Chart, ChartRepository, State
from statechart.storage.segments.size import Segment
from tests.statechart.cli.conftest import ORDERS, SHOP
from tests.statechart.cli.shop import Door, DoorChart, Order, OrderChart, SafeChart


class Tally(BaseModel):
    state: str = "open"
    names: list[str] = []
    _writes: int = PrivateAttr(0)


class TallyChart(Chart[Tally]):
    open = State(initial=True)
    write = open.to.itself()

    def on_write(self, model: Tally, name: str) -> None:
        model.names.append(name)
        model._writes += 1


class Shut(Chart[Door]):
    shut = State(initial=True)
    write = shut.to.itself()


class Renamed(Chart[Tally]):
    start = State(initial=True)
    open = State(final=True)
    write = start.to(open)


def test_a_recorded_state_that_the_chart_lost_is_unusable_and_left_out_of_the_test(
    cli: Any, tmp_path: Path
) -> None:
    doors = ChartRepository(tmp_path / "orders", DoorChart)
    doors.create("A-1", Door())
    doors.fire("A-1", "unlock", word="k")

    shown = cli("history", f"{__name__}:Renamed", "A-1", "--as-test", "test_a.py")
    refused = [
        cli(*words) for words in (("show", f"{__name__}:Shut", "A-1"), ("why", f"{__name__}:Shut", "A-1"))
    ]

    assert "the value of record 1 can't be used: Renamed has no state 'shut'" in shown.err
    runpy.run_path(str(tmp_path / "test_a.py"))["test_a_1"]()
    doors.create("B-1", Door())
    assert (
        "no record can be repeated: the value of"
        in cli("history", f"{__name__}:Renamed", "B-1", "--as-test").err
    )
    for ran in refused:
        assert (ran.code, "'A-1' is recorded in a state that needs a migration" in ran.err) == (7, True)
        assert f"next: python -m statechart verify {__name__}:Shut A-1\n" in ran.err


def test_private_attributes_are_not_compared(cli: Any, tmp_path: Path) -> None:
    tallies = ChartRepository(tmp_path / "orders", TallyChart)
    tallies.create("A-1", Tally())
    tallies.fire("A-1", "write", name="Ann")

    assert cli("history", f"{__name__}:TallyChart", "A-1", "--as-test", "test_a.py").code == 0

    runpy.run_path(str(tmp_path / "test_a.py"))["test_a_1"]()


def test_a_history_becomes_a_test_that_passes(
    cli: Any, orders: ChartRepository[Order], tmp_path: Path
) -> None:
    orders.create("A-1", Order(price=Decimal("7.50"), note='an "odd" note\n', tags=("x",)))
    orders.fire("A-1", "pay", amount=Decimal("7.5"))
    orders.fire("A-1", "ship")

    printed = cli("history", ORDERS, "A-1", "--as-test")
    written = cli("history", ORDERS, "A-1", "--as-test", "test_a.py")
    again = cli("history", ORDERS, "A-1", "--as-test", "test_a.py")

    assert (printed.code, printed.err) == (0, "")
    assert 'driver.fire("pay", amount=Decimal("7.5")).expect("paid")' in printed.out
    assert written.err == "written to test_a.py; run it with pytest test_a.py\n"
    assert (tmp_path / "test_a.py").read_text() == printed.out
    assert (again.code, "test_a.py exists" in again.err) == (2, True)
    assert f"next: python -m statechart history {ORDERS} A-1 --as-test OTHER.py\n" in again.err
    runpy.run_path(str(tmp_path / "test_a.py"))["test_a_1"]()


@pytest.mark.parametrize(
    ("chart", "payload", "said"),
    [
        (DoorChart, {"word": "k"}, "record 2 (unlock) can't be replayed: MissingPayload"),
        (SafeChart, {"code": SecretStr("1234")}, "its payload has a secret, which is not recorded"),
    ],
    ids=["not recorded", "secret"],
)
def test_what_can_not_be_replayed_is_said_and_skipped(
    cli: Any, tmp_path: Path, chart: Any, payload: dict[str, Any], said: str
) -> None:
    doors = ChartRepository(tmp_path / "orders", chart)
    doors.create("front", Door())
    doors.fire("front", "unlock", **payload)

    ran = cli("history", f"{SHOP}:{chart.__name__}", "front", "--as-test", "test_front.py")

    assert ran.code == 0
    assert said in ran.err
    written = (tmp_path / "test_front.py").read_text()
    assert "    # record 2 (unlock) can't be replayed" in written
    runpy.run_path(str(tmp_path / "test_front.py"))["test_front"]()


def test_a_change_without_an_event_is_said(
    cli: Any, orders: ChartRepository[Order], tmp_path: Path
) -> None:
    orders.create("A-1", Order(price=Decimal(7)))
    with orders.open("A-1") as session:
        changed = session.value.model_copy(update={"note": "later"})
        session.session.commit("amended", changed, expected=session.revision)
    orders.fire("A-1", "pay", amount=Decimal(7))

    ran = cli("history", ORDERS, "A-1", "--as-test", "test_a.py")

    assert "record 2 can't be replayed: it is of the type amended" in ran.err
    runpy.run_path(str(tmp_path / "test_a.py"))["test_a_1"]()


def test_a_history_without_its_first_segment_is_told_from_the_next(cli: Any, tmp_path: Path) -> None:
    orders = ChartRepository(tmp_path / "orders", OrderChart, segment=Segment(records=2))
    orders.create("A-1", Order(price=Decimal(7), note="x"))
    orders.fire("A-1", "pay", amount=Decimal(7))
    orders.fire("A-1", "ship")
    first, *_ = orders.files.segments("A-1")
    first.path.unlink()

    told, why = cli("history", ORDERS, "A-1"), cli("why", ORDERS, "A-1")
    written = cli("history", ORDERS, "A-1", "--as-test", "test_a.py")

    assert [ran.code for ran in (told, why, written)] == [0, 0, 0]
    assert "ship: paid → shipped" in told.out
    for said in (told.err, why.out, written.err):
        assert "records 1 to 2 of 'A-1' can't be read" in said
    assert cli("history", ORDERS, "A-1", "--json").document["missing"] == {"first_seq": 1, "last_seq": 2}
    runpy.run_path(str(tmp_path / "test_a.py"))["test_a_1"]()
