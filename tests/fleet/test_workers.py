"""Workers that are killed or paused: what they leave is carried on, and nothing is done twice."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable

import pytest

from tests.fleet.harness import Crowd, wait_for
from tests.fleet.world import read


def test_what_dead_workers_leave_is_carried_on_and_nothing_is_done_twice(people: Crowd) -> None:
    names = [f"kill-{number}" for number in range(10)]
    people.create(*names)
    for name in ("a", "b"):
        people.start(name, "--slots", "3")
    people.ready(2)
    people.fleet.submit(names)
    chance = random.Random(17)

    for victim in ("a", "b"):
        time.sleep(chance.uniform(0.2, 0.6))
        people.kill(victim)
        people.start(f"{victim}-again", "--slots", "3")
    people.finished()

    states = Counter(each.state.name for each in people.workspace.summaries())
    assert states == {"running": 10}, people.told()
    assert people.judged().violations == []


@pytest.mark.parametrize("pause", [os.kill, os.killpg], ids=["alone", "with its group"])
def test_a_paused_worker_does_no_second_effect(
    people: Crowd, pause: Callable[[int, int], None], request: pytest.FixtureRequest
) -> None:
    name = f"paused-{request.node.callspec.indices['pause']}"
    people.seconds = 1.0
    people.create(name)
    paused = people.start("a", "--dead-after", "3.5")
    people.ready(1)
    people.fleet.submit(name)
    wait_for(lambda: any(line.what == "begin" for line in read(people.log, name)), people.told)

    pause(paused.pid, signal.SIGSTOP)
    people.start("b")
    wait_for(lambda: any(line.pid != paused.pid for line in read(people.log, name)), people.told)

    # Continued or not, the watchdog has ended it, before another worker began.
    assert paused.wait(60) == -signal.SIGKILL
    (wish,) = [each for each in people.finished() if each.name == name]
    assert (wish.condition, wish.attempts) == ("reached", 2)
    assert people.judged().violations == []
