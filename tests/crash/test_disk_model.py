"""Cut the power at every point of the operations on a disk, with every loss that POSIX allows.

All histories can be read, none of them is wrong, and every promise is kept.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from statechart.storage import reading
from tests.crash.disk_check import (
    Counters,
    Environments,
    Figures,
    Kept,
    Segmented,
    all_states,
    check,
    memory_below,
)
from tests.crash.disk_runs import (
    Run,
    counted,
    counted_or_created,
    created,
    damaged,
    killed_at_a_commit,
    killed_at_a_segment,
    killed_at_a_step,
    killed_at_the_creation,
    killed_at_the_purge,
    left_as,
    life_in_segments,
    life_of_a_counter,
    life_of_an_environment,
    rebased,
    recorded,
    recovered,
    torn,
    with_a_bad_disk,
    with_a_bad_disk_for_segments,
)

Cut: TypeAlias = Callable[..., Figures]
LONGEST = 16
"""A process that may do so many operations before it dies does not die: no run has more."""


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setattr(reading, "_PAUSE", 0)  # nobody else writes
    with memory_below(tmp_path) as place:
        yield place


@pytest.fixture
def cut(memory: Path, record_testsuite_property: Callable[[str, object], None]) -> Cut:
    """Records runs and lets the power fail in each."""

    def cut(*runs: Run, kept: type[Kept] = Counters, before: Run | None = None, **how: int) -> Figures:
        total = Figures()
        for run in runs:
            with tempfile.TemporaryDirectory(dir=memory) as directory:
                recording = recorded(Path(directory) / "disk", run, before)
            total.add(check(recording, kept, memory / "state", **{"limit": 1, **how}))
        print(f"\n{total}")
        record_testsuite_property("disk model", str(total))
        return total

    return cut


def test_a_life_of_commits(cut: Cut) -> None:
    figures = cut(life_of_a_counter, limit=2, stride=2)

    assert figures.wrong == []
    assert figures.distinct > 700


@pytest.mark.parametrize(("run", "before"), [(counted, torn), (rebased, damaged), (with_a_bad_disk, None)])
def test_a_repair(cut: Cut, run: Run, before: Run | None) -> None:
    figures = cut(run, before=before, limit=2)

    assert figures.wrong == []
    assert figures.distinct > 200


def test_a_life_of_an_environment(cut: Cut, tmp_path: Path) -> None:
    figures = cut(life_of_an_environment(tmp_path / "world"), kept=Environments, stride=15)

    assert figures.wrong == []
    assert figures.distinct > 200


def test_a_recovery(cut: Cut, tmp_path: Path) -> None:
    runs = [recovered(tmp_path / f"world{after}", after) for after in (6, 20, 30)]

    figures = cut(*runs, kept=Environments, stride=20)

    assert figures.wrong == []
    assert figures.distinct > 100


def test_a_life_in_segments(cut: Cut) -> None:
    figures = cut(life_in_segments, kept=Segmented, stride=5)

    assert figures.wrong == []
    assert figures.distinct > 100


def test_segments_on_a_bad_disk(cut: Cut) -> None:
    figures = cut(with_a_bad_disk_for_segments, kept=Segmented, stride=5)

    assert figures.wrong == []
    assert figures.distinct > 40


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_in_the_long_form_two_things_are_lost_in_a_life_in_segments(cut: Cut) -> None:
    assert cut(life_in_segments, with_a_bad_disk_for_segments, kept=Segmented, limit=2).wrong == []


DEATHS = [
    pytest.param(killed_at_a_commit, 3),
    pytest.param(killed_at_a_step, 3),
    pytest.param(killed_at_a_segment, 9),
    pytest.param(killed_at_the_creation, 3),
    pytest.param(killed_at_the_purge, 1),
]


@pytest.mark.parametrize(("dying", "stride"), DEATHS)
def test_a_process_that_died(cut: Cut, dying: Callable[[int], Run], stride: int) -> None:
    figures = cut(*map(dying, range(0, LONGEST, 2 if stride == 1 else 1)), stride=stride)

    assert figures.wrong == []
    assert figures.distinct > 100


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("dying", "stride"), DEATHS)
def test_in_the_long_form_two_things_are_lost_after_a_death(
    cut: Cut, dying: Callable[[int], Run], stride: int
) -> None:
    assert cut(*map(dying, range(LONGEST)), limit=2).wrong == []


def test_a_directory_below_others_that_are_missing(memory: Path) -> None:
    recording = recorded(memory / "disk", created, bare=True)

    assert check(recording, Counters, memory / "state", limit=1).wrong == []


def test_every_readable_name_can_be_listed(cut: Cut, tmp_path: Path) -> None:
    assert cut(life_of_an_environment(tmp_path / "world"), kept=Environments, stride=40).unlisted == []


@pytest.mark.soak
@pytest.mark.parametrize("run", [life_of_a_counter, with_a_bad_disk])
def test_in_the_long_form_three_things_are_lost_in_a_life(cut: Cut, run: Run) -> None:
    assert cut(run, limit=3).wrong == []


@pytest.mark.soak
@pytest.mark.parametrize(("run", "before"), [(counted, torn), (rebased, damaged)])
def test_in_the_long_form_three_things_are_lost_in_a_repair(cut: Cut, run: Run, before: Run) -> None:
    assert cut(run, before=before, limit=3).wrong == []


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_in_the_long_form_two_things_are_lost_in_the_life_of_an_environment(
    cut: Cut, tmp_path: Path
) -> None:
    life = life_of_an_environment(tmp_path / "world")

    assert cut(life, kept=Environments, limit=1).wrong == []
    assert cut(life, kept=Environments, limit=2, stride=10).wrong == []


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_in_the_long_form_a_command_dies_anywhere_and_is_recovered(cut: Cut, tmp_path: Path) -> None:
    runs = [recovered(tmp_path / f"world{after}", after) for after in range(60)]

    assert cut(*runs, kept=Environments, stride=5).wrong == []


def test_a_second_power_cut_during_the_repair_is_survived(cut: Cut, memory: Path) -> None:
    states = all_states(recorded(memory / "disk", life_of_a_counter), limit=1)

    figures = [cut(counted_or_created, before=left_as(state)) for state in states[::60]]

    assert [each.wrong for each in figures if each.wrong] == []
    assert sum(each.distinct for each in figures) > 300


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_in_the_long_form_the_power_fails_again_after_every_failure(cut: Cut, memory: Path) -> None:
    states = all_states(recorded(memory / "disk", life_of_a_counter), limit=1)

    assert [
        wrong for state in states for wrong in cut(counted_or_created, before=left_as(state)).wrong
    ] == []
