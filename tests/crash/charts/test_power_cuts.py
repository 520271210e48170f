"""The power is cut at every point of some macrosteps, with every loss that POSIX allows."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from statechart import JsonFileRepository
from statechart.storage import reading
from statechart.storage.segments.size import Segment
from tests.crash.charts.everything import NOW, Act, Everything, Item, done, machine_of, walk
from tests.crash.disk_check import DATA, check, memory_below
from tests.crash.disk_runs import recorded
from tests.crash.recorded import Recorder

NAME = "first"
ACTS = 5


class Items:
    """Values of the chart in short segments."""

    def __init__(self, place: Path) -> None:
        self.store = JsonFileRepository(place / DATA, Item, segment=Segment(records=3))

    def create(self, name: str) -> None:
        self.store.create(name, Item(state=Everything.initial(NOW)))

    def load(self, name: str) -> str:
        return self.store.load(name).value.model_dump_json()

    def change(self, name: str) -> tuple[str, str]:
        with self.store.open(name) as session:
            found = session.value
            event = machine_of(found, NOW).enabled()[0]
            changed = done(Act(NOW, event), found, session)
            return found.model_dump_json(), changed.model_dump_json()

    def candidates(self, name: str) -> int:
        return len(self.store.survey(name).candidates)

    def listed(self) -> dict[str, str]:
        documents = self.store.documents()
        return {name: "" if isinstance(said, bytes) else str(said) for name, said, _ in documents}


def macrosteps(recorder: Recorder) -> None:
    """Create a value, and do what a walk of the chart does, in two sessions."""
    acts, values = walk(3, ACTS)
    items = Items(recorder.place).store
    items.create(NAME, values[0])
    for part in (acts[:2], acts[2:]):
        with items.open(NAME) as session:
            for act in part:
                done(act, session.value, session)


@pytest.mark.parametrize(
    ("stride", "limit", "states"),
    [(6, 1, 60), pytest.param(1, 2, 500, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])],
)
def test_after_a_power_cut_the_old_or_the_new_macrostep_is_there(
    stride: int, limit: int, states: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(reading, "_PAUSE", 0)  # nobody else writes
    with memory_below(tmp_path) as place:
        with tempfile.TemporaryDirectory(dir=place) as directory:
            recording = recorded(Path(directory) / "disk", macrosteps)
        figures = check(recording, Items, place / "state", limit=limit, stride=stride)

    print(figures)
    assert figures.wrong == []
    assert figures.distinct > states
