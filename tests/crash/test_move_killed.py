"""Environments whose moves are killed at any moment, and finished by the next."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from environments import EnvironmentSpec, Workspace
from environments.providers.local import LocalProvider
from environments.storage.opening import opened
from environments.storage.stored import StoredRepository
from statechart.storage.moving.move import harbour_of, unfinished

KILLS = 60

_MOVE = """
import sys
from environments import Workspace
Workspace(sys.argv[1]).move("web", sys.argv[2])
"""


def lines(repository: StoredRepository) -> bytes:
    departure = harbour_of(repository._store).depart("web", "look")
    try:
        return b"".join(part.content for part in departure.parts())
    finally:
        departure.close()


def killed_after(seconds: float, source: str, target: str) -> bool:
    """Kill a move after some time; return whether it was still at work."""
    process = subprocess.Popen(
        [sys.executable, "-c", _MOVE, source, target], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


@pytest.mark.soak
async def test_a_move_that_is_killed_anywhere_is_finished_by_the_next(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVCHART_SCRATCH", str(tmp_path / "scratch"))
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.py").write_text("")
    places = [str(tmp_path / "data"), postgres_url]
    spec = EnvironmentSpec(name="web", provider=LocalProvider(app=tmp_path / "app"))
    Workspace(places[0]).create(spec)
    for number in range(300):
        amended = spec.model_copy(update={"description": str(number)})
        await Workspace(places[0]).update("web", amended)
    chance = random.Random(17)
    started = time.monotonic()
    Workspace(places[0]).move("web", places[1])
    places.reverse()
    longest = time.monotonic() - started + 2
    before = lines(opened(places[0]))
    killed = finished = 0

    while killed < KILLS:
        source, target = places
        killed += killed_after(chance.uniform(0.2, longest), source, target)
        here, there = opened(source), opened(target)
        both = here.exists("web"), there.exists("web")
        assert both != (True, True)
        if both == (False, False):
            assert unfinished(harbour_of(here._store), harbour_of(there._store)) == ["web"]
            finished += 1
        if not both[1]:
            Workspace(source).move("web", target)
        assert lines(there) == before
        assert not here.exists("web")
        places.reverse()
    print(f"{killed} killed, {finished} of them at the last step")
