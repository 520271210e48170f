"""The rows of a chart's values: their classes, their order, and what they are found by."""

from __future__ import annotations

from pathlib import Path

import pytest

from statechart import Chart, ChartRepository, Event, State
from statechart.dashboard.charts.desk import stations
from statechart.dashboard.charts.rows import GROUPS
from statechart.dashboard.charts.source import ChartSource
from statechart.overview import Index, Query
from tests.statechart.dashboard.charts.parcels import Parcel, ParcelChart


def index_of(repository: ChartRepository[Parcel]) -> Index:
    index = Index(ChartSource(repository))
    index.read()
    return index


def damage(repository: ChartRepository[Parcel], name: str) -> None:
    (repository.files.directory(name) / "history.jsonl").write_text("{}\n{}\n")


@pytest.fixture
def of_all_classes(parcels: ChartRepository[Parcel]) -> ChartRepository[Parcel]:
    for name in ("damaged", "due", "final", "lost", "new", "tried"):
        parcels.create(name, Parcel(to="Nowhere" if name == "tried" else "Ann"))
    parcels.fire("lost", ParcelChart.post)
    parcels.fire("lost", ParcelChart.lose)
    for name in ("due", "final", "tried"):
        parcels.fire(name, ParcelChart.post)
    parcels.fire("final", ParcelChart.arrive)
    for name in ("final", "tried"):
        parcels.run_effects(name)
    damage(parcels, "damaged")
    return parcels


def test_each_value_is_in_the_class_of_what_needs_a_person_most(
    of_all_classes: ChartRepository[Parcel],
) -> None:
    index = index_of(of_all_classes)

    with of_all_classes.open("new", command="packing"):
        index.refresh(["new"])
        held = index.get("new")
        listed = [(row.name, row.group) for row in index.rows]

    assert listed == [
        ("lost", "failed"),
        ("damaged", "unreadable"),
        ("tried", "effects"),  # one that failed comes before one that is only due
        ("due", "effects"),
        ("new", "under-way"),
        ("final", "final"),
    ]
    assert held is not None
    assert held.note.startswith("held by packing, pid")
    assert index.refresh(["new"])["new"].group == "in-progress"
    assert list(index.counts) == list(GROUPS)
    notes = {row.name: row.note for row in index.rows}
    assert notes["tried"] == "label failed 1 time: OSError: the printer is <off>"
    assert notes["due"] == "label is due"
    assert "the history of 'damaged' is damaged" in notes["damaged"]


def test_values_are_searched_and_filtered_by_their_states(of_all_classes: ChartRepository[Parcel]) -> None:
    index = index_of(of_all_classes)

    def names(**asked: object) -> set[str]:
        return {row.name for row in index.find(Query(**asked)).rows}

    assert names(q="PRINTER") == {"tried"}
    assert names(q="in progress") == {"new"}
    assert names(facets={"state": "sent"}) == {"due", "tried"}
    assert names(group="unreadable") == {"damaged"}
    assert index.find(Query()).facets == {"state": {"sent": 2, "arrived": 1, "lost": 1, "packed": 1}}


def test_a_refreshed_row_is_that_of_a_new_reading(of_all_classes: ChartRepository[Parcel]) -> None:
    index = index_of(of_all_classes)
    read = {row.name: (row.group, row.rank, row.words) for row in index.rows}

    again = index.refresh([*read, "gone", "../etc", ""])

    assert {name: (row.group, row.rank, row.words) for name, row in again.items() if row} == read
    assert [name for name, row in again.items() if row is None] == ["gone", "../etc", ""]
    of_all_classes.delete("due")
    assert index.refresh(["due"]) == {"due": None}
    assert index.total == len(read) - 1


def test_damage_inside_of_a_history_is_found_when_its_files_change(
    parcels: ChartRepository[Parcel],
) -> None:
    parcels.create("A-1", Parcel())
    parcels.fire("A-1", ParcelChart.post)
    index = index_of(parcels)
    journal = parcels.files.directory("A-1") / "history.jsonl"
    journal.write_text(journal.read_text().replace('"created"', '"creaXed"'))

    assert index.refresh(["A-1"])["A-1"].group == "unreadable"


def test_a_store_that_does_not_exist_yet_is_empty(tmp_path: Path) -> None:
    index = index_of(ChartRepository(tmp_path / "later", ParcelChart))

    assert (index.total, set(index.counts.values())) == (0, {0})


def test_the_station_of_a_state_is_its_place_on_the_shortest_way() -> None:
    class Line(Chart):
        a = State(initial=True)
        b = State()
        c = State()
        d = State(final=True)
        on = Event(a.to(b) | b.to(c) | c.to(d))
        skip = Event(a.to(c))
        back = Event(c.to(a))

    assert stations(Line) == ({"a": 1, "b": 2, "c": 2, "d": 3}, 3)
