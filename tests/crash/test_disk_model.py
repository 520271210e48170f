"""The power fails at every point of what the program does to a disk, in every way that POSIX allows."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from statechart import opening
from tests.crash.disk_check import DATA, Counter, Counters, Environments, check, stepped
from tests.crash.disk_promises import noted
from tests.crash.recorded import Recorder, Recording, tree_of
from statechart.store import JsonFileRepository


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setattr(opening, "_PAUSE", 0)  # nobody else writes
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="envchart-disk-") as directory:
        yield Path(directory)


def store(disk: Path) -> JsonFileRepository[Counter]:
    return JsonFileRepository(disk / DATA, Counter, fold=stepped)


def count(repository: JsonFileRepository[Counter], name: str = "first") -> None:
    with repository.open(name) as session:
        session.append("step", {})
        session.commit("counted", Counter(count=session.value.count + 1), expected=session.head.revision)


def life_of_a_counter(recorder: Recorder) -> None:
    repository = store(recorder.place)
    repository.create("first", Counter())
    count(repository)
    count(repository)
    repository.create("other", Counter())
    repository.delete("first", expected=repository.load("first").head)
    repository.create("first", Counter())


def recorded(disk: Path, run: Any) -> Recording:
    disk.mkdir()
    (disk / "srv").mkdir()
    with noted(Recorder(disk)) as recorder:
        run(recorder)
    assert recorder.recording.replayed().state() == tree_of(disk).state()
    return recorder.recording


def test_x(memory: Path) -> None:
    recording = recorded(memory / "disk", life_of_a_counter)
    figures = check(recording, Counters, memory / "state", limit=2)
    print(figures)
    assert figures.wrong == []
