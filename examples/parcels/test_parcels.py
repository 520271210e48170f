"""Tests of the parcel chart by the plugin: every transition, every refusal, and the timers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from parcels import Parcel, ParcelChart

from statechart import ChartRepository
from statechart.testing import Cell, Driver, Path as EventPath

PAYLOADS = {"authorise": [{"amount": Decimal(7)}, {"amount": Decimal(6)}]}


def parcel() -> Parcel:
    return Parcel(total=Decimal(7))


def test_an_order_is_paused_and_goes_on_where_it_was(chart_driver: Callable[..., Driver]) -> None:
    driver = chart_driver(ParcelChart, model=parcel())

    driver.fire("place").fire("authorise", amount=Decimal(7)).fire("pack")
    driver.refuses("ship", because="not paid yet")
    driver.fire("pause").expect("paused").fire("resume").expect("authorised + packed")
    driver.fire("capture").fire("ship").expect("done")


def test_an_order_that_nobody_pays_expires(tmp_path: Path) -> None:
    parcels = ChartRepository(tmp_path, ParcelChart)
    parcels.create("P-1", parcel())
    parcels.fire("P-1", "place")
    now = datetime.now(UTC)

    assert parcels.fire_due("P-1", now + timedelta(minutes=29)) == ()
    parcels.fire_due("P-1", now + timedelta(minutes=31))

    assert str(parcels.load("P-1").state) == "expired"
    assert [each.effect for each in parcels.due_effects("P-1")] == ["tell_customer"]


@pytest.mark.statechart_paths(ParcelChart, model=parcel, payloads=PAYLOADS)
def test_every_transition(path: EventPath) -> None:
    path.drive()


@pytest.mark.statechart_matrix(ParcelChart, model=parcel, payloads=PAYLOADS)
def test_every_event_in_every_state(cell: Cell) -> None:
    cell.check()
