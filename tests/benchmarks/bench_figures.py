"""The figures that we promise, as ratios to a floor that is measured in the same run: `make bench`."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from loguru import logger
from pydantic import BaseModel

from environments import Environment, EnvironmentSpec, FileRepository, Lifecycle, LocalProvider
from environments.execution.transitions import fire
from environments.model.command_name import CommandName
from environments.model.failure import Failure, FailureCause
from environments.model.records import AmendedRecord
from environments.model.states import enter
from statechart import Chart, ChartRepository, Event, Holder, JsonFileRepository, State
from statechart.diagram import render
from statechart.picture import Marks, path
from statechart.storage.segments.size import DEFAULT, Segment
from tests.benchmarks.compare import measured
from tests.benchmarks.compared import orders
from tests.benchmarks.compared.contestants import Contestant, contestants

ENVCHART = str(Path(sys.executable).parent / "envchart")
# Programs are measured as installed ones run: with their bytecode, wherever the checkout's may be kept.
_BYTECODE = tempfile.TemporaryDirectory(prefix="envchart-bench-")
CHILD = {
    **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
    "PYTHONPYCACHEPREFIX": _BYTECODE.name,
}
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
    floor = written_plainly(tmp_path)

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
    report("durable, journaled, logged transition of an environment", transition_s, floor_s, 1.5)


class Door(BaseModel, frozen=True):
    state: str = "idle"
    count: int = 0


class DoorChart(Chart[Door]):
    idle = State(initial=True)
    busy = State()
    flip = Event(idle.to(busy) | busy.to(idle))

    def on_flip(self, model: Any) -> None:
        model.count += 1


def test_a_durable_logged_transition_of_a_chart(tmp_path: Path) -> None:
    logger.enable("statechart")
    logger.remove()
    sink = logger.add(tmp_path / "log", level="INFO")
    floor = written_plainly(tmp_path)
    doors = ChartRepository(tmp_path / "doors", DoorChart)
    doors.create("a", Door())

    with doors.open("a") as door:
        works = (floor, lambda: door.fire(DoorChart.flip))
        alternate(20, *works)
        floor_s, transition_s = alternate(15, *works, block=40)
    logger.remove(sink)
    logger.disable("statechart")
    report("durable, journaled, logged transition of a chart", transition_s, floor_s, 1.5)


def written_plainly(place: Path) -> Callable[[], None]:
    """Return what writes a line and a document of the usual sizes, with nothing around it."""
    journal = os.open(place / "floor.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    line, document = b"x" * 1023 + b"\n", b"x" * 2048

    def floor() -> None:
        os.write(journal, line)
        os.fdatasync(journal)
        temporary = os.open(place / "floor.tmp", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.write(temporary, document)
        os.close(temporary)
        os.rename(place / "floor.tmp", place / "floor.json")

    return floor


@pytest.fixture(scope="module")
def libraries() -> dict[str, Contestant]:
    return {library.name: library for library in contestants()}


def cpu(*works: Callable[[], object], rounds: int = 41, block: int = 200) -> list[float]:
    """Run each work in turn, and return the median CPU time of each, in seconds."""
    return measured(works, rounds, block, time.process_time)


def test_an_event_in_memory(libraries: dict[str, Contestant]) -> None:
    names = ("statechart", "transitions", "python-statemachine")
    ours, theirs, engine = cpu(*(libraries[name].plain for name in names))

    report("an event in memory, to that of transitions", ours, theirs, 1.0)
    report("an event in memory, to that of python-statemachine", ours, engine, 0.12)


def test_an_event_with_hooks_and_log_lines() -> None:
    class Door(Chart[Any]):
        idle = State(initial=True)
        busy = State()
        flip = Event(idle.to(busy, cond="able") | busy.to(idle, cond="able"))
        lines: ClassVar[int] = 0

        def able(self, model: object) -> bool:
            return model is not None

        def on_enter_state(self) -> None: ...

        @staticmethod
        def emit(level: str, message: str, fields: Mapping[str, object]) -> None:
            Door.lines += 1

    door = Door()
    (taken,) = cpu(lambda: door.fire(Door.flip))

    assert Door.lines == 2 * 44 * 200
    absolute("an event with a guard, a hook, our Transition and two log calls", taken, 20e-6)


def test_an_event_of_an_order_with_regions_and_timers() -> None:
    walks = (orders.ours(), orders.xstate_statemachine(), orders.python_statemachine())
    ours, xstate, engine = (taken / len(orders.EVENTS) for taken in cpu(*walks, block=25))

    print(f"\nan event of the order: xstate-statemachine, without timers, {xstate * 1e6:.1f} us")
    absolute("an event of the order, with timers", ours, 30e-6)
    report("an event of the order, to that of python-statemachine", ours, engine, 0.3)


def test_a_machine_is_built(libraries: dict[str, Contestant]) -> None:
    (taken,) = cpu(libraries["statechart"].build, rounds=15)

    absolute("building a machine", taken, 100e-6)


def test_the_allowed_events_of_a_state() -> None:
    class Door(Chart[Any]):
        idle = State(initial=True)
        busy = State()
        flip = Event(idle.to(busy) | busy.to(idle))

    (taken,) = cpu(Door().enabled)

    absolute("the allowed events of a state without guards", taken, 1e-6)


def absolute(figure: str, taken: float, limit: float) -> None:
    print(f"\n{figure}: {taken * 1e6:.1f} us (at most {limit * 1e6:.0f})")
    assert taken <= limit


LISTING = """
import json, os, sys, time
from pathlib import Path
from environments import FileRepository

