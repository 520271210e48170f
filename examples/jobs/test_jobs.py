"""Tests of the job chart by the plugin: every transition, every refusal, and the timers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from jobs import ATTEMPTS, Job, JobChart

from statechart import ChartRepository
from statechart.testing import Cell, Path as EventPath

PAYLOADS = {"fail": {"error": "no answer"}}


def job() -> Job:
    return Job(task="backup")


def test_a_job_is_given_up_after_pauses_that_grow(tmp_path: Path) -> None:
    jobs = ChartRepository(tmp_path, JobChart)
    jobs.create("J-1", job())
    jobs.fire("J-1", "start")
    pauses = []
    while str((failed := jobs.fire("J-1", "fail", error="no answer")).state) == "waiting":
        assert failed.state is not None
        deadline = failed.state.timers["waiting.retry"]
        pauses.append(deadline - jobs.history("J-1")[-1].at)
        jobs.fire_due("J-1", deadline)

    assert pauses == [timedelta(seconds=seconds) for seconds in (10, 40, 160)]
    assert (str(failed.state), failed.attempts) == ("failed", ATTEMPTS)
    steps = jobs.history("J-1")[-1].data["steps"]
    assert isinstance(steps, list)
    assert len(steps) == 2  # `fail`, and the transition without an event


def test_an_attempt_without_an_end_is_overdue(tmp_path: Path) -> None:
    jobs = ChartRepository(tmp_path, JobChart)
    jobs.create("J-1", job())
    jobs.fire("J-1", "start")

    jobs.fire_due("J-1", datetime.now(UTC) + timedelta(minutes=11))

    overdue = jobs.load("J-1")
    assert (str(overdue.state), overdue.error) == ("waiting", "no end after 0:10:00")


@pytest.mark.statechart_paths(JobChart, model=job, payloads=PAYLOADS)
def test_every_way_of_the_first_attempt(path: EventPath) -> None:
    path.drive()


@pytest.mark.statechart_matrix(JobChart, model=job, payloads=PAYLOADS)
def test_every_event_in_every_state(cell: Cell) -> None:
    cell.check()
