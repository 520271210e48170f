"""The figures that we promise, as ratios to a floor that is measured in the same run: `make bench`."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from uuid import uuid4

import pytest
from loguru import logger
from statemachine import Event, State, StateChart

from environments import Environment, EnvironmentSpec, FileRepository, Lifecycle, LocalProvider
from environments.execution.transitions import fire
from environments.model.command_name import CommandName
from environments.model.failure import Failure, FailureCause
from environments.model.states import enter
from statechart import Chart, Holder

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FAILURE = Failure(
    command=CommandName.PROVISION,
    step="create_directories",
    cause=FailureCause.FILE_SYSTEM,
    summary="disk is full",
    started_at=NOW,
    failed_at=NOW,
    duration=timedelta(seconds=1),
    trace_id=uuid4().hex,
)


def alternate(rounds: int, *works: Callable[[], object], block: int = 1) -> list[float]:
    """Run each work in turn, many times, and return the median duration of each, in seconds.

    A `block` of runs of one work follow each other, where one leaves the disk something to finish.
    """
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for durations, work in zip(taken, works, strict=True):
            for _ in range(block):
                started = time.perf_counter()
                work()
                durations.append(time.perf_counter() - started)
    return [median(durations) for durations in taken]


def report(figure: str, measured: float, floor: float, limit: float) -> None:
    ratio = measured / floor
    print(f"\n{figure}: {ratio:.2f} x (at most {limit}) = {measured * 1e6:.0f} us / {floor * 1e6:.0f} us")
    assert ratio <= limit


def test_a_durable_logged_transition(tmp_path: Path) -> None:
    repository = FileRepository(tmp_path / "data")
    spec = EnvironmentSpec(name="demo", provider=LocalProvider(app=tmp_path))
    repository.create(Environment.new(spec, NOW))
    logger.enable("environments")
    logger.remove()
    sink = logger.add(tmp_path / "log", level="INFO")
    journal = os.open(tmp_path / "floor.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    line, document = b"x" * 1023 + b"\n", b"x" * 2048

    def floor() -> None:
        os.write(journal, line)
        os.fdatasync(journal)
        temporary = os.open(tmp_path / "floor.tmp", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.write(temporary, document)
        os.close(temporary)
        os.rename(tmp_path / "floor.tmp", tmp_path / "floor.json")

    with repository.open("demo", Holder.current("bench")) as session:

        def transition() -> None:
            environment = session.environment
            event = Lifecycle.fail if environment.state.name == "provisioning" else Lifecycle.provision

            def entered(before: Environment, state: object) -> Environment:
                failure = FAILURE if state == "provision_failed" else None
                return before.entering(enter(state, failure), at=NOW)

            fire(session, event, entered, "bench")

        alternate(20, floor, transition)
        floor_s, transition_s = alternate(15, floor, transition, block=40)
    logger.remove(sink)
    os.close(journal)
    report("durable, journaled, logged transition", transition_s, floor_s, 2.0)


def test_fire_in_memory() -> None:
    class Raw(StateChart):
        allow_event_without_transition = False
        catch_errors_as_events = False
        atomic_configuration_update = True
        idle = State(initial=True)
        busy = State()
        flip = Event(idle.to(busy, cond="able") | busy.to(idle, cond="able"))

        def able(self, model: object) -> bool:
            return model is not None

    class Ours(Chart):
        idle = State(initial=True)
        busy = State()
        flip = Event(idle.to(busy, cond="able") | busy.to(idle, cond="able"))
        emit = staticmethod(lambda level, message, fields: None)

        def able(self, model: object) -> bool:
            return model is not None

    raw, ours = Raw(), Ours(commit=_Stub())
    alternate(200, lambda: raw.send("flip"), lambda: ours.fire(Ours.flip))
    raw_s, ours_s = alternate(5000, lambda: raw.send("flip"), lambda: ours.fire(Ours.flip))
    report("fire in memory", ours_s, raw_s, 1.5)


class _Stub:
    committed = False

    def __call__(self, transition: object) -> dict[str, object]:
        return {}


def test_listing_ten_thousand(tmp_path: Path) -> None:
    data = tmp_path / "data"
    repository = FileRepository(data)
    repository.create(Environment.new(EnvironmentSpec(name="e", provider=LocalProvider(app=tmp_path)), NOW))
    document = json.loads((data / "e" / "state.json").read_text())
    document["spec"]["description"] = "x" * (2048 - (data / "e" / "state.json").stat().st_size)
    for number in range(10_000):
        name = f"e{number}"
        document["name"] = document["spec"]["name"] = name
        (data / name).mkdir()
        (data / name / "state.json").write_text(json.dumps(document, indent=2))
        shutil.copy(data / "e" / "history.jsonl", data / name / "history.jsonl")
    shutil.rmtree(data / "e")
    program = (
        "import resource, sys, time; from environments import FileRepository;"
        "r = FileRepository(sys.argv[1]);"
        "t = time.perf_counter();"
        "n = sum(1 for s in r.summaries() if not hasattr(s, 'error')); t = time.perf_counter() - t;"
        "print(n, t, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )

    def read_all() -> int:
        size = 0
        for entry in os.scandir(data):
            if entry.name.startswith("."):
                continue
            descriptor = os.open(f"{entry.path}/state.json", os.O_RDONLY)
            size += len(os.read(descriptor, 4096))
            os.close(descriptor)
        return size

    floors, listings, peak = [], [], 0
    read_all()
    for _ in range(5):
        floors.extend(alternate(1, read_all))
        answer = subprocess.run([sys.executable, "-c", program, str(data)], capture_output=True, check=True)
        count, seconds, peak = answer.stdout.split()
        assert int(count) == 10_000
        listings.append(float(seconds))
    print(f"\npeak memory of a listing: {int(peak) / 1024:.0f} MB (at most 150)")
    assert int(peak) / 1024 < 150
    report("listing 10,000 environments", median(listings), median(floors), 3.0)


def cpu_seconds(*words: str) -> float:
    """Run a program and return the CPU time that it took, in user mode and in the system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)  # os.times() counts in hundredths of a second
    subprocess.run(words, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def starts(rounds: int, *programs: tuple[str, ...]) -> list[float]:
    """Run each program in turn, many times, and return the median CPU time of each."""
    taken = [[cpu_seconds(*words) for words in programs] for _ in range(rounds)]
    return [median(times) for times in zip(*taken, strict=True)]


@pytest.mark.parametrize("words", ["--help", "--version", "list"])
def test_start(words: str, tmp_path: Path) -> None:
    envchart = str(Path(sys.executable).parent / "envchart")
    measured = (envchart, "--data-dir", str(tmp_path), *words.split())
    floor = (sys.executable, "-c", "import click")

    starts(3, floor, measured)
    floor_s, measured_s = starts(25, floor, measured)

    report(f"CPU time of envchart {words}", measured_s, floor_s, 2.0)


if __name__ == "__main__":
    pytest.main([__file__, "-q", "-s"])
