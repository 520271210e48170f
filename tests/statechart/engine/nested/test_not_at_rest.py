"""Values that were created or migrated where a transition without an event leads on."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from statechart import Chart, ChartRepository, Configuration, InvalidTransition, State
from statechart.testing import matrix


class Parcel(BaseModel):
    state: str | None = None
    is_paid: bool = True


class ParcelChart(Chart[Parcel]):
    new = State(initial=True)
    ready = State()
    gone = State(final=True)
    new.to(ready, cond="is_paid")
    drop = new.to(gone)
    send_it = ready.to(gone)


def test_what_is_allowed_is_what_is_fired(tmp_path: Path) -> None:
    parcels = ChartRepository(tmp_path, ParcelChart)
    parcels.create("P-1", Parcel())

    allowed = parcels.allowed("P-1")
    with pytest.raises(InvalidTransition) as refused:
        parcels.fire("P-1", "drop")

    assert parcels.load("P-1").state == "new"
    assert (allowed.events, allowed.refused) == (("send_it",), {"drop": "not declared in state ready"})
    assert str(refused.value) == "cannot drop 'P-1' in state ready: allowed now is send_it"
    assert parcels.fire("P-1", "send_it").state == "gone"


def test_a_guard_that_refuses_leaves_the_value_where_it_is(tmp_path: Path) -> None:
    parcels = ChartRepository(tmp_path, ParcelChart)
    parcels.create("P-1", Parcel(is_paid=False))

    assert parcels.allowed("P-1").events == ("drop",)
    assert parcels.fire("P-1", "drop").state == "gone"


@pytest.mark.parametrize("cell", matrix(ParcelChart, model=Parcel), ids=str)
def test_each_cell_of_the_matrix_holds(cell: object) -> None:
    cell.check()  # type: ignore[attr-defined]  # a cell


class Crate(BaseModel):
    state: Configuration | None = None


class CrateChart(Chart[Crate]):
    """Its guards ask where it is."""

    class packing(State.Compound, initial=True):
        begun = State(initial=True)
        full = State()
        begun.to(full)
        close = full.to(begun, cond="is_full")

    def is_full(self) -> bool:
        return self.active(CrateChart.packing.full)


def test_guards_see_where_the_value_comes_to_rest() -> None:
    machine = CrateChart(Crate(state=Configuration.of(CrateChart)))

    assert machine.enabled() == ("close",)
    machine.require(CrateChart.event("close"))
    assert machine.model.state == Configuration.of(CrateChart)
    assert not machine.active(CrateChart.packing.full)
