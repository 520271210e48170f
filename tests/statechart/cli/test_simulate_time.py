"""Walks through charts with timers, in which time passes, and histories of these as tests."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from statechart import ChartRepository, fire_due
from statechart.terminal.program.moments import duration
from statechart.terminal.refusal import UsageRefused
from tests.statechart.stored.trade import Job, JobChart

ORDERS = "tests.statechart.stored.trade:OrderChart"
JOBS = "tests.statechart.stored.trade:JobChart"


@pytest.fixture
def walk(cli: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Returns the result of `simulate` after typing some lines."""

    def typed(chart: str, *lines: str, options: tuple[str, ...] = ()) -> Any:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return cli("simulate", chart, *options)

    return typed


def answers(out: str) -> list[str]:
    """Return the lines that follow what was typed, up to the next picture."""
    return [part.split("\n\n")[0].partition("\n")[2] for part in out.split("> ")[1:]]


def test_time_passes_until_a_timer_fires_and_back(walk: Any) -> None:
    ran = walk(ORDERS, "place", "elapse 29m", "elapse 1m", "undo", "elapse", "quit")

    assert answers(ran.out)[:5] == [
        "place → awaiting + packing",
        "no timer was due: it is awaiting + packing; awaiting.expire in 60 s\n",
        "awaiting.expire → expired",
        "the time that passed was taken back",
        "awaiting.expire → expired",
    ]
    assert "timers, with elapse\n  awaiting.expire  expire in 30 min\n" in ran.out
    assert ran.out.endswith("2 events: it is expired\n")


def test_a_timer_that_nothing_takes_lapses_and_others_follow(walk: Any) -> None:
    ran = walk(JOBS, "begin", "fail", "elapse 2h", options=("--set", "limit=1"))

    assert answers(ran.out)[2] == "backing_off.retry: nothing took retry\nbacking_off.give_up → failed"


def test_a_macrostep_is_told_by_its_steps(walk: Any) -> None:
    ran = walk(ORDERS, "place", "authorise", "capture", "pack", "ship")

    assert answers(ran.out)[4] == (
        "ship → done\n"
        "  ship: left packed; entered shipped\n"
        "  done.state.open: left shipped, shipment, paid, payment, open; entered done"
    )


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("elapse", "no timer runs in draft: give a time, such as elapse 30m"),
        ("elapse 1x", "'1x' is no time: type one such as 45s, 30m, 2h, 7d or 1d12h"),
        ("elapse -1m", "'-1m' is no time"),
        ("elapse 999999999w", "is longer than any time"),
        ("elapse 1m 2m", "elapse takes one time, such as 30m"),
        ("done_state_open", "there is no event 'done_state_open'"),
        ("elaps", "did you mean 'elapse'?"),
    ],
)
def test_wrong_input_is_told(walk: Any, line: str, told: str) -> None:
    ran = walk(ORDERS, line)

    assert f"error: {told}" in ran.out or told in ran.out
    assert ran.code == 0


def test_help_names_elapse_only_where_there_are_timers(walk: Any) -> None:
    assert "elapse [TIME]" in walk(ORDERS, "help").out
    assert "elapse" not in walk("tests.statechart.cli.shop:DoorChart", "help").out


def test_a_walk_as_json_has_the_time_and_the_steps(walk: Any) -> None:
    document = json.loads(walk(ORDERS, "place", "elapse", options=("--json",)).out)

    event, time = document["steps"]
    assert [step["event"] for step in event["steps"]] == ["place"]
    assert time == {
        "elapsed": "PT30M",
        "fired": [{"timer": "awaiting.expire", "event": "expire", "lapsed": False, "state": "expired"}],
        "state": "expired",
    }


def test_a_walk_with_time_becomes_a_test_that_passes(walk: Any, tmp_path: Path) -> None:
    lines = ("place", "elapse 10m", "pause", "resume", "elapse 30m")
    walk(ORDERS, *lines, options=("--write", "test_walk.py"))

    source = (tmp_path / "test_walk.py").read_text()

    assert 'driver.elapse(timedelta(seconds=1800.0)).expect("expired")' in source
    _run(source, "test_walk")


def test_a_history_with_timers_becomes_a_test_that_passes(cli: Any, tmp_path: Path) -> None:
    jobs = ChartRepository(tmp_path / "orders", JobChart)
    jobs.create("J", Job(limit=2))
    jobs.fire("J", "begin")
    with jobs.open("J") as held:
        fired = fire_due(held.session, JobChart, datetime.now(UTC) + timedelta(minutes=6))
        fired += fire_due(held.session, JobChart, datetime.now(UTC) + timedelta(hours=1))
    assert [each.timer for each in fired][:2] == ["running.fail", "backing_off.retry"]

    source = cli("history", JOBS, "J", "--as-test", "-").out

    assert 'driver.elapse("running.fail").expect("backing_off")' in source
    assert 'driver.elapse("backing_off.retry")' in source
    assert "can't be replayed" not in source
    _run(source, "test_j")


def _run(source: str, name: str) -> None:
    scope: dict[str, Any] = {}
    exec(compile(source, name, "exec"), scope)
    scope[next(each for each in scope if each.startswith("test_"))]()


def test_times_are_typed_with_their_units() -> None:
    assert duration("1d12h") == timedelta(days=1, hours=12)
    assert duration("0.5s") == timedelta(milliseconds=500)
    for text in ("", "5", "m", "1h30", "1 h"):
        with pytest.raises(UsageRefused, match="is no time"):
            duration(text)
