"""A process that takes macrosteps is killed anywhere: the old or the new value is there, whole."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.crash.charts.everything import walk
from tests.crash.charts.killed import Round, drawn
from tests.crash.tally import Tally

_MEMORY = Path("/dev/shm")


def kills(seed: int, count: int, tally: Tally) -> None:
    """Kill walks of the chart until there were enough kills."""
    chance = random.Random(seed)
    where = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    done = unsaid = 0
    while done < count:
        place = Path(tempfile.mkdtemp(dir=where, prefix="envchart-macrosteps-"))
        acts, values = walk(chance.randrange(2**32), 40)
        try:
            round_ = Round(place, acts, values, [])
            round_.begin()
            while done + round_.kills < count and round_._at() < len(acts):
                round_.kill(drawn(chance))
                assert round_.wrong == [], f"seed {seed}"
            done += round_.kills
            unsaid += round_.unsaid
        finally:
            shutil.rmtree(place)
    tally.add("macrosteps killed", kills=done, unsaid=unsaid)
    assert unsaid  # else no kill came between the commit and its answer


@pytest.mark.timeout(600)
def test_after_a_kill_the_old_or_the_new_macrostep_is_there(tally: Tally) -> None:
    kills(20, 200, tally)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_after_many_kills_the_old_or_the_new_macrostep_is_there(tally: Tally) -> None:
    kills(random.randrange(2**32), 5000, tally)
