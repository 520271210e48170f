"""Fail each call to the operating system during a change, or make the call the last."""

import errno
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count as counting
from pathlib import Path

import pytest
from pydantic import BaseModel

from statechart.errors import CommitUncertain, NotFound, StorageError
from statechart.storage.journal import scan
from statechart.storage.repository import JsonFileRepository

CALLS = (
    *("open", "write", "pwrite", "fdatasync", "fsync", "ftruncate", "close"),
    *("rename", "unlink", "rmdir", "mkdir", "lstat", "fstat", "stat"),
)


class Counter(BaseModel, frozen=True, extra="forbid"):
    count: int = 0


def ours(frame):
    """Return whether this package made a call, and not a library that it uses."""
    while frame.f_globals["__name__"] in ("pathlib", "genericpath"):
        frame = frame.f_back
    return frame.f_globals["__name__"].startswith("statechart")


@dataclass
class Faults:
    """Makes the `at`-th call fail: before or after its effect, once or from then on."""

    patch: pytest.MonkeyPatch
    error: Callable[[bool], BaseException]
    after: bool = False
    lasting: bool = False
    at: int = -1
    made: list[str] = field(default_factory=list)

    def __enter__(self):
        for name in CALLS:
            self.patch.setattr(os, name, self._failing(name, getattr(os, name)))
        return self

    def __exit__(self, *_):
        self.patch.undo()

    def _failing(self, name, call):
        def failing(*arguments, **options):
            if not ours(sys._getframe(1)):
                return call(*arguments, **options)
            number = len(self.made)
            self.made.append(name)
            fails = number == self.at or (self.lasting and number > self.at >= 0)
            if fails and not self.after and name != "close":
                raise self.error(self.after)
            result = call(*arguments, **options)
            if fails:
                os.close(result) if name == "open" else None
                raise self.error(self.after)
            return result

        return failing

    @property
    def reached(self):
        return len(self.made) > self.at


def failure(after):
    """A full disk is told before anything was done, a bad one perhaps after it."""
    return OSError(errno.EIO, "bad") if after else OSError(errno.ENOSPC, "full")


@pytest.fixture(params=[failure, lambda _: KeyboardInterrupt()], ids=["error", "interrupt"])
def error(request):
    return request.param


@pytest.fixture(params=[False, True], ids=["before", "after"])
def after(request):
    return request.param


@pytest.fixture(params=[False, True], ids=["once", "lasting"])
def lasting(request):
    return request.param


@pytest.fixture
def place(tmp_path):
    """Yield a directory in memory, if available, as no disk is tested here."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as directory:
        yield Path(directory)


@pytest.fixture
def fresh(place):
    """Make a new repository with `demo` for each fault."""
    numbers = counting()

    def fresh(create=True):
        repository = JsonFileRepository(place / str(next(numbers)), Counter)
        if create:
            repository.create("demo", Counter())
        return repository

    return fresh


@pytest.fixture
def faults(monkeypatch, error, after, lasting):
    """Yield faults at the first call, the second and so on."""

    def faults():
        for at in counting():
            with pytest.MonkeyPatch.context() as patch:
                yield (made := Faults(patch, error, after, lasting, at))
            if not made.reached:
                assert at > 3
                return

    return faults


def attempt(action):
    """Return the error of an action, or None."""
    try:
        action()
    except (StorageError, KeyboardInterrupt) as raised:
        return raised
    return None


def on_disk(repository):
    path = repository.directory("demo") / "history.jsonl"
    return scan(path.read_bytes(), path, "demo", 1)


def committed(session):
    session.commit("counted", Counter(count=1), expected=1)


def test_a_commit_that_fails_anywhere_is_done_or_not_done(fresh, faults):
    for fault in faults():
        repository = fresh()
        with repository.open("demo") as session:
            with fault:
                raised = attempt(lambda: committed(session))  # called at once
            uncertain = attempt(session.check) is not None
            if not uncertain:
                assert session.head == on_disk(repository).head
            believed = session.value.count

        with repository.open("demo") as session:
            assert session.value.count == repository.load("demo").value.count
            assert session.value.count == session.head.revision - 1
            if raised is None:
                assert session.value.count == 1
            if not uncertain:
                assert session.value.count == believed
            if isinstance(raised, StorageError) and not isinstance(raised, CommitUncertain):
                assert session.value.count == 0


def test_a_session_goes_on_after_a_failure_or_refuses(fresh, faults):
    for fault in faults():
        repository = fresh()
        with repository.open("demo") as session:
            with fault:
                attempt(lambda: committed(session))  # called at once
            expected = session.head.revision
            raised = attempt(lambda: session.commit("counted", Counter(count=7), expected=expected))  # noqa: B023

        assert raised is None or isinstance(raised, CommitUncertain)
        revisions = [record.revision for record in repository.history("demo")]
        assert revisions == list(range(1, len(revisions) + 1))
        if raised is None:
            assert repository.load("demo").value.count == 7


def test_an_opening_that_fails_anywhere_is_mended_by_the_next(fresh, faults):
    for fault in faults():
        repository = fresh()
        directory = repository.directory("demo")
        with (directory / "history.jsonl").open("ab") as journal:
            journal.write(b'{"torn')
        (directory / "state.json").unlink()
        with fault:
            attempt(lambda: repository.open("demo").close())  # noqa: B023  # called at once

        with repository.open("demo") as session:
            assert (session.value.count, session.head.revision) == (0, 1)
            committed(session)
        assert repository.load("demo").value.count == 1
        assert any(path.read_bytes() == b'{"torn' for path in directory.glob("history.torn-*"))


def test_a_create_that_fails_anywhere_is_complete_or_absent(fresh, faults):
    for fault in faults():
        repository = fresh(create=False)
        with fault:
            raised = attempt(lambda: repository.create("demo", Counter(count=5)))  # noqa: B023  # called at once

        if repository.exists("demo"):
            assert repository.load("demo").value.count == 5
            assert not isinstance(raised, StorageError) or isinstance(raised, CommitUncertain)
        else:
            assert raised is not None
            repository.create("demo", Counter(count=5))
        repository.create("other", Counter())
        assert list((repository.directory("demo").parent / ".new").iterdir()) == []


def test_a_purge_that_fails_anywhere_is_done_or_not_done(fresh, faults):
    for fault in faults():
        repository = fresh()
        head = repository.load("demo").head
        with fault:
            raised = attempt(lambda: repository.delete("demo", expected=head))  # noqa: B023  # called at once

        if repository.exists("demo"):
            assert repository.load("demo").head == head
            assert raised is not None
            repository.delete("demo", expected=head)
        with pytest.raises(NotFound):
            repository.load("demo")
        repository.create("demo", Counter())
        assert list((repository.directory("demo").parent / ".trash").glob("*")) == []