data, rounds = sys.argv[1], int(sys.argv[2])
repository = FileRepository(data)

def read():
    for entry in os.scandir(data):
        if not entry.name.startswith("."):
            descriptor = os.open(f"{entry.path}/state.json", os.O_RDONLY)
            os.read(descriptor, 4096)
            os.close(descriptor)

def listing():
    assert sum(1 for line in repository.summaries() if not hasattr(line, "error")) == 10_000

def taken(work):
    started = time.process_time()
    work()
    return time.process_time() - started

times = [(taken(read), taken(listing)) for _ in range(rounds)]
floor, listed = map(min, zip(*times))
print(json.dumps([floor, listed, Path("/proc/self/status").read_text()]))
"""
LISTING_COMMAND = """
import sys
from pathlib import Path
from environments.cli.app import main

code = main(sys.argv[1:])
print(Path("/proc/self/status").read_text(), file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture(scope="module")
def ten_thousand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with 10,000 environments, each with a document of 2 KB."""
    data = tmp_path_factory.mktemp("list") / "data"
    repository = FileRepository(data)
    app = LocalProvider(app=data)
    repository.create(Environment.new(EnvironmentSpec(name="e", provider=app), NOW))
    document = json.loads((data / "e" / "state.json").read_text())
    document["spec"]["description"] = "x" * (2048 - (data / "e" / "state.json").stat().st_size)
    for number in range(10_000):
        name = f"e{number}"
        document["name"] = document["spec"]["name"] = name
        (data / name).mkdir()
        (data / name / "state.json").write_text(json.dumps(document, indent=2) + "\n")
        shutil.copy(data / "e" / "history.jsonl", data / name / "history.jsonl")
    shutil.rmtree(data / "e")
    return data


def test_listing_ten_thousand(ten_thousand: Path) -> None:
    run([sys.executable, "-c", LISTING, str(ten_thousand), "1"])
    floor, listed, status = json.loads(run([sys.executable, "-c", LISTING, str(ten_thousand), "15"]))

    report_peak("listing 10,000 environments", status, 65)
    report("CPU time of listing 10,000 environments, to reading their bytes", listed, floor, 2.0)


def test_the_command_that_lists_ten_thousand(ten_thousand: Path) -> None:
    words = [sys.executable, "-c", LISTING_COMMAND, "--data-dir", str(ten_thousand), "list"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=CHILD)

    assert len(done.stdout.splitlines()) == 10_001
    report_peak("envchart list of 10,000 environments", done.stderr, 65)


def report_peak(figure: str, status: str, limit: float) -> None:
    # Not ru_maxrss, which counts the memory of the parent that a program was started from, too.
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    megabytes = int(found[1]) / 1024
    print(f"\npeak memory of {figure}: {megabytes:.0f} MB (at most {limit})")
    assert megabytes <= limit


def run(words: Sequence[str]) -> bytes:
    return subprocess.run(words, capture_output=True, check=True, env=CHILD).stdout


def cpu_seconds(*words: str) -> float:
    """Run a program and return the CPU time that it took, in user mode and in the system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)  # os.times() counts in hundredths of a second
    run(words)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def starts(rounds: int, *programs: tuple[str, ...]) -> list[float]:
    """Run each program in turn, many times, and return the least CPU time of each.

    Other processes can only add to the time, by what they take from the caches.
    """
    taken = [[cpu_seconds(*words) for words in programs] for _ in range(rounds)]
    return [min(times) for times in zip(*taken, strict=True)]


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with two environments that commands have brought to `released`."""
    data = tmp_path_factory.mktemp("start") / "data"
    app = Path(__file__).parents[2] / "examples" / "hello"
    for name in ("hello", "other"):
        run([ENVCHART, "--data-dir", str(data), "create", name, "--app", str(app)])
        for command in ("provision", "configure", "release"):
            run([ENVCHART, "--data-dir", str(data), command, name])
    return data


@pytest.mark.parametrize(
    "words", ["--help", "--version", "list", "show hello", "history hello", "--json show hello"]
)
def test_start(words: str, settled: Path) -> None:
    measured = (ENVCHART, "--data-dir", str(settled), *words.split())
    floor = (sys.executable, "-c", "import click")

    starts(3, floor, measured)
    floor_s, measured_s = starts(25, floor, measured)

    report(f"CPU time of envchart {words}", measured_s, floor_s, 2.0)


def test_start_with_an_empty_directory(tmp_path: Path) -> None:
    measured = (ENVCHART, "--data-dir", str(tmp_path), "list")
    floor = (sys.executable, "-c", "import click")

    starts(3, floor, measured)
    floor_s, measured_s = starts(25, floor, measured)

    report("CPU time of envchart list on an empty directory", measured_s, floor_s, 2.0)


def test_start_of_up_with_nothing_to_do(settled: Path) -> None:
    base = (ENVCHART, "--data-dir", str(settled))
    run([*base, "up", "hello"])
    floor = (sys.executable, "-c", "import click")
    try:
        starts(3, floor, (*base, "up", "hello"))
        floor_s, measured_s = starts(25, floor, (*base, "up", "hello"))
    finally:
        run([*base, "stop", "hello"])

    report("CPU time of envchart up with nothing to do", measured_s, floor_s, 5.0)


def peak_kilobytes(*words: str) -> int:
    """Run a program and return the most memory that it had."""
    measured = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, "
    measured += "check=True); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    return int(run([sys.executable, "-c", measured, *words]))


def long_history(repository: FileRepository, name: str, length: int) -> None:
    """Create an environment whose history has `length` records."""
    spec = EnvironmentSpec(name=name, provider=LocalProvider(app=Path("/srv/app")))
    environment = repository.create(Environment.new(spec, NOW))
    with repository.open(name, Holder.current("bench")) as session:
        for number in range(length - 1):
            noted = spec.model_copy(update={"description": f"note {number}"})
            environment = environment.with_spec(noted, at=NOW)
            session.commit(AmendedRecord(fields=("description",), environment=environment))


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a history, and one of ten times its length."""
    data = tmp_path_factory.mktemp("long") / "data"
    for name, length in (("short", 1000), ("long", 10_000)):
        long_history(FileRepository(data), name, length)
    return data


