"""A store that is bound to a chart."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest
from pydantic import BaseModel, Field

from statechart import (
    AlreadyExists,
    Chart,
    ChartDefinitionError,
    ChartRepository,
    DamagedNames,
    Event,
    InvalidTransition,
    InvalidValue,
    Locked,
    MissingPayload,
    NoSuchMoment,
    NotFound,
    Record,
    Stale,
    State,
    StorageError,
    UnknownEvent,
    UnknownState,
)
from statechart.storage.segments.size import Segment
from statechart.stored.reading.listing import Summary


class Order(BaseModel, frozen=True):
    state: str | None = None
    price: int = Field(0, ge=0)


class OrderChart(Chart[Order]):
    draft = State(initial=True)
    paid = State()
    shipped = State(final=True)

    touch = Event(draft.to(draft))
    pay = Event(draft.to(paid, cond="is_enough"))
    ship = Event(paid.to(shipped))

    def is_enough(self, model: Order, amount: int) -> bool:
        """The amount is not what the order costs."""
        return amount == model.price


HOLDER = """
import sys
from statechart.storage.repository import JsonFileRepository
from pydantic import BaseModel

class Order(BaseModel):
    state: str
    price: int

with JsonFileRepository(sys.argv[1], Order).open("A-1"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def orders(tmp_path: Path) -> ChartRepository[Order]:
    return ChartRepository(tmp_path / "orders", OrderChart)


@pytest.fixture
def anywhere(any_place: str) -> ChartRepository[Order]:
    return ChartRepository(any_place, OrderChart)


def test_a_value_is_created_in_the_initial_state_and_changed_by_events(
    anywhere: ChartRepository[Order],
) -> None:
    created = anywhere.create("A-1", Order(price=7))
    paid = anywhere.fire("A-1", OrderChart.pay, amount=7)
    shipped = anywhere.fire("A-1", "ship")

    assert (created.state, paid.state, shipped.state) == ("draft", "paid", "shipped")
    assert anywhere.load("A-1") == shipped == Order(state="shipped", price=7)
    assert anywhere.names() == ["A-1"]
    assert anywhere.exists("A-1")
    assert [record.data.get("event") for record in anywhere.history("A-1")] == [None, "pay", "ship"]


def test_a_created_value_is_as_it_will_be_read(tmp_path: Path) -> None:
    lamps = ChartRepository(tmp_path / "lamps", LampChart)

    created = lamps.create("a", Lamp(watts="40"))  # type: ignore[arg-type]  # pydantic reads a number

    assert created == lamps.load("a") == Lamp(state="off", watts=40)
    assert type(created.state) is str
    assert lamps.fire("a", LampChart.switch).state == "on"
    assert lamps.find(state=Light.ON) == lamps.find(state="on") == lamps.find(state=LampChart.lit) == ["a"]
    assert lamps.find(state="lit") == ["a"]


def test_a_session_fires_several_events(anywhere: ChartRepository[Order]) -> None:
    anywhere.create("A-1", Order(price=7))

    with anywhere.open("A-1") as order:
        order.fire(OrderChart.pay, amount=7)
        assert (order.name, order.value.state, order.revision) == ("A-1", "paid", 2)
        order.fire(OrderChart.ship)

    assert anywhere.load("A-1").state == "shipped"


def test_a_change_that_comes_after_the_commit_is_told(tmp_path: Path) -> None:
    class Late(BaseModel):
        state: str = "new"
        seen: list[str] = []

    class LateChart(Chart[Late]):
        new = State(initial=True)
        old = State(final=True)
        age = Event(new.to(old))
        look = Event(new.to(new))

        def after_age(self, model: Late) -> None:
            model.seen.append("too late")

        def after_look(self, model: Late) -> None:
            assert model.seen == []

    late = ChartRepository(tmp_path, LateChart)
    late.create("A-1", Late())
    late.fire("A-1", LateChart.look)

    with pytest.warns(
        RuntimeWarning, match="A-1 changed after age was recorded: make the change in on_age"
    ):
        assert late.fire("A-1", LateChart.age).seen == []


def test_only_events_change_the_value_of_a_session(orders: ChartRepository[Order]) -> None:
    orders.create("A-1", Order(price=7))

    with orders.open("A-1") as order:
        order.value.__dict__["price"] = 1
        assert order.fire(OrderChart.pay, amount=7).price == 7
        with pytest.raises(AttributeError, match="price"):
            order.price = 1  # type: ignore[attr-defined]
        with pytest.raises(Locked, match="this process has it open: use that session"):
            orders.fire("A-1", OrderChart.ship)

    assert orders.load("A-1").price == 7


def test_allowed_events_come_with_the_reasons_of_the_others(orders: ChartRepository[Order]) -> None:
    orders.create("A-1", Order(price=7))

    assert "pay" in orders.allowed("A-1", amount=7)
    assert OrderChart.pay in orders.allowed("A-1", amount=7)
    assert list(orders.allowed("A-1", amount=7)) == ["touch", "pay"]
    refused = orders.allowed("A-1", amount=6)
    assert list(refused) == ["touch"]
    assert refused.refused["pay"] == "the amount is not what the order costs"
    assert set(refused.refused) == {"pay", "ship"}


def test_a_refused_event_leaves_everything_as_it_was(anywhere: ChartRepository[Order]) -> None:
    anywhere.create("A-1", Order(price=7))

    with pytest.raises(InvalidTransition, match="the amount is not what the order costs"):
        anywhere.fire("A-1", OrderChart.pay, amount=6)
    with pytest.raises(MissingPayload, match="amount"):
        anywhere.fire("A-1", OrderChart.pay)
    with pytest.raises(UnknownEvent, match="did you mean 'pay'"):
        anywhere.fire("A-1", "pays")
    with pytest.raises(NotFound):
        anywhere.fire("A-2", OrderChart.pay, amount=7)

    assert len(anywhere.history("A-1")) == 1
    assert anywhere.load("A-1").state == "draft"


def test_what_a_hook_assigns_is_committed_with_the_event_or_not_at_all(tmp_path: Path) -> None:
    accounts = ChartRepository(tmp_path / "accounts", AccountChart)
    accounts.create("a", Account(balance=5))

    assert accounts.fire("a", AccountChart.draw, amount=3).balance == 2
    with pytest.raises(InvalidValue, match="greater than or equal to 0"):
        accounts.fire("a", AccountChart.draw, amount=3)
    with pytest.raises(ZeroDivisionError):
        accounts.fire("a", AccountChart.draw, amount=0)

    assert accounts.load("a").balance == 2
    assert len(accounts.history("a")) == 2


def test_no_keyword_of_a_payload_is_taken_for_a_parameter(orders: ChartRepository[Order]) -> None:
    orders.create("A-1", Order(price=7))
    payload = {"name": 1, "session": 2, "chart": 3, "evolve": 4, "value": 5, "timeout": 6, "command": 7}

    orders.fire("A-1", OrderChart.touch, **payload)
    asyncio.run(orders.afire("A-1", OrderChart.touch, **payload))
    with orders.open("A-1") as order:
        order.fire(OrderChart.touch, **payload)
        assert "touch" in order.allowed(**payload)

    assert "touch" in orders.allowed("A-1", **payload)
    assert [record.payload for record in orders.history("A-1")[1:]] == [payload] * 3


def test_a_store_goes_to_other_processes(anywhere: ChartRepository[Order]) -> None:
    anywhere.create("A-1", Order(price=7))

    copied: ChartRepository[Order] = pickle.loads(pickle.dumps(anywhere))

    assert repr(copied) == repr(anywhere) == f"<ChartRepository of OrderChart in {anywhere.store.where}>"
    assert copied.fire("A-1", OrderChart.pay, amount=7) == anywhere.load("A-1")


def test_values_are_found_by_their_state(anywhere: ChartRepository[Order]) -> None:
    for name in ("A-1", "A-2", "A-3"):
        anywhere.create(name, Order(price=7))
    anywhere.fire("A-2", OrderChart.pay, amount=7)

    assert anywhere.find() == ["A-1", "A-2", "A-3"]
    assert anywhere.find(state=OrderChart.paid) == ["A-2"]
    assert anywhere.find(state="draft") == ["A-1", "A-3"]
    assert anywhere.find(state=[OrderChart.draft, "paid"]) == ["A-1", "A-2", "A-3"]
    assert anywhere.find(state=OrderChart.shipped) == []
    with pytest.raises(UnknownState, match="did you mean 'paid'"):
        anywhere.find(state="payed")


def test_a_damaged_value_is_never_left_out_in_silence(orders: ChartRepository[Order]) -> None:
    for name in ("A-1", "A-2"):
        orders.create(name, Order(price=7))
    journal = orders.files.directory("A-1") / "history.jsonl"
    journal.write_text(journal.read_text() + "{}\n")

    with pytest.raises(DamagedNames, match="A-1") as raised:
        orders.find(state=OrderChart.draft)

    assert raised.value.found == ("A-2",)
    told: list[str] = []
    assert orders.find(state=OrderChart.draft, on_damage=lambda name, _: told.append(name)) == ["A-2"]
    assert told == ["A-1"]
    assert [each.name for each in orders.summaries()] == ["A-1", "A-2"]


def test_an_earlier_value_is_read_by_revision_or_by_time(anywhere: ChartRepository[Order]) -> None:
    anywhere.create("A-1", Order(price=7))
    between = datetime.now(UTC)
    anywhere.fire("A-1", OrderChart.pay, amount=7)

    assert anywhere.at("A-1", revision=1).state == "draft"
    assert anywhere.at("A-1", revision=2).state == "paid"
    assert anywhere.at("A-1", at=between).state == "draft"
    assert anywhere.at("A-1", at=datetime.now(UTC)).state == "paid"
    with pytest.raises(NoSuchMoment, match="it has revisions 1 to 2"):
        anywhere.at("A-1", revision=3)
    with pytest.raises(NoSuchMoment, match="it began at"):
        anywhere.at("A-1", at=datetime(2001, 1, 1, tzinfo=UTC))
    with pytest.raises(TypeError, match="either revision= or at="):
        anywhere.at("A-1")
    with pytest.raises(TypeError, match="a revision is a number, not '1'"):
        anywhere.at("A-1", revision="1")  # type: ignore[arg-type]  # that is the fault
    with pytest.raises(TypeError, match="a moment is an aware datetime"):
        anywhere.at("A-1", at="today")  # type: ignore[arg-type]  # that is the fault
    with pytest.raises(ValueError, match="no time zone"):
        anywhere.at("A-1", at=datetime(2001, 1, 1))  # that is the fault


def test_a_name_is_deleted_at_the_expected_revision(anywhere: ChartRepository[Order]) -> None:
    anywhere.create("A-1", Order(price=7))

    with pytest.raises(Stale):
        anywhere.delete("A-1", revision=2)
    anywhere.delete("A-1", revision=1)

    assert not anywhere.exists("A-1")


def test_what_can_not_be_created_leaves_no_trace(anywhere: ChartRepository[Order]) -> None:
    anywhere.create("A-1", Order(price=7))

    with pytest.raises(UnknownState, match="did you mean 'paid'"):
        anywhere.create("A-2", Order(state="payed"))
    with pytest.raises(InvalidValue, match="greater than or equal to 0"):
        anywhere.create("A-2", Order.model_construct(state="draft", price=-1))
    with pytest.raises(AlreadyExists):
        anywhere.create("A-1", Order(price=8))

    assert anywhere.names() == ["A-1"]
    assert anywhere.load("A-1").price == 7


class Account(BaseModel):
    state: str = "open"
    balance: int = Field(ge=0)


class AccountChart(Chart[Account]):
    open = State(initial=True)
    draw = Event(open.to(open))

    def on_draw(self, model: Account, amount: int) -> None:
        model.balance -= amount
        assert 1 / amount


class Light(Enum):
    OFF = "off"
    ON = "on"


class Lamp(BaseModel):
    state: str | None = None
    watts: int = 40


class LampChart(Chart[Lamp]):
    dark = State(initial=True, value=Light.OFF)
    lit = State(value=Light.ON)
    switch = Event(dark.to(lit) | lit.to(dark))


class Later(Chart):
    begun = State(initial=True)
    go = Event(begun.to(begun))


class Stateless(BaseModel):
    stat: str = ""


class Plain:
    state = "draft"


class PlainChart(Chart[Plain]):
    draft = State(initial=True, final=True)


class Empty(Chart):
    pass


class Nameless(Chart):
    """A chart that names no model."""

    draft = State(initial=True, final=True)


@pytest.mark.parametrize(
    ("chart", "model", "advice"),
    [
        (
            Nameless,
            None,
            r"declare class Nameless\(Chart\[YourModel\]\), or give the class with model=",
        ),
        (Nameless, Stateless, r"a field `state` \(it has 'stat'\), such as state: str = 'draft'"),
        (PlainChart, None, "inherits from pydantic.BaseModel"),
        (OrderChart, Stateless, "of the class Order, not Stateless"),
        (Empty, Order, "give a chart that declares some"),
        (Order, Order, "give a class that inherits from Chart"),
    ],
    ids=["no model", "no state", "plain", "two models", "no states", "no chart"],
)
def test_what_can_not_be_stored_is_refused_with_what_to_change(
    tmp_path: Path, chart: Any, model: Any, advice: str
) -> None:
    with pytest.raises(ChartDefinitionError, match=advice):
        ChartRepository(tmp_path / "orders", chart, model=model)


def test_a_location_names_a_directory_or_a_database(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the location is empty"):
        ChartRepository("", OrderChart)
    with pytest.raises(ValueError, match=r"write sqlite:///orders\.db"):
        ChartRepository("sqlite://orders.db", OrderChart)
    with pytest.raises(ValueError, match="mysql is not supported"):
        ChartRepository("mysql://db/orders", OrderChart)
    with pytest.raises(StorageError, match="not in files, but in sqlite:"):
        _ = ChartRepository(f"sqlite:///{tmp_path}/orders.db", OrderChart).files


def test_an_asynchronous_fire_waits_for_the_name(anywhere: ChartRepository[Order]) -> None:
    anywhere.timeout = 60
    anywhere.create("A-1", Order(price=7))

    async def run() -> Order:
        with anywhere.open("A-1", command="looking"):
            firing = asyncio.create_task(anywhere.afire("A-1", OrderChart.pay, amount=7))
            await asyncio.sleep(0)
            with pytest.raises(Locked, match="looking"):
                async with anywhere.aopen("A-1", timeout=0):
                    pass
        return await firing

    assert asyncio.run(run()).state == "paid"


def test_many_tasks_that_fire_on_one_name_wait_in_a_row(anywhere: ChartRepository[Order]) -> None:
    anywhere.timeout = 600
    anywhere.create("A-1", Order(price=7))

    async def run() -> None:
        async def again() -> None:
            async with anywhere.aopen("A-1") as order:
                first = order.revision
                await asyncio.sleep(0)
                assert order.revision == first
                order.fire(OrderChart.touch)

        await asyncio.gather(*(again() for _ in range(20)))

    asyncio.run(run())
    assert [record.revision for record in anywhere.history("A-1")] == list(range(1, 22))


def test_another_process_blocks_no_other_task(orders: ChartRepository[Order]) -> None:
    orders.create("A-1", Order(price=7))
    held = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(orders.files.root)], stdin=PIPE, stdout=PIPE, text=True
    )
    assert held.stdout is not None
    assert held.stdin is not None
    assert held.stdout.readline() == "held\n"

    async def run() -> int:
        steps = 0
        firing = asyncio.create_task(orders.afire("A-1", OrderChart.pay, amount=7))
        while not firing.done():
            await asyncio.sleep(0)
            steps += 1
        with pytest.raises(Locked, match=f"pid {held.pid}"):
            await firing
        orders.timeout = 60
        firing = asyncio.create_task(orders.afire("A-1", OrderChart.pay, amount=7))
        await asyncio.sleep(0)
        held.stdin.close()  # type: ignore[union-attr]  # checked above
        await firing
        return steps

    assert asyncio.run(run()) > 1  # a wait that blocks leaves room for one step
    assert held.wait(60) == 0
    held.stdout.close()
    assert orders.load("A-1").state == "paid"


