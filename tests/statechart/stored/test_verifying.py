"""Histories are verified as files, and against the chart as it is declared today."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from statechart import Chart, ChartRepository, Event, JsonFileRepository, NotFound, State


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


@pytest.fixture
def doors(tmp_path: Path) -> ChartRepository[Door]:
    doors = ChartRepository(tmp_path / "doors", DoorChart)
    doors.create("front", Door())
    doors.fire("front", DoorChart.open_)
    doors.fire("front", DoorChart.close)
    doors.create("back", Door())
    return doors


def test_a_sound_store_has_a_report_for_each_name(doors: ChartRepository[Door]) -> None:
    reports = doors.verify(chart=True)

    assert [(each.name, each.records, each.transitions, each.intact) for each in reports] == [
        ("back", 1, 0, True),
        ("front", 3, 2, True),
    ]
    with pytest.raises(NotFound):
        doors.verify("side")


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
    later: ChartRepository[Door] = ChartRepository(doors.files.root, today)
    (report,) = later.verify("front", **options)
    return [f"{problem.record} {problem.what}" for problem in report.problems]


def test_transitions_that_the_chart_has_no_more_are_told(doors: ChartRepository[Door]) -> None:
    assert problems(doors, Locks) == ["2 open_: closed → opened, which leads to locked in today's chart"]


def test_states_that_the_chart_has_no_more_are_told(doors: ChartRepository[Door]) -> None:
    assert problems(doors, Renamed) == [
        "1 Renamed has no state 'closed': known are shut, opened",
        "2 open_: closed → opened, which today's chart does not have",
        "3 Renamed has no state 'closed': known are shut, opened",
        "3 close: opened → closed, which leads to shut in today's chart",
    ]


def test_todays_guards_are_asked_on_demand(doors: ChartRepository[Door]) -> None:
    assert problems(doors, Stricter) == []
    assert problems(doors, Stricter, chart=True) == [
        "2 open_: closed → opened, which today's chart refuses: the key does not fit"
    ]
    (report,) = ChartRepository(doors.files.root, Stricter).verify("front", chart=True)
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
