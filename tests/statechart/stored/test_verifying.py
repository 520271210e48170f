"""Histories are verified as files, and against the chart as it is declared today."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from statechart import (
    Chart,
    ChartRepository,
    Event,
    JsonFileRepository,
    MigrationFailed,
    NotFound,
    Record,
    State,
)
from statechart.storage.segments.size import Segment
from statechart.stored.verifying import Problem


class Door(BaseModel, frozen=True):
    state: str | None = None
    key: str = "k"


class DoorChart(Chart[Door]):
    closed = State(initial=True)
    opened = State()

    open_ = Event(closed.to(opened, cond="fits"))
    close = Event(opened.to(closed))

    def fits(self, model: Door, key: str = "k") -> bool:
        """The key does not fit."""
        return key == model.key


class Locks(Chart[Door]):
    """Another chart for the same doors, of a later version."""

    closed = State(initial=True)
    opened = State()
    locked = State()

    open_ = Event(closed.to(locked) | locked.to(opened))
    close = Event(opened.to(closed))


class Renamed(Chart[Door]):
    shut = State(initial=True)
    opened = State()

    open_ = Event(shut.to(opened))
    close = Event(opened.to(shut))


class Stricter(Chart[Door]):
    closed = State(initial=True)
    opened = State()

    open_ = Event(closed.to(opened, cond="fits"))
    close = Event(opened.to(closed, cond="quiet"))

    def fits(self, model: Door) -> bool:
        """The key does not fit."""
        return model.key != "k"

    def quiet(self, model: Door, noise: int) -> bool:
        """It is loud."""
        return noise < 3


class Wavering(Chart[Door]):
    closed = State(initial=True)
    opened = State()

    open_ = Event(closed.to(closed, cond="sticks") | closed.to(opened))
    close = Event(opened.to(closed))

    def sticks(self, model: Door) -> bool:
        """It does not stick."""
        return model.key == "k"


@pytest.fixture
def doors(tmp_path: Path) -> ChartRepository[Door]:
    return used(str(tmp_path / "doors"))


@pytest.fixture
def anywhere(any_place: str) -> ChartRepository[Door]:
    return used(any_place)


def used(place: str) -> ChartRepository[Door]:
    doors = ChartRepository(place, DoorChart)
    doors.create("front", Door())
    doors.fire("front", DoorChart.open_)
    doors.fire("front", DoorChart.close)
    doors.create("back", Door())
    return doors


def test_a_sound_store_has_a_report_for_each_name(anywhere: ChartRepository[Door]) -> None:
    reports = anywhere.verify(chart=True)

    assert [(each.name, each.records, each.transitions, each.intact) for each in reports] == [
        ("back", 1, 0, True),
        ("front", 3, 2, True),
    ]
    with pytest.raises(NotFound):
        anywhere.verify("side")


def truncated(content: bytes) -> bytes:
    return content[:-20]


@pytest.mark.parametrize(
    ("file", "damage", "said"),
    [
        ("history.jsonl", lambda content: content.replace(b"opened", b"0pened"), "was changed after it"),
        ("history.jsonl", lambda content: content.splitlines(True)[0], "records were lost"),
        ("history.jsonl", lambda content: b"x" + content, "is not JSON"),
        ("state.json", lambda content: content.replace(b'"k"', b'"l"'), "it was edited: key differs"),
    ],
    ids=["edited", "cut", "no JSON", "document"],
)
def test_damage_is_told_with_its_file(
    doors: ChartRepository[Door], file: str, damage: Callable[[bytes], bytes], said: str
) -> None:
    path = doors.files.directory("front") / file
    path.write_bytes(damage(path.read_bytes()))

    (back, front) = doors.verify()

    assert back.intact
    assert not front.intact
    assert any(said in problem.what for problem in front.problems), front.problems
    assert all(problem.file.is_relative_to(path.parent) for problem in front.problems)


def test_what_does_no_harm_is_a_note(doors: ChartRepository[Door]) -> None:
    doors.files.directory("front").joinpath("state.json").unlink()

    (report,) = doors.verify("front")

    assert report.intact
    assert any("state.json is missing" in note for note in report.notes)


def problems(doors: ChartRepository[Door], today: Any, **options: bool) -> list[str]:
    later: ChartRepository[Door] = ChartRepository(doors.store.where, today)
    (report,) = later.verify("front", **options)
    return [f"{problem.record} {problem.what}" for problem in report.problems]


def test_transitions_that_the_chart_has_no_more_are_told(doors: ChartRepository[Door]) -> None:
    assert problems(doors, Locks) == ["2 open_: closed → opened, which leads to locked in today's chart"]


def test_states_that_the_chart_has_no_more_are_told(anywhere: ChartRepository[Door]) -> None:
    assert problems(anywhere, Renamed) == [
        "1 Renamed has no state 'closed': known are shut, opened",
        "2 open_: closed → opened, which today's chart does not have",
        "3 Renamed has no state 'closed': known are shut, opened",
        "3 close: opened → closed, which leads to shut in today's chart",
    ]


def test_many_problems_are_not_compared_with_each_other(
    doors: ChartRepository[Door], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(20):
        doors.fire("front", DoorChart.open_)
        doors.fire("front", DoorChart.close)
    compared = []
    equal = Problem.__eq__
    monkeypatch.setattr(Problem, "__eq__", lambda self, other: compared.append(self) or equal(self, other))

    found = problems(doors, Renamed)

    assert len(found) == 64
    assert len(compared) < len(found)


def test_todays_guards_are_asked_on_demand(anywhere: ChartRepository[Door]) -> None:
    assert problems(anywhere, Stricter) == []
    assert problems(anywhere, Stricter, chart=True) == [
        "2 open_: closed → opened, which today's chart refuses: the key does not fit"
    ]
    assert problems(anywhere, Wavering) == []
    assert problems(anywhere, Wavering, chart=True) == [
        "2 open_: closed → opened, which today's guards lead to closed"
    ]
    (report,) = ChartRepository(anywhere.store.where, Stricter).verify("front", chart=True)
    assert report.notes == (
        "record 3: close: opened → closed can't be replayed: its payload noise was not recorded",
    )


def test_a_change_past_the_chart_is_told(doors: ChartRepository[Door]) -> None:
    files = JsonFileRepository(doors.files.root, Door)
    data = {"event": "open_", "from_state": "opened", "to_state": "closed"}
    with files.open("front") as session:
        session.commit("painted", Door(state="opened"), expected=3)
        session.commit("transition", Door(state="opened"), expected=4, data=data)

    assert problems(doors, DoorChart) == [
        "4 painted: the state changed from closed to opened without an event",
        "5 open_: opened → closed, but the state after it is opened",
    ]


@pytest.fixture
def segmented(tmp_path: Path) -> ChartRepository[Door]:
    """Return a store with a name of eight records, in segments of three."""
    doors = ChartRepository(tmp_path / "long", DoorChart, segment=Segment(records=3))
    doors.create("front", Door())
    for event in ("open_", "close", "open_", "close"):
        doors.fire("front", event)
    return doors


def test_problems_of_an_older_segment_are_told_with_its_file(segmented: ChartRepository[Door]) -> None:
    later = ChartRepository(segmented.files.root, Locks)

    (report,) = later.verify("front")

    first, last = report.problems
    assert (first.record, last.record) == (2, 5)
    assert first.what == "open_: closed → opened, which leads to locked in today's chart"
    assert first.file.name == "history.00000001-00000003.jsonl"
    assert str(first).startswith(f"{first.file}, record 2: open_: closed → opened")
    assert segmented.verify("front", chart=True)[0].intact


def test_a_missing_segment_keeps_no_other_from_being_verified(segmented: ChartRepository[Door]) -> None:
    oldest = next(each for each in segmented.files.segments("front") if each.first_seq == 1)
    oldest.path.unlink()

    (report,) = ChartRepository(segmented.files.root, Locks).verify("front")

    gap, later = report.problems
    assert (gap.record, gap.file) == (1, oldest.path)
    assert later.record == 5
    assert segmented.at("front", revision=4).state == "opened"
    damaged: list[str] = []
    told = list(segmented.changes(on_damage=lambda name, _: damaged.append(name)))
    assert [each.event for each in told] == ["open_", "close"]
    assert damaged == ["front"]


def test_a_migration_that_fails_in_a_later_segment_names_the_record(
    segmented: ChartRepository[Door],
) -> None:
    def unlucky(record: Record) -> Record:
        raise KeyError(record.seq)

    later = ChartRepository(segmented.files.root, DoorChart, schema_version=2, migrations={1: unlucky})

    with pytest.raises(MigrationFailed, match=r"record 7 of 'front' \(.*, line 1\)") as raised:
        later.load("front")
    assert raised.value.record == 7
