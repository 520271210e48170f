"""Several processes, threads and tasks use a repository, and some of them are killed."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest
from pydantic import BaseModel

from statechart.errors import AlreadyExists, Conflict, Locked
from statechart.storage.repository import JsonFileRepository

MODEL = """
import sys
from pydantic import BaseModel
from statechart.errors import AlreadyExists
from statechart.storage.repository import JsonFileRepository
class Counter(BaseModel, frozen=True, extra="forbid"):
    count: int = 0
repository = JsonFileRepository(sys.argv[1], Counter)
def count(session):
    value = Counter(count=session.value.count + 1)
    session.commit("counted", value, expected=session.head.revision)
"""
INCREMENT = """
for _ in range(20):
    with repository.open("demo", timeout=30) as session:
        count(session)
"""
COUNT = """
while True:
    with repository.open("demo", timeout=30, command="count") as session:
        for _ in range(3):
            count(session)
            print(session.value.count, flush=True)
"""
CREATE = """
sys.stdin.read()
try:
    repository.create("demo", Counter(count=int(sys.argv[2])))
except AlreadyExists:
    sys.exit(1)
"""
CREATE_FOR_EVER = """
print("ready", flush=True)
for number in range(10**9):
    repository.create(f"n{number}", Counter())
"""
FULL = """
import resource
size = (repository.directory("demo") / "history.jsonl").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 60, -1))
with repository.open("demo") as session:
    try:
        count(session)
    except Exception as error:
        print(type(error).__name__, error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
    count(session)
"""


class Counter(BaseModel, frozen=True, extra="forbid"):
    count: int = 0


@pytest.fixture
def repository(tmp_path):
    return JsonFileRepository(tmp_path / "data", Counter)


@pytest.fixture
def demo(repository):
    return repository.create("demo", Counter())


@pytest.fixture
def start(tmp_path):
    started = []

    def start(script, *arguments):
        command = [sys.executable, "-c", MODEL + script, str(tmp_path / "data"), *map(str, arguments)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        with process:  # closes its pipes and waits
            pass


def increment(repository):
    with repository.open("demo", timeout=30) as session:
        value = Counter(count=session.value.count + 1)
        session.commit("counted", value, expected=session.head.revision)


def test_four_processes_lose_no_update(repository, demo, start):
    processes = [start(INCREMENT) for _ in range(4)]

    assert [process.wait(60) for process in processes] == [0] * 4
    assert repository.load("demo").value.count == 80
    assert [record.revision for record in repository.history("demo")] == list(range(1, 82))


def test_four_threads_lose_no_update(repository, demo):
    threads = [
        threading.Thread(target=lambda: [increment(repository) for _ in range(15)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert repository.load("demo").value.count == 60


async def test_of_two_tasks_one_is_refused(repository, demo):
    async def change():
        with repository.open("demo") as session:
            await asyncio.sleep(0.01)
            session.commit("counted", Counter(count=1), expected=1)

    outcomes = await asyncio.gather(change(), change(), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [type(None), Locked]
    assert repository.load("demo").head.revision == 2


def test_of_eight_processes_exactly_one_creates(repository, start):
    processes = [start(CREATE, number) for number in range(8)]
    for process in processes:
        process.stdin.close()

    codes = [process.wait(60) for process in processes]

    assert sorted(codes) == [0] + [1] * 7
    assert repository.load("demo").value.count == codes.index(0)
    with pytest.raises(AlreadyExists):
        repository.create("demo", Counter())


def test_what_a_killed_process_had_committed_is_kept(repository, demo, start):
    chance = random.Random(4)
    for _ in range(8):
        process = start(COUNT)
        acknowledged = int(process.stdout.readline())
        time.sleep(chance.uniform(0, 0.02))
        process.send_signal(signal.SIGKILL)
        # communicate() reads the pipe below the buffer that readline() filled, and would lose lines
        acknowledged = max([acknowledged, *map(int, process.stdout.read().split())])
        process.wait()

        with repository.open("demo") as session:
            assert session.value.count in (acknowledged, acknowledged + 1)
            assert session.crashed is None or session.crashed.pid == process.pid
            assert repository.load("demo").value == session.value


def test_a_killed_holder_is_reported(repository, demo, start):
    process = start(
        'with repository.open("demo", command="hang"):\n    print("held", flush=True)\n    sys.stdin.read()'
    )
    process.stdout.readline()
    with pytest.raises(Locked, match="hang, pid"):
        repository.open("demo")
    process.kill()
    process.wait()

    with repository.open("demo") as session:
        assert session.crashed is not None
        assert (session.crashed.pid, session.crashed.command) == (process.pid, "hang")


def test_the_remains_of_a_killed_creator_are_swept(repository, start):
    chance = random.Random(4)
    for number in range(4):
        process = start(CREATE_FOR_EVER.replace("n{", f"r{number}n{{"))
        process.stdout.readline()
        time.sleep(chance.uniform(0, 0.05))
        process.kill()
        process.wait()

        for name in repository.names():
            assert repository.load(name).value == Counter()
        repository.create(f"after{number}", Counter())
        assert list((repository.directory("x").parent / ".new").iterdir()) == []


def test_a_making_directory_in_use_is_not_swept(repository, demo, start):
    processes = [start(CREATE_FOR_EVER.replace("n{", f"p{number}n{{")) for number in range(2)]
    for process in processes:
        process.stdout.readline()
    for number in range(15):
        repository.create(f"mine{number}", Counter())

    assert [process.poll() for process in processes] == [None, None]


def test_a_file_system_that_takes_half_a_line_is_a_clear_error_and_no_torn_line(repository, demo, start):
    process = start(FULL)

    said, _ = process.communicate()

    assert process.returncode == 0
    assert said.startswith("StorageError cannot append to ")
    assert "File too large" in said
    loaded = repository.load("demo")
    assert (loaded.value.count, loaded.notes) == (1, ())


def test_a_session_inherited_by_a_fork_can_not_write(repository, demo):
    session = repository.open("demo")
    if (child := os.fork()) == 0:
        code = 1
        try:
            session.commit("counted", Counter(count=9), expected=1)
        except Exception as error:
            code = 0 if type(error).__name__ == "LeaseLost" else 2
        session.close()
        os._exit(code)

    assert os.waitpid(child, 0)[1] == 0
    session.commit("counted", Counter(count=1), expected=1)
    session.close()
    assert repository.load("demo").value.count == 1


def test_a_purge_and_a_change_exclude_each_other(repository, demo):
    with repository.open("demo"), pytest.raises(Conflict):
        repository.delete("demo", expected=demo.head)