@pytest.mark.parametrize("command", ["show", "history", "--json history", "why", "verify"])
def test_a_history_of_ten_times_the_length(command: str, histories: Path) -> None:
    words = (ENVCHART, "--data-dir", str(histories), *command.split())
    short, long = starts(3, (*words, "short"), (*words, "long"))

    report(f"CPU time of {command} over ten times the records", long, short, 12.0)
    memory = [peak_kilobytes(*words, name) for name in ("short", "long")]
    print(f"memory of {command} over ten times the records: {memory[1] / memory[0]:.2f} x (at most 12)")
    assert memory[1] <= 12 * memory[0]


class _Noted(BaseModel, frozen=True):
    note: str = "x" * 200


def test_opening_a_history_of_a_hundred_thousand_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = JsonFileRepository(tmp_path, _Noted)
    with monkeypatch.context() as patch:
        for name in ("fdatasync", "fsync"):
            patch.setattr(os, name, lambda _descriptor: None)
        for name, length in (("short", 10), ("long", 100_000)):
            repository.create(name, _Noted())
            with repository.open(name) as session:
                # To the end of a segment, where reading it takes longest.
                while session.head.seq < length or (name == "long" and not _is_nearly_full(repository)):
                    session.append("noted", {"note": "x" * 200})

    opened = [lambda name=name: repository.open(name).close() for name in ("short", "long")]
    loaded = [lambda name=name: repository.load(name) for name in ("short", "long")]
    for what, works, limit in (("opening", opened, 10.0), ("loading", loaded, 15.0)):
        alternate(5, *works)
        short_s, long_s = alternate(50, *works)
        report(f"{what} a name with 100,000 records, to ten", long_s, short_s, limit)
    tracemalloc.start()
    repository.open("long").close()
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    print(f"memory of opening a name with 100,000 records: {peak:.1f} MB (at most 4)")
    assert peak <= 4


