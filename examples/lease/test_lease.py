"""Tests of the lease chart by the plugin, and of the command as it is typed."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lease import Lease, LeaseChart, disk
from pool import main

from statechart import ChartRepository
from statechart.testing import Cell, Driver, Path as EventPath

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LATER = NOON + 2 * HOUR
PAYLOADS = {
    "take": [{"by": "ann", "now": NOON, "time": HOUR}, {"by": "bob", "now": LATER, "time": HOUR}],
    "renew": [{"by": "ann", "now": NOON, "time": HOUR}, {"by": "bob", "now": NOON, "time": HOUR}],
    "release": [{"by": "ann"}, {"by": "bob"}],
    "expire": [{"now": NOON}, {"now": LATER}],
}


def test_a_lease_ends_with_its_time(chart_driver: Callable[..., Driver]) -> None:
    driver = chart_driver(LeaseChart, model=Lease())

    driver.fire("take", by="ann", now=NOON, time=HOUR)
    driver.refuses("release", because="only its holder", by="bob")
    driver.refuses("expire", because="its time is not over", now=NOON)
    driver.refuses("renew", by="ann", now=LATER, time=HOUR)
    driver.fire("renew", by="ann", now=NOON + HOUR / 2, time=HOUR)
    assert driver.model == Lease(state="leased", holder="ann", until=NOON + HOUR * 1.5, token=1)
    driver.fire("expire", now=LATER).fire("clean").fire("take", by="bob", now=LATER, time=HOUR)
    assert driver.model == Lease(state="leased", holder="bob", until=LATER + HOUR, token=2)


@pytest.mark.statechart_paths(LeaseChart, model=Lease, payloads=PAYLOADS)
def test_every_transition(path: EventPath) -> None:
    path.drive()


@pytest.mark.statechart_matrix(LeaseChart, model=Lease, payloads=PAYLOADS)
def test_every_event_in_every_state(cell: Cell) -> None:
    cell.check()


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def pool(line: str, now: datetime = NOON) -> int:
    return main(shlex.split(line), now=now)


def test_a_machine_comes_back_when_its_time_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    for line in ("add m-1", "add m-2", "take --by ann", "take --by bob --minutes 90"):
        assert pool(line) == 0
    assert pool("take --by cleo") == 1
    assert pool("expire", NOON + HOUR) == 0
    assert [pool("changes"), pool("changes")] == [0, 0]

    said = capsys.readouterr()
    assert "no machine is free" in said.err
    assert said.out.splitlines()[4:] == [
        "m-1 is free",
        "m-1: add -> free",
        "m-2: add -> free",
        "m-1: take by ann -> leased",
        "m-2: take by bob -> leased",
        "m-1: expire -> cleaning",
        "m-1: clean -> free",
    ]


def test_a_machine_is_free_only_when_it_is_wiped(capsys: pytest.CaptureFixture[str]) -> None:
    for line in ("add m-1", "take m-1 --by ann"):
        pool(line)
    disk("m-1").parent.mkdir()
    disk("m-1").touch()  # no directory, which can't be wiped
    crashed = ChartRepository("pool", LeaseChart)  # a program that ends before its effects are run
    crashed.fire("m-1", LeaseChart.release, by="ann")

    assert pool("take m-1 --by bob") == 1
    assert "cannot take 'm-1' in state cleaning" in capsys.readouterr().err
    assert pool("expire") == 1
    assert "m-1 is not clean" in capsys.readouterr().err
    disk("m-1").unlink()
    disk("m-1").mkdir()
    assert [pool("expire"), pool("take m-1 --by bob")] == [0, 0]
    assert not disk("m-1").exists()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("take m-1 --by bob", "cannot take 'm-1' in state leased"),
        ("renew m-1 --by bob", "cannot renew 'm-1' in state leased: only its holder may do that"),
        ("retire m-1", "cannot retire 'm-1' in state leased"),
        ("add m-1", "'m-1' already exists"),
        ("show m-2", "there is no 'm-2'"),
        ("list --state lesed", "leased"),
    ],
)
def test_the_pool_says_what_is_wrong(line: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    pool("add m-1")
    pool("take m-1 --by ann")

    assert pool(line) == 1
    assert told in capsys.readouterr().err


def test_a_wrong_time_is_a_mistake_of_usage(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in ("0", "-1", "soon", "1e99", "nan"):
        with pytest.raises(SystemExit, match="2"):
            pool(f"take m-1 --minutes={wrong}")
        assert f"'{wrong}' is not a number of minutes" in capsys.readouterr().err
