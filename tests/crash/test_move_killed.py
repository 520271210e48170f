"""Environments whose moves are killed at any moment, and finished by the next."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from environments import EnvironmentSpec, Workspace
from environments.providers.local import LocalProvider
from environments.storage.opening import opened
from environments.storage.stored import StoredRepository
from statechart.storage.moving.move import harbour_of, unfinished
from tests.crash.mover import CHANGES

KILLS = 60
CHECKOUT = Path(__file__).parents[2]


class Mover:
    """The process of `tests.crash.mover`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def killed(self, source: str, target: str, *, call: int = 0, seconds: float = 0) -> bool:
        """Move, and return whether the move was killed: at a call, or after some time."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(source, target, call, seconds, sep="\t", file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline()) != 0


@pytest.fixture
def mover(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mover]:
    monkeypatch.setenv("ENVCHART_SCRATCH", str(tmp_path / "scratch"))
    with subprocess.Popen(
        [sys.executable, "-m", "tests.crash.mover"],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Mover(process)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    directory = tmp_path / "app"
    directory.mkdir()
    (directory / "app.py").write_text("")
    return directory


@pytest.fixture
def places(tmp_path: Path, postgres_url: str) -> list[str]:
    return [str(tmp_path / "data"), postgres_url]


async def grown(place: str, app: Path, updates: int) -> bytes:
    """Create `web` with a history; return its lines."""
    spec = EnvironmentSpec(name="web", provider=LocalProvider(app=app))
    Workspace(place).create(spec)
    for number in range(updates):
        await Workspace(place).update("web", spec.model_copy(update={"description": str(number)}))
    return lines(opened(place))


def lines(repository: StoredRepository) -> bytes:
    departure = harbour_of(repository._store).depart("web", "look")
    try:
        return b"".join(part.content for part in departure.parts())
    finally:
        departure.close()


def finish(places: list[str], history: bytes) -> tuple[bool, bool]:
    """Finish a move that was killed; return which of the stores had the name before."""
    source, target = places
    here, there = opened(source), opened(target)
    had = here.exists("web"), there.exists("web")
    assert had != (True, True)
    if had == (False, False):
        assert unfinished(harbour_of(here._store), harbour_of(there._store)) == ["web"]
    if not had[1]:
        Workspace(source).move("web", target)
    assert lines(there) == history
    assert not here.exists("web")
    return had


async def test_a_move_that_is_killed_after_any_change_is_finished_by_the_next(
    mover: Mover, places: list[str], app: Path
) -> None:
    history = await grown(places[0], app, 3)
    seen: dict[str, list[tuple[bool, bool]]] = {place: [] for place in places}
    call = 1

    while mover.killed(*places, call=call):
        seen[places[0]].append(finish(places, history))
        places.reverse()
        call += places[0] < places[1]  # a path: it is home again

    assert len(seen[places[0]]) == call - 1 >= len(CHANGES)
    for had in seen.values():
        # Until it is verified there, it is here; then nowhere; then there.
        assert list(dict.fromkeys(had)) == [(True, False), (False, False), (False, True)]


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_a_move_that_is_killed_at_any_moment_is_finished_by_the_next(
    mover: Mover, places: list[str], app: Path
) -> None:
    history = await grown(places[0], app, 300)
    chance = random.Random(17)
    started = time.monotonic()
    assert not mover.killed(*places)
    longest = time.monotonic() - started
    places.reverse()
    killed = finished = 0

    while killed < KILLS:
        killed += mover.killed(*places, seconds=chance.uniform(0.001, longest))
        finished += finish(places, history) == (False, False)
        places.reverse()
    print(f"{killed} killed, {finished} of them at the last step")
