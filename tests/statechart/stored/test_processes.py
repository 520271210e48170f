"""Several processes fire on one name at once, and one of them is killed."""

from __future__ import annotations

import signal
import subprocess
import sys

from statechart import ChartRepository
from tests.statechart.stored import counting

NAME = "c"
EACH = 15


def start(place: str, times: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", counting.__name__, place, NAME, str(times)],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_no_event_is_lost_between_two_processes_of_which_one_is_killed(any_place: str) -> None:
    counters = ChartRepository(any_place, counting.Counting)
    counters.create(NAME, counting.Counter())

    first, second = start(any_place, 10_000), start(any_place, EACH)
    assert first.stdout is not None
    assert second.stdout is not None
    said = first.stdout.readline()
    first.send_signal(signal.SIGKILL)
    told = said + first.stdout.read()
    assert first.wait(60) == -signal.SIGKILL
    assert len(second.stdout.read().split()) == EACH
    assert second.wait(60) == 0
    first.stdout.close()
    second.stdout.close()

    # The one that was killed may have committed an event that it had no time to tell of.
    records = counters.history(NAME)
    count = counters.load(NAME).count
    assert count - EACH - told.count("\n") in (0, 1)
    assert [record.revision for record in records] == list(range(1, count + 2))
    (report,) = counters.verify(chart=True)
    assert report.intact
