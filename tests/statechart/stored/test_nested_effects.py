"""Effects of states within states: run once for a record, also of states that are entered in passing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from pydantic import BaseModel

from statechart import Chart, ChartRepository, Configuration, Event, State, Timer, effect, fire_due


class Parcel(BaseModel, frozen=True):
    state: Configuration | None = None
    weight: int = 0


class ParcelChart(Chart[Parcel]):
    draft = State(initial=True)

    class work(State.Parallel):
        class packing(State.Compound):
            open = State(initial=True)
            weighed = State()
            closed = State(final=True)
            weigh = open.to(weighed)
            close_ = weighed.to(closed)
            reopen = weighed.to(open)

        class paper(State.Compound):
            blank = State(initial=True)
            printed = State(final=True)
            print_ = blank.to(printed)

    checked = State()
    sent = State(final=True)
    late = State(final=True)

    begin = draft.to(work)
    done_state_work = work.to(checked)
    checked.to(sent)
    expire = Event(work.to(late))

    timers = (Timer(work, after=timedelta(hours=1), event=expire),)

    told: ClassVar[list[str]] = []

    @effect(work.packing)
    def lay_out(self, key: str) -> None:
        """Of a state around others."""
        self.told.append("lay_out")

    @effect(work.packing.open)
    def unfold(self) -> None:
        """Of a state within others, that may be entered again."""
        self.told.append("unfold")

    @effect(checked)
    def stamp(self, model: Parcel) -> None:
        """Of a state that is entered in passing."""
        self.told.append(f"stamp in {model.state}")

    @effect("done_state_work")
    def congratulate(self) -> None:
        """Of an event that the chart raises."""
        self.told.append("congratulate")

    @effect("weigh")
    def note(self, weight: int) -> None:
        """Of a transition within a state, with its payload."""
        self.told.append(f"note {weight}")

    @effect(expire)
    def apologise(self) -> None:
        """Of an event that a timer fires."""
        self.told.append("apologise")


@pytest.fixture
def parcels(any_place: str) -> ChartRepository[Parcel]:
    ParcelChart.told.clear()
    parcels = ChartRepository(any_place, ParcelChart)
    parcels.create("P", Parcel())
    return parcels


def test_effects_of_nested_states_are_due_once_for_each_record(parcels: ChartRepository[Parcel]) -> None:
    parcels.fire("P", "begin")
    parcels.fire("P", "weigh", weight=7)
    parcels.fire("P", "reopen")

    assert [(each.effect, each.revision) for each in parcels.due_effects("P")] == [
        ("lay_out", 2),
        ("unfold", 2),
        ("note", 3),
        ("unfold", 4),
    ]
    parcels.run_effects("P")
    parcels.run_effects()
    assert ParcelChart.told == ["lay_out", "unfold", "note 7", "unfold"]


def test_effects_of_what_a_macrostep_passes_are_due_with_it(parcels: ChartRepository[Parcel]) -> None:
    parcels.fire("P", "begin")
    parcels.fire("P", "weigh", weight=1)
    parcels.fire("P", "print_")
    parcels.run_effects("P")
    ParcelChart.told.clear()

    parcels.fire("P", "close_")
    record = parcels.history("P")[-1]
    parcels.run_effects("P")
    parcels.run_effects("P")

    assert record.to_state == "sent"
    assert record.data["effects"] == ["stamp", "congratulate"]
    assert ParcelChart.told == ["stamp in sent", "congratulate"]
    assert parcels.due_effects("P") == []


def test_an_effect_of_a_timers_event_is_due_by_the_timer_too(parcels: ChartRepository[Parcel]) -> None:
    parcels.fire("P", "begin")
    parcels.run_effects("P")
    with parcels.open("P") as held:
        fire_due(held.session, ParcelChart, datetime.now(UTC) + timedelta(hours=2))

    parcels.run_effects("P")

    assert ParcelChart.told[-1] == "apologise"


def test_a_refused_macrostep_makes_nothing_due(parcels: ChartRepository[Parcel]) -> None:
    with pytest.raises(Exception, match="cannot weigh"):
        parcels.fire("P", "weigh", weight=1)

    assert parcels.due_effects("P") == []
