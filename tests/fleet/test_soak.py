"""The long forms: many environments, many kills, a database that crashes; and what it all costs."""

from __future__ import annotations

import asyncio
import random
import signal
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from environments.fleet.worker_status import DEAD_AFTER
from environments.model.records import StepRecord
from tests import postgres
from tests.fleet.harness import Crowd, crowd, wait_for
from tests.fleet.world import read

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1200)]

KILLS = 8
LONG = 900  # seconds, on a busy machine
NAMES = [f"env-{number}" for number in range(60)]


@pytest.mark.parametrize("crashes", [0, 2])
@pytest.mark.parametrize("count", [2, 4])
def test_sixty_environments_arrive_whoever_dies(count: int, crashes: int, tmp_path: Path) -> None:
    chance = random.Random(count * 10 + crashes)
    with (
        postgres.server(max(postgres.programs())) as server,
        crowd(server.url, tmp_path, seconds=0.3) as people,
    ):
        people.patience, people.dead_after = LONG, DEAD_AFTER.total_seconds()
        people.create(*NAMES)
        names = [f"w{number}" for number in range(count)]
        for name in names:
            people.start(name)
        people.ready(count)
        people.fleet.submit(NAMES)
        for number in range(KILLS):
            time.sleep(chance.uniform(0.5, 2))
            victim = chance.choice(names)
            people.kill(victim)
            people.start(victim)
            if number in (2, 5)[:crashes]:
                server.kill()
                server.start_again()
            for name in names:  # busy workers end when the database is away: systemd starts them again
                if people.workers[name].poll() is not None:
                    people.start(name)
        wait_for(lambda: _all_ended(people, names), people.told, patience=LONG)

        states = Counter(each.state.name for each in people.workspace.summaries())
        report = people.judged()
        print(f"{count} workers, {KILLS} kills, {crashes} crashes: {report.probes} probes")
        assert states == {"running": len(NAMES)}, people.told()
        assert report.violations == []


def _all_ended(people: Crowd, names: list[str]) -> bool:
    for name in names:
        if people.workers[name].poll() is not None:
            people.start(name)
    return not people.fleet.list(unfinished=True)


def test_a_takeover_takes_seconds(tmp_path: Path) -> None:
    """Print how long the environments of a killed worker wait, with all slots of the other one taken."""
    with (
        postgres.server(max(postgres.programs())) as server,
        crowd(server.url, tmp_path, seconds=0.5) as people,
    ):
        people.patience, people.dead_after = LONG, DEAD_AFTER.total_seconds()
        people.create(*NAMES)
        victim = people.start("victim", "--slots", "4")
        people.start("other", "--slots", "4")
        people.ready(2)
        people.fleet.submit(NAMES)
        wait_for(lambda: len({line.pid for line in read(people.log)}) == 2, people.told, patience=LONG)
        time.sleep(1)

        people.kill("victim")
        at = time.time()
        people.finished()

        waited = []
        for name in NAMES:
            lines = list(read(people.log, name))
            before = [line for line in lines if line.pid == victim.pid]
            after = [line.at - at for line in lines if line.pid != victim.pid and line.at > at]
            if before and after:
                waited.append(after[0])
        print(
            f"takeover of {len(waited)}: median {statistics.median(waited):.1f} s, max {max(waited):.1f} s"
        )
        assert people.judged().violations == []


def test_a_thousand_lifecycles_beside_bare_dbos(tmp_path: Path) -> None:
    """Print the throughput of whole lifecycles, and that of DBOS with as many steps of the same length.

    A step of a lifecycle is recorded when it begins and when it has ended, and so is each command. So a
    second figure is of DBOS with as many records: further steps that take no time.
    """
    count, seconds, slots = 1000, 0.02, 16
    with (
        postgres.server(max(postgres.programs())) as server,
        crowd(server.url, tmp_path, seconds=seconds) as people,
    ):
        names = [f"life-{number}" for number in range(count)]
        people.create(*names)
        for name in ("a", "b"):  # which live, however busy the machine is
            people.start(name, "--slots", str(slots), "--dead-after", "60")
        people.ready(2)
        begun = time.monotonic()
        people.fleet.submit(names)
        people.fleet.submit(names, to="destroyed")
        wait_for(lambda: not people.fleet.list(unfinished=True, limit=1), people.told, patience=LONG)
        ours = count / (time.monotonic() - begun)
        assert {each.state.name for each in people.workspace.summaries()} == {"destroyed"}
        assert people.judged().violations == []
        steps, records = _written(people, names[0])
        for worker in [*people.workers]:
            people.kill(worker, signal.SIGTERM)
        told = []
        for size, what in ((steps, "steps"), (records, "records")):
            bare = count / asyncio.run(_bare(server.url, count, seconds, slots, steps, size))
            told.append(f"bare DBOS with as many {what} {bare:.1f} ({ours / bare:.2f})")
        print(f"lifecycles a second, of {steps} steps in {records} records: {ours:.1f}; {'; '.join(told)}")


def _written(people: Crowd, name: str) -> tuple[int, int]:
    """Return how many steps of an environment have ended, and how many records followed its creation."""
    entries = [each.record for each in people.workspace.history(name)]
    ended = [each for each in entries if isinstance(each, StepRecord) and each.phase == "result"]
    return len(ended), len(entries) - 1


async def _bare(url: str, count: int, seconds: float, slots: int, steps: int, records: int) -> float:
    """Return how long two workers of DBOS take for as many workflows."""
    script = Path(__file__).with_name("bare_dbos.py")
    words = [sys.executable, str(script), url, *map(str, (seconds, count, slots, steps, records))]
    workers = [await asyncio.create_subprocess_exec(*words, stdout=-1) for _ in range(2)]
    outputs = [await each.communicate() for each in workers]
    return max(float(output.split()[-1]) for output, _ in outputs)
