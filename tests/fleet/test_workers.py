"""Workers that are killed, paused, drained and outdated: what they leave is carried on, and nothing twice."""

from __future__ import annotations

import random
import time
from collections import Counter

from tests.fleet.harness import Crowd


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
