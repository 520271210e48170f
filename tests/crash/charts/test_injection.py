"""Every hook of a macrostep raises, and every commit and write fails: all is as it was."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from statechart.errors import StorageError
from statechart.storage.session import Session
from tests.crash.charts.everything import NAME, Act, Everything, Item, done, walk
from tests.crash.charts.killed import store

HOOKS = (
    "is_counted",
    "is_even",
    "pass_on",
    "note",
    "before_transition",
    "on_exit_state",
    "on_transition",
    "on_enter_state",
)
CALLS = ("write", "fdatasync")


class Injected(Exception):
    """Raised by a hook."""


class Faults:
    """Counts the calls of hooks, and raises at one of them."""

    def __init__(self) -> None:
        self.count = 0
        self.at: int | None = None
        self.error: type[BaseException] = Injected

    def met(self) -> None:
        self.count += 1
        if self.count == self.at:
            raise self.error

    @contextmanager
    def raising(self, at: int | None, error: type[BaseException] = Injected) -> Iterator[None]:
        self.count, self.at, self.error = 0, at, error
        yield
        self.at = None


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Faults:
    found = Faults()

    def after(real: Callable[..., Any]) -> Callable[..., Any]:
        # After its work, which has to be undone.
        def hook(self: Everything, model: Any, **more: Any) -> Any:
            names = real.__code__.co_varnames[1 : real.__code__.co_argcount]
            result = real(self, **{name: {"model": model, **more}[name] for name in names})
            found.met()
            return result

        return hook

    for name in HOOKS:
        monkeypatch.setattr(Everything, name, after(getattr(Everything, name)))
    Everything._programs.clear()
    Everything._kept.machines.clear()
    monkeypatch.setattr(Session, "commit", _failing(Session.commit, found))
    return found


def _failing(real: Callable[..., Any], faults: Faults) -> Callable[..., Any]:
    def commit(*arguments: Any, **options: Any) -> Any:
        faults.met()
        return real(*arguments, **options)

    return commit


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Have no later test run hooks that were compiled here."""
    yield
    Everything._programs.clear()
    Everything._kept.machines.clear()


def _files(place: Path) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes() for path in place.rglob("*") if path.is_file() and path.name != "lock"
    }


@pytest.mark.parametrize("error", [Injected, KeyboardInterrupt])
def test_a_macrostep_whose_hook_or_commit_raises_leaves_everything_as_it_was(
    error: type[BaseException], faults: Faults, tmp_path: Path
) -> None:
    acts, values = walk(5, 40)
    store(tmp_path).create(NAME, values[0])
    failed = 0
    with store(tmp_path).open(NAME) as session:
        for act, before, after in zip(acts, values[:-1], values[1:], strict=True):
            with faults.raising(None):
                done(act, before)
            held, head = _files(tmp_path), session.head
            for at in range(1, faults.count + 2):  # the last of them is the commit
                with faults.raising(at, error), pytest.raises(error):
                    done(act, session.value, session)
                failed += 1
                assert session.value == before
                assert session.head == head
                assert _files(tmp_path) == held
            with faults.raising(None):
                assert done(act, session.value, session) == after
    assert failed > 300


@pytest.mark.parametrize("call", CALLS)
def test_a_macrostep_whose_write_fails_leaves_the_old_value_or_says_that_it_is_unsure(
    call: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    acts, values = walk(5, 40)
    store(tmp_path).create(NAME, values[0])
    failed = 0
    for at, act in enumerate(acts):
        failed += _written(tmp_path, act, values[at : at + 2], call, monkeypatch)
        assert store(tmp_path).load(NAME).value == values[at + 1]
    assert failed >= len(acts)


def _written(place: Path, act: Act, values: list[Item], call: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Do an act whose first, second, … write fails until none does; return how many failed."""
    real = getattr(os, call)
    for fails in range(1, 20):
        left = [fails]

        def fail(*arguments: Any, left: list[int] = left) -> Any:
            left[0] -= 1
            if not left[0]:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*arguments)

        with store(place).open(NAME) as session:
            if session.value == values[1]:  # the document only was not written: the record counts
                return fails
            with monkeypatch.context() as patch:
                patch.setattr(os, call, fail)
                try:
                    found = done(act, session.value, session)
                except StorageError:
                    assert session.value in values
                else:
                    assert found == values[1]
                    return fails
        assert store(place).load(NAME).value in values
    raise AssertionError("every write failed")
