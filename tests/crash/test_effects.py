"""Kill a process at every call while it fires an event with effects, and while it runs them.

Whatever was committed is still due or done. Each effect is called again with the same key until it is
recorded as done, and never by two processes at once.
"""

from __future__ import annotations

import errno
import os
import random
import signal
import time
from pathlib import Path

import pytest

from statechart import ChartRepository
from tests.crash.layer import Action, Bench, Calls
from tests.crash.orders import Order, Orders, log_of, store
from tests.crash.sweeps import Swept, sweep
from tests.crash.tally import Tally

SCENES = {
    "fire": (("order create",), "order pay"),
    "run": (("order create", "order pay"), "order run"),
    "fire at once": (("order create",), "order pay at once"),
}
KILLS = (Action.KILL_BEFORE, Action.TORN, Action.KILL_AFTER)
STRIDES = {"fire": 3, "run": 7, "fire at once": 16}
"""The calls of the last scene are those of the first two."""


def swept(bench: Bench, scene: str, action: Action, *, stride: int, error: int = 0) -> Swept:
    """Meet the calls of a scene's command."""
    commands, command = SCENES[scene]
    classes = Calls.WRITES | Calls.OVERWRITES if action is Action.TORN else Calls.CHANGES
    job = {"command": command, "look": True, "classes": int(classes), "action": int(action), "error": error}
    found = Swept()
    sweep(bench, bench.prepared(commands), job, found, stride)
    return found


@pytest.mark.parametrize("scene", SCENES)
def test_a_kill_at_any_call_loses_no_effect(bench: Bench, tally: Tally, scene: str) -> None:
    for action in KILLS[:2]:
        found = swept(bench, scene, action, stride=STRIDES[scene])

        tally.add("effects killed", kills=found.kills, wrong=len(found.wrong))
        assert found.wrong == []
        assert found.kills == found.ways.total() > 0


def test_a_call_that_fails_loses_no_effect(bench: Bench, tally: Tally) -> None:
    found = swept(bench, "run", Action.FAIL, stride=11, error=errno.ENOSPC)

    tally.add("effects failed", faults=found.ways.total(), wrong=len(found.wrong))
    assert found.wrong == []
    assert found.ways.total() > 3


@pytest.mark.soak
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("scene", SCENES)
def test_in_the_long_form_each_call_is_the_last_and_fails(bench: Bench, tally: Tally, scene: str) -> None:
    for action in KILLS:
        found = swept(bench, scene, action, stride=1)
        tally.add("long effects killed", kills=found.kills, wrong=len(found.wrong))
        assert found.wrong == []
    for error in (errno.ENOSPC, errno.EIO, errno.EACCES):
        found = swept(bench, scene, Action.FAIL, stride=1, error=error)
        tally.add("long effects failed", faults=found.ways.total(), wrong=len(found.wrong))
        assert found.wrong == []


def runner(orders: ChartRepository[Order], end: Path) -> int:
    """Run effects in a process of its own until a file is there; return the process."""
    child = os.fork()
    if child == 0:
        try:
            while not end.exists():
                orders.run_effects(force=True)
        finally:
            os._exit(0)
    return child


def race(tmp_path: Path, names: int, kills: int) -> tuple[list[str], list[str]]:
    """Run the effects of several names in processes that are killed; return the log and the keys done."""
    (tmp_path / "world").mkdir()
    orders, end = store(tmp_path), tmp_path / "end"
    for number in range(names):
        world = tmp_path / f"world/{number}"
        world.mkdir()
        orders.create(f"A-{number}", Order(world=world))
        orders.fire(f"A-{number}", Orders.pay)
    children = [runner(orders, end) for _ in range(3)]
    for _ in range(kills):
        time.sleep(random.uniform(0, 0.03))  # whenever it is: each instant is as good
        os.kill(children[0], signal.SIGKILL)
        os.waitpid(children.pop(0), 0)
        children.append(runner(orders, end))
    end.touch()
    for child in children:
        os.waitpid(child, 0)
    orders.run_effects(force=True)
    assert orders.due_effects() == []
    assert set(orders.find("paid")) == set(orders.names())
    log = [key for n in range(names) for key in log_of(tmp_path / f"world/{n}")]
    done = [str(r.data["key"]) for n in orders.names() for r in orders.history(n) if r.type == "effect"]
    return log, done


@pytest.mark.parametrize(
    ("names", "kills"),
    [(3, 4), pytest.param(40, 300, marks=[pytest.mark.soak, pytest.mark.timeout(3000)])],
)
def test_runners_that_are_killed_at_random_never_run_two_at_once(
    tmp_path: Path, names: int, kills: int
) -> None:
    log, done = race(tmp_path, names, kills)

    assert "two at once" not in log
    assert set(log) == set(done)
    assert len(done) == len(set(done)) == 3 * names