def _is_nearly_full(repository: JsonFileRepository[_Noted]) -> bool:
    journal = repository.directory("long") / "history.jsonl"
    return journal.read_bytes().count(b"\n") == DEFAULT.records - 1


def test_ending_segments_costs_little(tmp_path: Path) -> None:
    taken = []
    for directory, records in (("one", 1_000_000), ("many", DEFAULT.records)):
        repository = JsonFileRepository(
            tmp_path / directory, _Noted, segment=Segment(records=records, bytes=1 << 40)
        )
        repository.create("a", _Noted())
        with repository.open("a") as session:
            started = time.perf_counter()
            for number in range(1, 2001):
                session.commit("noted", _Noted(), expected=number)
            taken.append((time.perf_counter() - started) / 2000)

    report("a commit in segments, to one in one file", taken[1], taken[0], 1.25)


def test_create_with_ten_times_the_variables(tmp_path: Path) -> None:
    app = Path(__file__).parents[2] / "examples" / "hello"
    taken = []
    for length in (1000, 10_000):
        variables = "".join(f"    V{number}: x\n" for number in range(length))
        file = tmp_path / f"{length}.yaml"
        file.write_text(f"name: web\nprovider:\n  kind: local\n  app: {app}\n  env:\n{variables}")
        words = (ENVCHART, "--data-dir", str(tmp_path / str(length)), "create", "--file", str(file))
        taken.append(cpu_seconds(*words))

    report("CPU time of create with ten times the variables", taken[1], taken[0], 12.0)


def test_a_picture_of_the_lifecycle() -> None:
    way = path(Lifecycle, ["provision", "complete", "configure", "complete", "release", "fail"])
    for what, marks in (("the lifecycle", Marks()), ("a failed environment's way", way)):

        def draw(marks: Marks = marks) -> str:
            return render(Lifecycle, "svg", marks=marks)

        alternate(20, draw)
        (taken,) = alternate(200, draw)
        print(f"\nan SVG of {what}: {taken * 1e3:.2f} ms (at most 1)")
        assert taken <= 1e-3


if __name__ == "__main__":
    pytest.main([__file__, "-q", "-s"])
