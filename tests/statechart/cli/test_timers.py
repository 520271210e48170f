"""`timers` lists what runs and what is due, and fires it until a signal or, with --once, once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from statechart import ChartRepository
from tests.cli.conftest import Cli
from tests.statechart.cli.conftest import ORDERS
from tests.statechart.stored.timers import waiting
from tests.statechart.stored.timers.waiting import Job, jobs

WAITING = f"{waiting.__name__}:Waiting"
DAY = 24 * 3600.0


@pytest.fixture
def store(tmp_path: Path) -> ChartRepository[Job]:
    return jobs(str(tmp_path / "orders"))


@pytest.fixture(autouse=True)
def _mended() -> object:
    yield
    waiting.BROKEN.clear()


def test_timers_are_listed_with_those_that_are_due_first(cli: Cli, store: ChartRepository[Job]) -> None:
    store.create("later", Job(seconds=2 * DAY))
    store.create("now", Job(seconds=0.001))

    listed = cli("timers", "list", WAITING)

    assert listed.code == 0
    heading, now, later = (line.split() for line in listed.out.splitlines())
    assert heading == ["NAME", "TIMER", "EVENT", "DUE", "AT"]
    assert now[:3] == ["now", "waiting.expire", "expire"]
    assert later[:6] == ["later", "waiting.expire", "expire", "in", "2", "days"]
    assert listed.err == f"1 due, 1 running\nnext: python -m statechart timers run {WAITING}\n"


def test_timers_are_listed_as_json(cli: Cli, store: ChartRepository[Job]) -> None:
    created = store.create("a", Job(seconds=DAY))
    assert created.state is not None

    document = json.loads(cli("timers", "list", WAITING, "--json").out)

    at = created.state.timers["waiting.expire"].isoformat().replace("+00:00", "Z")
    timer = {"name": "a", "timer": "waiting.expire", "event": "expire", "at": at, "is_due": False}
    assert document == {"timers": [timer], "unreadable": []}


def test_once_fires_what_is_due_and_says_how_late(cli: Cli, store: ChartRepository[Job]) -> None:
    store.create("a", Job(seconds=0.001))
    store.create("shut", Job(seconds=0.001, is_open=False))
    store.create("later", Job(seconds=DAY))

    first, again = (cli("timers", "run", WAITING, "--once") for _ in range(2))

    assert (first.code, first.err) == (0, "1 fired, 1 lapsed\n")
    assert "a      expire: waiting → expired (" in first.out
    assert "shut   expire lapsed: nothing takes it in waiting (" in first.out
    assert (again.code, again.out, again.err) == (0, "", "no timer is due\n")
    assert store.find("waiting") == ["later", "shut"]


def test_once_tells_by_its_exit_code_what_was_not_fired(cli: Cli, store: ChartRepository[Job]) -> None:
    store.create("a", Job(name="a", seconds=0.001))
    waiting.BROKEN.add("a")

    failed = cli("timers", "run", WAITING, "--once")

    assert (failed.code, failed.out) == (8, "")
    assert failed.err.splitlines() == [
        "a: expire was not fired: OSError: no paper",
        f"next, for a: python -m statechart why {WAITING} a",
        "1 failed",
    ]


def test_a_name_that_is_locked_is_left_after_the_wait(cli: Cli, store: ChartRepository[Job]) -> None:
    store.create("a", Job(seconds=0.001))

    with store.open("a", command="think"):
        locked = cli("timers", "run", WAITING, "--once", "--lock-timeout", "0.1")

    assert locked.code == 8
    assert locked.err.startswith("a waits: ")
    assert locked.err.endswith("1 locked\n")


@pytest.mark.parametrize("words", [("list",), ("run", "--once")])
def test_a_damaged_value_is_told_and_the_others_go_on(
    cli: Cli, store: ChartRepository[Job], words: tuple[str, ...]
) -> None:
    store.create("a", Job(seconds=0.001))
    store.create("b", Job(seconds=0.001))
    (store.files.root / "a" / "history.jsonl").write_bytes(b"{}\n")

    found = cli("timers", words[0], WAITING, *words[1:])

    assert found.code == 7
    assert "b " in found.out
    assert f"next, for a: python -m statechart verify {WAITING} a\n" in found.err


def test_json_has_what_became_of_each_timer_on_a_line(cli: Cli, store: ChartRepository[Job]) -> None:
    store.create("a", Job(seconds=0.001))

    (line,) = cli("timers", "run", WAITING, "--once", "--json").out.splitlines()

    document = json.loads(line)
    assert document["late"] >= 0
    assert {
        key: document[key] for key in ("status", "name", "timer", "event", "from_state", "to_state")
    } == {
        **{"status": "fired", "name": "a", "timer": "waiting.expire", "event": "expire"},
        **{"from_state": "waiting", "to_state": "expired"},
    }


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_runner_in_order(
    tmp_path: Path, store: ChartRepository[Job], number: signal.Signals
) -> None:
    store.create("a", Job(seconds=0.001))
    line = [sys.executable, "-m", "statechart", "timers", "run", WAITING, "--store", str(store.files.root)]
    runner = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert runner.stdout is not None

    fired = runner.stdout.readline()
    runner.send_signal(number)
    rest, err = runner.communicate(timeout=60)

    assert "a  expire: waiting → expired" in fired
    assert (runner.returncode, rest) == (128 + number, "")
    assert err.splitlines()[-1] == "1 timer fired"
    assert "Traceback" not in err
    assert store.verify("a")[0].intact


def test_wrong_words_are_refused_with_the_right_ones(cli: Cli, store: ChartRepository[Job]) -> None:
    store.create("a", Job(seconds=DAY))

    unknown, contradicting = cli("timers", "fire", WAITING), cli("timers", "list", WAITING, "--once")
    untimed = cli("timers", "list", ORDERS)

    assert (unknown.code, contradicting.code, untimed.code) == (2, 2, 2)
    assert f"python -m statechart timers list {WAITING}" in unknown.err
    assert "--once is for run" in contradicting.err
    assert "OrderChart declares no timers" in untimed.err
