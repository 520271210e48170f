"""An interruption at any line of a commit leaves the old value, the new one, or a session that refuses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import statechart.storage.sql.leases.held as held
from statechart.errors import CommitUncertain, LeaseLost
from statechart.storage.segments.size import Segment
from statechart.storage.sql.repository import JsonSqlRepository
from statechart.testing.repository_contract import Counter

OURS = str(Path(held.__file__).parent)


class Interrupted(BaseException):
    """As Ctrl-C, in the middle of anything."""


class Bug(Exception):
    """As a MemoryError, likewise."""


def interrupted_at(line: int, work: Callable[[], object], by: type[BaseException] = Interrupted) -> bool:
    """Run a function, and interrupt it at a line of the store; return whether there were as many lines."""
    count = 0

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.startswith(OURS):
            return None
        if event == "line":
            count += 1
            if count == line:
                raise by
        return trace

    sys.settrace(trace)
    try:
        work()
    except by:
        return True
    finally:
        sys.settrace(None)
    return False


def test_an_interruption_of_a_commit_tells_no_lie(any_sql_url: str) -> None:
    sweep(JsonSqlRepository(any_sql_url, Counter))


def test_an_interruption_of_the_next_segment_tells_no_lie(tmp_path: Path) -> None:
    sweep(JsonSqlRepository(f"sqlite:///{tmp_path}/store.db", Counter, segment=Segment(records=2)))


def test_an_error_that_is_none_of_the_store_tells_no_lie_either(tmp_path: Path) -> None:
    sweep(JsonSqlRepository(f"sqlite:///{tmp_path}/store.db", Counter), by=Bug)


def sweep(repository: JsonSqlRepository[Counter], by: type[BaseException] = Interrupted) -> None:
    """Interrupt a commit at each of its lines in turn, and compare the session with the record."""
    repository.create("demo", Counter())
    outcomes = set()
    line, was_interrupted = 0, True
    while was_interrupted:
        line += 1
        session = repository.open("demo")
        before = session.value.count

        def commit(session: Any = session, before: int = before) -> None:
            value = Counter(count=before + 1)
            session.commit("counted", value, expected=session.head.revision)

        was_interrupted = interrupted_at(line, commit, by)

        recorded = repository.load("demo")
        try:
            session.check()
        except (CommitUncertain, LeaseLost):
            outcomes.add("refused")
        else:
            assert (session.head, session.value) == (recorded.head, recorded.value)
            outcomes.add("new" if recorded.value.count > before else "old")
        assert recorded.value.count in (before, before + 1)
        session.close()

    assert {"old", "new"} <= outcomes
    counts = [record.value["count"] for record in repository.history("demo") if record.value]
    assert counts == sorted(counts)
    assert line > 20