def test_summaries_know_since_when_a_state_holds(anywhere: ChartRepository[Order]) -> None:
    anywhere.create("A-1", Order(price=7))
    anywhere.create("A-2", Order(price=7))
    anywhere.fire("A-1", OrderChart.pay, amount=7)
    anywhere.fire("A-2", OrderChart.touch)
    with anywhere.store.open("A-1") as session:
        session.append("note", {"said": "x" * 9000})  # keeps the revision, and is not in the document

    first, second = anywhere.summaries()

    assert isinstance(first, Summary)
    assert isinstance(second, Summary)
    created, paid, _ = anywhere.history("A-1")
    assert (first.name, first.state, first.revision, first.since, first.at) == (
        ("A-1", "paid", 2, paid.at, paid.at)
    )
    created, touched = anywhere.history("A-2")
    assert (second.state, second.revision, second.since, second.at) == ("draft", 2, created.at, touched.at)
    assert (first.actor, second.actor) == (paid.actor, touched.actor)
    assert list(anywhere.summaries(["A-2", "gone"])) == [second]
    assert anywhere.find(state="paid") == ["A-1"]


def test_an_unfinished_last_line_hides_no_value(orders: ChartRepository[Order]) -> None:
    orders.create("A-1", Order(price=7))
    with (orders.files.directory("A-1") / "history.jsonl").open("a") as journal:
        journal.write('{"seq": 2, "rev')

    (summary,) = orders.summaries()

    assert isinstance(summary, Summary)
    assert (summary.state, summary.revision) == ("draft", 1)
    assert orders.find(state="draft") == ["A-1"]
    assert orders.fire("A-1", OrderChart.pay, amount=7).state == "paid"


