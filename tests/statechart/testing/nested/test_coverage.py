"""Chart coverage of charts with states within states, history and timers."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from statechart import Chart, ChartRepository, Event, State, Timer, fire_due
from statechart.engine.hooks import watching
from statechart.errors import ChartWarning
from statechart.testing import Driver, matrix, paths
from statechart.testing.coverage.colouring import coloured
from statechart.testing.coverage.counting import Coverage
from statechart.testing.coverage.items import Covered, reference_of
from statechart.testing.coverage.production import Journals
from statechart.testing.coverage.reports import as_json, as_mermaid, as_text
from tests.statechart.testing.nested.orders import Model, Order, Reminder

ORDERS = Path(__file__).with_name("orders.py").read_text(encoding="utf-8")


class Switch(Chart):
    off = State(initial=True)
    on = State()
    press = off.to(on) | on.to(off)


def counted(chart: type[Chart[Any]], *drivers: Any) -> Covered:
    """Return the coverage of what functions do with drivers of a chart, a test each."""
    coverage = Coverage()
    with watching(coverage.watch):
        for number, drive in enumerate(drivers):
            coverage.begin(f"test_{number}")
            drive()
    return coverage.charts[reference_of(chart)]


def met(covered: Covered, kind: str) -> list[str]:
    return [item for item, tests in covered.items[kind].items() if tests]


def test_a_macrostep_counts_all_that_it_takes_and_enters() -> None:
    way = ("place", "authorise", "capture", "pack", "ship")

    covered = counted(Order, lambda: Driver(Order).follow(*way).expect("done"))

    assert met(covered, "states") == [
        *("draft", "open", "payment", "awaiting", "authorised", "paid"),
        *("shipment", "packing", "packed", "shipped", "done"),
    ]
    assert met(covered, "transitions") == [
        "draft --place--> open",
        "open --done.state.open--> done",
        "awaiting --authorise--> authorised",
        "authorised --capture--> paid",
        "packing --pack--> packed",
        "packed --ship--> shipped",
    ]
    assert met(covered, "timers") == ["awaiting.expire cancelled"]
    assert met(covered, "configurations") == [
        *("draft", "awaiting + packing", "authorised + packing", "paid + packing", "paid + packed", "done")
    ]


def test_pairs_are_within_a_region_and_along_a_macrostep() -> None:
    way = ("place", "authorise", "pack", "capture", "ship")

    covered = counted(Order, lambda: Driver(Order).follow(*way))

    assert met(covered, "pairs") == [
        "draft --place--> open --done.state.open--> done",
        "draft --place--> open --authorise--> authorised",
        "draft --place--> open --pack--> packed",
        "awaiting --authorise--> authorised --capture--> paid",
        "packing --pack--> packed --ship--> shipped",
        "packed --ship--> shipped --done.state.open--> done",
    ]


def test_history_counts_from_memory_and_by_default() -> None:
    remembered = counted(Order, lambda: Driver(Order).follow("place", "pause", "resume"))
    unknown = counted(Order, lambda: Driver(Order, state="paused").fire("resume"))

    assert met(remembered, "history") == ["where_it_was from memory"]
    assert met(unknown, "history") == ["where_it_was by default"]


def test_timers_count_when_they_fire_and_when_they_are_cancelled() -> None:
    covered = counted(
        Order,
        lambda: Driver(Order).fire("place").elapse(timedelta(minutes=30)),
        lambda: Driver(Order, state="paused").fire("cancel"),
    )

    assert met(covered, "timers") == ["awaiting.expire fired", "paused.expire cancelled"]


def test_a_timer_is_not_cancelled_by_leaving_a_state_whose_name_its_own_begins_with() -> None:
    class Parts(Chart):
        class both(State.Parallel):
            class left(State.Compound):
                first = State("first", value="part", initial=True)
                second = State()
                turn = first.to(second) | second.to(first)

            class right(State.Compound):
                one = State("one", value="part.b", initial=True)
                two = State()
                move = one.to(two) | two.to(one)

        timers = (
            Timer(both.left.first, after=timedelta(hours=1), event="turn"),
            Timer(both.right.one, after=timedelta(hours=1), event="move"),
        )

    covered = counted(Parts, lambda: Driver(Parts).fire("turn"))

    assert met(covered, "timers") == ["part.turn cancelled"]


def test_a_timer_that_nothing_else_ends_is_never_demanded_to_be_cancelled() -> None:
    items = Covered.of(Reminder).items

    assert list(items["timers"]) == ["waiting.ask fired", "asked.wake fired", "asked.wake cancelled"]
    assert list(items["refused"]) == ["answer in waiting", "answer in gone"]


def test_a_refusal_counts_in_each_active_leaf_unless_a_guard_refused() -> None:
    covered = counted(
        Order,
        lambda: Driver(Order, state="awaiting + packing").refuses("ship"),
        lambda: Driver(Order, state="authorised + packed").refuses("ship", because="not paid yet"),
    )

    assert met(covered, "refused") == ["ship in awaiting", "ship in packing"]
    assert met(covered, "guards") == ["is_paid refuses"]
    assert "cancel in draft" not in covered.items["refused"]
    assert "ship in authorised" in covered.items["refused"]


def test_a_lapsed_timer_is_neither_fired_nor_refused() -> None:
    with pytest.warns(ChartWarning, match="lapses"):

        class Bell(Chart):
            quiet = State(initial=True)
            rung = State(final=True)
            ring = Event(quiet.to(rung, cond="is_wanted"))
            stop = Event(quiet.to(rung))
            timers = (Timer(quiet, after=timedelta(hours=1), event=ring),)

            def is_wanted(self) -> bool:
                return False

    covered = counted(Bell, lambda: Driver(Bell).elapse(timedelta(hours=1)).expect("quiet"))

    assert met(covered, "timers") == []
    assert met(covered, "refused") == []
    assert met(covered, "guards") == ["is_wanted refuses"]


def test_transitions_without_an_event_count() -> None:
    class Job(Chart):
        class run(State.Compound):  # a state
            first = State(initial=True)
            second = State()
            go = first.to(second)
            second.to(first, cond="fails")

        over = State(final=True)
        end = run.to(over)

        def fails(self) -> bool:
            return True

    covered = counted(Job, lambda: Driver(Job).fire("go").expect("first"))

    assert met(covered, "transitions") == ["first --go--> second", "second --always--> first"]
    assert met(covered, "states") == ["run", "first", "second"]
    assert met(covered, "pairs") == ["first --go--> second --always--> first"]
    assert list(Covered.of(Job).items["configurations"]) == ["first", "second", "over"]


def test_the_generated_paths_and_cells_meet_everything(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\npythonpath = .\n")
    pytester.makepyfile(
        orders=ORDERS,
        test_orders="""
            import pytest
            from orders import Order

            @pytest.mark.statechart_paths(Order)
            def test_path(path):
                path.drive()

            @pytest.mark.statechart_matrix(Order)
            def test_cell(cell):
                cell.check()
        """,
    )

    options = ("--chart-coverage-of=orders:Order", "--chart-coverage-fail-under=100", "-pno:cacheprovider")
    result = pytester.runpytest_inprocess("--chart-coverage", *options)

    assert result.ret == 0
    numbers = re.findall(r"^  (\w+) +(\d+) of (\d+) +100 %$", "\n".join(result.outlines), re.M)
    assert {kind: (int(met), int(of)) for kind, met, of in numbers} == {
        "states": (14, 14),
        "transitions": (14, 14),
        "history": (2, 2),
        "timers": (4, 4),
        "refused": (87, 87),
        "configurations": (13, 13),
        "guards": (2, 2),
    }


def test_history_and_timers_are_demanded(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\npythonpath = .\n")
    pytester.makepyfile(
        orders=ORDERS,
        test_orders="""
            from orders import Order

            def test_it(chart_driver):
                chart_driver(Order).fire("place").expect("awaiting + packing")
        """,
    )

    options = ("--chart-coverage-fail-under=50,states:0,transitions:0,refusals:0,configurations:20",)
    result = pytester.runpytest_inprocess("--chart-coverage", "-pno:cacheprovider", *options)

    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "FAIL orders:Order: 0 % of its history, and 50 % are required",
            "FAIL orders:Order: 0 % of its timers, and 50 % are required",
            "FAIL orders:Order: 15.3 % of its configurations, and 20 % are required",
        ]
    )


def test_processes_count_together() -> None:
    first, second = Coverage(), Coverage()
    for coverage, event in ((first, "pause"), (second, "authorise")):
        with watching(coverage.watch):
            coverage.begin(event)
            Driver(Order).follow("place", event)

    first.merge(second.dump())

    covered = first.charts[reference_of(Order)]
    assert covered.items["timers"]["awaiting.expire cancelled"] == ["authorise", "pause"]
    assert covered.items["transitions"]["draft --place--> open"] == ["authorise", "pause"]


def test_reports_name_what_is_missing() -> None:
    coverage = Coverage()
    with watching(coverage.watch):
        coverage.begin("test")
        Driver(Order).follow("place", "pause", "resume")

    told = as_text(coverage)
    page = as_mermaid(coverage)
    said = json.loads(as_json(coverage))["charts"][0]

    assert "    not met: where_it_was by default\n" in told
    assert all(len(line) <= 80 for line in told.splitlines() if "not met" not in line)
    assert "## Timers without a test\n\n- awaiting.expire fired\n- paused.expire fired\n" in page
    assert said["kinds"]["history"]["percent"] == 50
    assert said["percent"] == min(
        said["kinds"][kind]["percent"] for kind in ("states", "transitions", "refused", "history", "timers")
    )


def test_the_picture_marks_transitions_and_histories() -> None:
    covered = counted(Order, lambda: Driver(Order).follow("place", "pause", "resume"))

    picture = coloured(covered)

    names = {node.id: node.name for node in picture.nodes}
    classes = {names[id]: kind for id, kind in picture.classes.items()}
    assert (classes["Open"], classes["Paused"], classes["Packed"]) == ("visited", "visited", "missed")
    assert classes["Where it was"] == "missed"  # never by default
    labels = {(names[each.source], each.events): each.label for each in picture.arrows}
    assert labels["Draft", ("place",)] == "1 test"
    assert labels["Packing", ("pack",)] == "no test"
    assert len(picture.arrows) == 14


def test_journals_are_explained_by_the_steps_of_their_records(tmp_path: Path) -> None:
    orders = ChartRepository(tmp_path, Order)
    for name, events in {
        "a": ["place", "authorise", "capture", "pack", "ship"],
        "b": ["place", "authorise", "pause", "resume"],
        "c": ["place"],
    }.items():
        orders.create(name, Model(name=name))
        for event in events:
            orders.fire(name, event)
    with orders.open("c") as held:
        fire_due(held.session, Order, datetime.now(UTC) + timedelta(hours=1))

    taken = Journals.named(str(tmp_path)).taken()
    covered = Covered.of(Order)
    covered.meet_production(taken.items(covered), taken.lines())

    assert covered.undeclared == {}
    assert covered.seen == {
        "draft --place--> open": 3,
        "open --pause--> paused": 1,
        "open --done.state.open--> done": 1,
        "awaiting --authorise--> authorised": 2,
        "awaiting --expire--> expired": 1,
        "authorised --capture--> paid": 1,
        "packing --pack--> packed": 1,
        "packed --ship--> shipped": 1,
        "paused --resume--> where_it_was": 1,
        "where_it_was from memory": 1,
        "awaiting.expire fired": 1,
        "awaiting.expire cancelled": 2,
        "paused.expire cancelled": 1,
    }
    assert covered.journals == [f"11 transitions of 3 names in {tmp_path}"]


def test_steps_that_today_has_not_are_told_whole(tmp_path: Path) -> None:
    orders = ChartRepository(tmp_path, Order)
    orders.create("a", Model())
    orders.fire("a", "place")
    journal = tmp_path / "a" / "history.jsonl"
    taken = Journals.named(str(tmp_path)).taken()
    covered = Covered.of(Reminder)

    covered.meet_production(taken.items(covered), taken.lines())

    assert journal.is_file()
    assert (covered.seen, covered.undeclared) == ({}, {"draft --place--> awaiting + packing": 1})


def test_edge_pairs_meet_all_pairs_that_guards_allow() -> None:
    driven = counted(Order, *(path.drive for path in paths(Order, "edge-pairs")))

    # The guard of the last shipment demands that it was paid before.
    assert driven.missing("pairs") == ["authorised --capture--> paid --done.state.open--> done"]


def test_cells_meet_each_refusal_once() -> None:
    cells = matrix(Order)

    covered = counted(Order, *(cell.check for cell in cells))

    assert covered.missing("refused") == []
    assert len({str(cell) for cell in cells}) == len(cells)
    assert max(len(tests) for tests in covered.items["refused"].values()) < 8


def test_what_follows_from_the_beginning_counts_with_its_guards() -> None:
    class Door(Chart):
        shut = State(initial=True)
        ajar = State()
        wide = State()
        push = wide.to(shut)
        slam = ajar.to(shut)
        shut.to(ajar)
        ajar.to(wide, cond="is_warm")

        def is_warm(self, model: object) -> bool:
            return getattr(model, "warm", True)

    covered = counted(Door, lambda: Driver(Door), lambda: Driver(Door, warm=False).refuses("push"))

    assert met(covered, "states") == ["shut", "ajar", "wide"]
    assert met(covered, "transitions") == ["shut --always--> ajar", "ajar --always--> wide"]
    assert met(covered, "guards") == ["is_warm agrees", "is_warm refuses"]
    assert met(covered, "refused") == ["push in ajar"]


def test_a_chart_that_no_pattern_names_is_not_even_read() -> None:
    coverage = Coverage(only=["*:Reminder"])
    with watching(coverage.watch):
        coverage.begin("test")
        Driver(Order).fire("place")
        Driver(Reminder).refuses("answer")
    coverage.add([Order])

    assert list(coverage.charts) == [reference_of(Reminder)]
    assert coverage.untouched == {}


def test_more_configurations_than_are_explored_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statechart.testing.nested.configurations.LIMIT", 4)

    covered = Covered.of(Order)

    assert covered.items["configurations"] == {}
    assert covered.remarks == [
        "more than 4 configurations: they are not counted, and refusals only of these"
    ]
    coverage = Coverage(charts={reference_of(Order): covered})
    assert f"    {covered.remarks[0]}\n" in as_text(coverage)
    assert covered.remarks[0] in as_mermaid(coverage)
    assert json.loads(as_json(coverage))["charts"][0]["remarks"] == covered.remarks


def test_a_machine_never_goes_on_where_one_that_is_gone_ended() -> None:
    def drive() -> None:
        for _ in range(200):  # a freed machine leaves its address to the next
            Driver(Switch, state="off").fire("press")
            Driver(Switch, state="on").fire("press")

    assert met(counted(Switch, drive), "pairs") == []
