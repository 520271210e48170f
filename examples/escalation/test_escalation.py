"""Tests of the request chart by the plugin: every transition, every refusal, and the timers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from escalation import Request, RequestChart

from statechart import ChartRepository
from statechart.testing import Cell, Path as EventPath

PAYLOADS = {"approve": {"by": "ann"}, "reject": {"by": "ann"}}


def request() -> Request:
    return Request(title="New logo")


@pytest.mark.parametrize(("urgent", "days"), [(False, 9), (True, 3)])
def test_a_request_goes_up_until_nobody_is_left(tmp_path: Path, urgent: bool, days: int) -> None:
    requests = ChartRepository(tmp_path, RequestChart)
    requests.create("R-1", Request(title="New logo", urgent=urgent))
    requests.fire("R-1", "submit")
    now = datetime.now(UTC)

    # A runner looks all the time; here, time passes in half days.
    for half in range(1, 2 * days):
        requests.fire_due("R-1", now + timedelta(days=half / 2, minutes=1))
    request = requests.load("R-1")
    assert (request.asked, request.reminders) == ("board", 3)
    requests.fire_due("R-1", now + timedelta(days=days, hours=1))

    assert str(requests.load("R-1").state) == "unanswered"


@pytest.mark.statechart_paths(RequestChart, model=request, payloads=PAYLOADS)
def test_every_way_of_the_first_level(path: EventPath) -> None:
    path.drive()


@pytest.mark.statechart_matrix(RequestChart, model=request, payloads=PAYLOADS)
def test_every_event_in_every_state(cell: Cell) -> None:
    cell.check()
