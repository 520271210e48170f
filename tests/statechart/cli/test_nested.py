"""The command line for charts with states within states and timers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from statechart import ChartRepository, Configuration, JsonFileRepository, fire_due
from tests.statechart.stored.trade import Job, JobChart, Order, OrderChart

ORDERS = "tests.statechart.stored.trade:OrderChart"
JOBS = "tests.statechart.stored.trade:JobChart"


@pytest.fixture
def trade(tmp_path: Path) -> Callable[..., ChartRepository[Order]]:
    """Returns a store with an order after some events."""

    def walked(*events: str) -> ChartRepository[Order]:
        orders = ChartRepository(tmp_path / "orders", OrderChart)
        orders.create("A-1", Order())
        for event in events:
            orders.fire("A-1", event)
        return orders

    return walked


def test_a_value_is_created_fired_and_shown_as_text(cli: Any) -> None:
    assert cli("create", ORDERS, "A-1").out == "A-1 is draft\n"
    fired = cli("fire", ORDERS, "A-1", "place")
    shown = cli("show", ORDERS, "A-1")

    assert fired.out == "A-1 is awaiting + packing, by place from draft\n"
    assert shown.out.splitlines()[0] == "A-1: awaiting + packing"
    timers, values = shown.out.split("timers\n")[1].split("\nvalue\n")
    assert timers.startswith("  awaiting.expire  expire at 20")
    assert timers.endswith("Z (in 30 min)")
    assert values.splitlines()[1:] == [
        "allowed",
        "  authorise  → authorised + packing",
        "  pack       → awaiting + packed",
        "  pause      → paused",
        "  expire     → expired",
        "  cancel     → cancelled",
        "refused",
        "  others  not declared in state awaiting + packing: capture, unpack, ship, place, resume",
    ]


def test_json_has_the_text_and_the_configuration(cli: Any, trade: Any) -> None:
    orders = trade("place", "pause")
    configuration = orders.load("A-1").state.model_dump(mode="json")

    for words in (
        ("show", ORDERS, "A-1"),
        ("allowed", ORDERS, "A-1"),
        ("why", ORDERS, "A-1"),
        ("history", ORDERS, "A-1", "--at", "3"),
    ):
        document = json.loads(cli(*words, "--json").out)

        assert (document["state"], document["configuration"]) == ("paused", configuration)
    shown = json.loads(cli("show", ORDERS, "A-1", "--json").out)
    assert [(each["timer"], each["event"]) for each in shown["timers"]] == [("paused.expire", "expire")]
    records = json.loads(cli("history", ORDERS, "A-1", "--json").out)["history"]
    assert [record["state"] for record in records] == ["draft", "awaiting + packing", "paused"]
    assert records[2]["configuration"] == configuration
    assert records[2]["steps"][0]["entered"] == ["paused"]


def test_a_refusal_has_the_reason_of_each_active_state(cli: Any, trade: Any) -> None:
    trade("place", "pack")

    refused = cli("fire", ORDERS, "A-1", "ship")
    allowed = json.loads(cli("allowed", ORDERS, "A-1", "--json").out)

    assert refused.code == 4
    assert "cannot ship 'A-1' in state awaiting + packed: the order is not paid yet;" in refused.err
    assert allowed["refused"]["ship"] == "the order is not paid yet"
    assert allowed["refused_by"] == {"ship": {"packed": "the order is not paid yet"}}


def test_why_tells_the_timers_what_is_remembered_and_who_refuses(cli: Any, trade: Any) -> None:
    trade("place", "pause", "resume", "pack")

    told = cli("why", ORDERS, "A-1").out

    known = told.split("Known\n")[1].split("\n\n")[0].splitlines()
    assert known[0].startswith("  the timer awaiting.expire runs: expire at 20")
    assert known[1:] == [
        "  where_it_was remembers awaiting + packing",
        "  ship is refused in packed: the order is not paid yet",
    ]


def test_a_history_tells_each_microstep_of_several_in_a_line(cli: Any, trade: Any) -> None:
    trade("place", "authorise", "capture", "pack", "ship")

    told = cli("history", ORDERS, "A-1").out.splitlines()[-3:]

    assert [line.partition("root")[2].strip() or line.strip() for line in told] == [
        "ship: paid + packed → done",
        "ship: left packed; entered shipped",
        "done.state.open: left shipped, shipment, paid, payment, open; entered done",
    ]
    assert (
        "took it from paid + packed to done, followed by done.state.open" in cli("why", ORDERS, "A-1").out
    )


def test_a_history_tells_timers_that_fired_and_lapsed(cli: Any, tmp_path: Path) -> None:
    jobs = ChartRepository(tmp_path / "orders", JobChart)
    jobs.create("J", Job(limit=1))
    jobs.fire("J", "begin")
    jobs.fire("J", "fail")
    with jobs.open("J") as held:
        fire_due(held.session, JobChart, datetime.now(UTC) + timedelta(hours=2))

    told = cli("history", JOBS, "J").out.splitlines()
    why = cli("why", JOBS, "J").out

    assert "retry: nothing took it in backing_off (timer backing_off.retry, due 20" in told[-2]
    assert "give_up: backing_off → failed (timer backing_off.give_up, due 20" in told[-1]
    assert "give_up (timer backing_off.give_up, due 20" in why
    assert cli("verify", JOBS, "J", "--chart").code == 0


def test_values_are_listed_by_any_active_state(cli: Any, trade: Any) -> None:
    trade("place", "pack")
    cli("create", ORDERS, "B-2")

    def listed(state: str) -> list[str]:
        found = json.loads(cli("list", ORDERS, "--state", state, "--json").out)["values"]
        return [each["name"] for each in found]

    assert [listed(state) for state in ("open", "packed", "awaiting + packed", "draft", "paid")] == [
        ["A-1"],
        ["A-1"],
        ["A-1"],
        ["B-2"],
        [],
    ]
    assert "did you mean 'packed'?" in cli("list", ORDERS, "--state", "packet").err


def test_a_state_is_typed_as_text_for_a_new_value(cli: Any, trade: Any) -> None:
    orders = trade()

    assert cli("create", ORDERS, "B-2", "state=paid+packed").out == "B-2 is paid + packed\n"
    assert cli("create", ORDERS, "C-3", "state=open").out == "C-3 is awaiting + packing\n"
    assert orders.load("B-2").state.timers == {}
    refused = cli("create", ORDERS, "D-4", "state=paid + awaiting")
    assert (refused.code, orders.exists("D-4")) == (2, False)
    assert "OrderChart can't be in awaiting + paid" in refused.err
    assert cli("create", ORDERS, "D-4", "state=wrapped").code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("show", "bad"),
        ("why", "bad"),
        ("allowed", "bad"),
        ("fire", "bad", "resume"),
        ("diagram", "--of", "bad"),
    ],
    ids=lambda words: words[0],
)
def test_an_illegal_configuration_is_refused_with_what_to_do(
    cli: Any, tmp_path: Path, words: tuple[str, ...]
) -> None:
    bad = Order(state=Configuration(active=("awaiting",)))
    JsonFileRepository(tmp_path / "orders", Order).create("bad", bad)

    refused = cli(words[0], ORDERS, *words[1:])

    assert refused.code == 7
    assert "'bad' is recorded in a configuration that needs a migration" in refused.err
    assert "OrderChart can't be in awaiting: open is active without its shipment" in refused.err
    assert f"next: python -m statechart verify {ORDERS} bad" in refused.err


def test_other_names_go_on_beside_an_illegal_configuration(cli: Any, tmp_path: Path, trade: Any) -> None:
    trade("place")
    bad = Order(state=Configuration(active=("awaiting",)))
    JsonFileRepository(tmp_path / "orders", Order).create("bad", bad)

    listed, verified = cli("list", ORDERS), cli("verify", ORDERS)

    assert (listed.code, verified.code) == (7, 8)
    assert "awaiting + packing  A-1" in listed.out
    assert "? unreadable" in listed.out
    assert "A-1: 2 records, 1 transition, all intact" in verified.out
    assert "record 1: OrderChart can't be in awaiting" in verified.out
    assert "next, for bad: give a ChartRepository the migration" in verified.err
    assert cli("history", ORDERS, "bad").code == 0
    assert cli("history", ORDERS, "bad", "--at", "1").out.startswith("bad was awaiting\n")


def test_an_event_that_the_chart_raises_is_refused_by_name(cli: Any, trade: Any) -> None:
    trade("place")

    refused = cli("fire", ORDERS, "A-1", "done_state_open")

    assert refused.code == 2
    assert "OrderChart raises done_state_open itself: it can't be fired" in refused.err
    assert f"next: python -m statechart diagram {ORDERS} --format md" in refused.err


def test_a_timer_that_is_due_names_the_command_that_fires_it(cli: Any, tmp_path: Path) -> None:
    due = Configuration(active=("paused",), timers={"paused.expire": datetime(2020, 1, 1, tzinfo=UTC)})
    ChartRepository(tmp_path / "orders", OrderChart).create("A-1", Order(state=due))

    shown, why = cli("show", ORDERS, "A-1"), cli("why", ORDERS, "A-1")

    command = f"python -m statechart timers run {ORDERS} --once"
    assert "paused.expire  expire is due since 2020-01-01 00:00:00Z" in shown.out
    assert f"next: {command}\n" in shown.err
    assert command in why.out
    assert cli("timers", "run", ORDERS, "--once").code == 0
    assert cli("show", ORDERS, "A-1").out.startswith("A-1: cancelled\n")


def test_why_tells_the_way_to_a_state_with_the_timers_that_lead_there(cli: Any, trade: Any) -> None:
    trade("place")

    def way(target: str) -> list[str]:
        return str(cli("why", ORDERS, "A-1", "--to", target).out).split("\n\n")[-1].splitlines()

    assert way("done") == [
        "The way to done, if the guards agree",
        "  authorise  → authorised + packing",
        "  capture    → paid + packing",
        "  pack       → paid + packed",
        "  ship       → done",
    ]
    (_, expire) = way("expired")
    assert expire.startswith("  expire  → expired; or wait until 20")
    assert expire.endswith("Z (awaiting.expire)")
    assert way("open") == ["It is open already"]
    assert way("draft") == ["No events lead to draft"]
    assert way("paid + packed")[-1] == "  pack       → paid + packed"
    assert "did you mean 'packed'?" in cli("why", ORDERS, "A-1", "--to", "packet").err
    document = json.loads(cli("why", ORDERS, "A-1", "--to", "cancelled", "--json").out)
    assert (document["to"], [step["event"] for step in document["way"]]) == ("cancelled", ["cancel"])


def test_the_way_through_a_flat_chart_is_told_as_well(cli: Any, orders: ChartRepository[Any]) -> None:
    shop = "tests.statechart.cli.shop:OrderChart"
    assert cli("create", shop, "A-1", "price=7").code == 0

    told = cli("why", shop, "A-1", "--to", "shipped")

    assert told.out.endswith("if the guards agree\n  pay   → paid\n  ship  → shipped\n")
    assert cli("why", shop, "A-1", "--to", "shiped").code == 2
    assert cli("why", shop, "A-1", "--to", "paid", "--html", "a.html").code == 2


def test_a_chart_that_has_grown_states_names_the_migration_and_no_backup(cli: Any, tmp_path: Path) -> None:
    class Flat(BaseModel):
        state: str = "draft"

    JsonFileRepository(tmp_path / "orders", Flat).create("A-1", Flat())

    shown = cli("show", ORDERS, "A-1")
    verified = cli("verify", ORDERS, "A-1")

    assert (shown.code, verified.code) == (7, 8)
    assert "next: give a ChartRepository the migration" in shown.err
    assert "next, for A-1: give a ChartRepository the migration" in verified.err


def test_a_state_that_only_earlier_records_have_is_told_to_need_a_migration(
    cli: Any, tmp_path: Path
) -> None:
    class Flat(BaseModel):
        state: Configuration

    store = JsonFileRepository(tmp_path / "orders", Flat)
    store.create("A-1", Flat(state=Configuration(active=("parked",))))
    with store.open("A-1") as order:
        order.commit("moved", Flat(state=Configuration(active=("paused",))), expected=1)

    verified = cli("verify", ORDERS, "A-1")

    assert verified.code == 8
    assert "history" in verified.err
    assert "a chart that has changed needs a migration (statechart.stored.migrations)" in verified.err


@pytest.mark.parametrize("words", [("diagram", ORDERS, "--state"), ("why", ORDERS, "A-1", "--to")])
def test_states_that_contradict_each_other_are_refused(
    cli: Any, trade: Any, words: tuple[str, ...]
) -> None:
    trade("place")

    refused = cli(*words, "awaiting + paused")

    assert refused.code == 2
    assert (
        "OrderChart can't be in awaiting + packing + paused: open, paused are active together"
        in refused.err
    )