def test_a_value_in_a_state_that_the_chart_lacks_asks_for_a_migration(
    anywhere: ChartRepository[Order],
) -> None:
    anywhere.create("A-1", Order(price=7))
    later: ChartRepository[Any] = ChartRepository(anywhere.store.where, Later, model=Order)

    asked = "'A-1' is recorded in a state that needs a migration .*: Later has no state 'draft'"
    for ask in (
        lambda: later.fire("A-1", Later.go),
        lambda: later.allowed("A-1"),
        lambda: later.open("A-1").allowed(),
    ):
        with pytest.raises(UnknownState, match=asked):
            ask()
    with pytest.raises(DamagedNames, match=asked):
        later.find(state=Later.begun)


def test_a_migration_that_would_never_be_used_is_refused(tmp_path: Path) -> None:
    def same(record: Record) -> Record:
        return record

    with pytest.raises(ValueError, match=r"leads from version 1 to 2, and schema_version is 1"):
        ChartRepository(tmp_path, OrderChart, migrations={1: same})
    wrong: Any = {1: 3}
    with pytest.raises(TypeError, match=r"migrations\[1\] is not a function, but 3"):
        ChartRepository(tmp_path, OrderChart, schema_version=2, migrations=wrong)


def test_a_segment_that_ended_changes_no_summary(any_place: str) -> None:
    orders = ChartRepository(any_place, OrderChart, segment=Segment(records=4))
    orders.create("A-1", Order(price=7))
    for _ in range(9):
        orders.fire("A-1", OrderChart.touch)

    (summary,) = orders.summaries()

    assert isinstance(summary, Summary)
    created, *_, touched = (record for record in orders.history("A-1") if record.type != "checkpoint")
    assert (summary.revision, summary.since, summary.at) == (10, created.at, touched.at)
    assert len(orders.store.segments("A-1")) > 2
    assert orders.find(state="draft") == ["A-1"]
    assert [change.seq for change in orders.changes()][:3] == [1, 2, 3]
    assert len(list(orders.changes())) == 10
