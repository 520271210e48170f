"""The model of the disk loses writes as POSIX allows, keeps the others, and finds missing barriers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from statechart.storage import reading
from tests.crash.disk_check import Counters, check, memory_below
from tests.crash.disk_operations import (
    ROOT,
    Enter,
    Leave,
    Move,
    Operation,
    Resize,
    State,
    Sync,
    Tree,
    Write,
)
from tests.crash.disk_runs import Run, counted, created, damaged, rebased, recorded, store
from tests.crash.disk_states import Disk
from tests.crash.recorded import Recorder, Recording


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setattr(reading, "_PAUSE", 0)  # nobody else writes
    with memory_below(tmp_path) as place:
        yield place


A, B = 1, 2
FILE = [Enter(ROOT, "a", A), Sync(ROOT)]


def left(*operations: Operation, limit: int = 3) -> set[State]:
    """Return the possible states after some operations."""
    disk = Disk(Tree(), limit)
    for operation in operations:
        disk.do(operation)
    return set(disk.states())


def held(*operations: Operation, limit: int = 3) -> set[bytes | None]:
    """Return the possible contents of the file `a`."""
    return {dict(state).get("a") for state in left(*FILE, *operations, limit=limit)}


def test_a_write_that_was_not_synced_is_whole_lost_torn_or_zeros() -> None:
    assert held(Write(A, 0, b"abcd")) == {b"", b"abcd", b"a", b"a\0\0\0", b"ab", b"ab\0\0", b"abc"} | {
        b"abc\0",
        b"\0\0\0\0",
    }


def test_synced_bytes_survive() -> None:
    assert held(Write(A, 0, b"abcd"), Sync(A)) == {b"abcd"}
    assert held(Write(A, 0, b"abcd"), Sync(A), Resize(A, 2)) == {b"abcd", b"ab"}


def test_the_later_of_two_writes_may_be_there_without_the_earlier() -> None:
    found = held(Write(A, 0, b"ab"), Write(A, 2, b"cd"), limit=1)

    assert {b"abcd", b"\0\0cd", b"ab", b""} < found
    assert b"a\0c\0" not in found  # that takes two losses
    assert b"a\0c\0" in held(Write(A, 0, b"ab"), Write(A, 2, b"cd"), limit=2)


def test_a_large_write_may_have_its_end_without_its_beginning() -> None:
    line = b"x" * 5000

    assert bytes(4096) + line[4096:] in held(Write(A, 0, line), limit=1)
    assert bytes(512) + line[512:] in held(Write(A, 0, line), limit=1)


def test_a_name_is_durable_when_its_directory_is_synced_and_not_when_its_file_is() -> None:
    made = Enter(ROOT, "a", A), Write(A, 0, b"x"), Sync(A)

    assert left(*made) == {(), (("a", b"x"),)}
    assert left(*made, Sync(ROOT)) == {(("a", b"x"),)}


def test_a_rename_is_done_or_not_done() -> None:
    renamed = *FILE, Enter(ROOT, "b", B), Sync(ROOT), Move(ROOT, "b", ROOT, "a", B)

    names = {tuple(path for path, _ in state) for state in left(*renamed)}

    assert names == {("a", "b"), ("a",)}


def test_of_two_renames_over_a_name_either_may_be_the_last() -> None:
    files = [
        Write(A, 0, b"1"),
        Sync(A),
        Enter(ROOT, "b", B),
        Write(B, 0, b"2"),
        Sync(B),
        Enter(ROOT, "c", 3),
    ]
    renames = [
        Write(3, 0, b"3"),
        Sync(3),
        Sync(ROOT),
        Move(ROOT, "b", ROOT, "a", B),
        Move(ROOT, "c", ROOT, "a", 3),
    ]

    assert held(*files, *renames) == {b"1", b"2", b"3"}
    assert held(*files, *renames, limit=1) == {b"1", b"2", b"3"}  # all of the names lost is one state more


def test_a_rename_between_directories_is_durable_with_either() -> None:
    moved = Enter(ROOT, "d", 5, directory=True), *FILE, Move(ROOT, "a", 5, "a", A)

    for synced in (ROOT, 5):
        assert left(*moved, Sync(synced)) == {(("d", None), ("d/a", b""))}


def test_a_removal_may_be_undone_as_long_as_it_is_not_synced() -> None:
    assert left(*FILE, Leave(ROOT, "a")) == {(), (("a", b""),)}
    assert left(*FILE, Leave(ROOT, "a"), Sync(ROOT)) == {()}


def whole_life(recorder: Recorder) -> None:
    created(recorder)
    counted(recorder)
    store(recorder).delete("first", expected=store(recorder).load("first").head)
    created(recorder)


def barriers(recording: Recording) -> Iterator[tuple[str, int]]:
    """Yield the last known name of each synced node, and the sync's place in the recording."""
    names = {node: path for path, node in _named(recording.base)}
    for at, operation in enumerate(recording.operations):
        match operation:
            case Enter(_, name, node) | Move(_, _, _, name, node):
                names[node] = name
            case Sync(node):
                name = names.get(node, "/")
                yield "a new directory" if len(name) == 32 else name, at


def _named(tree: Tree) -> Iterator[tuple[str, int]]:
    for below in tree.names.values():
        yield from below.items()


def without(recording: Recording, name: str) -> Recording:
    """Return a recording without the syncs of a name."""
    left_out = {at for synced, at in barriers(recording) if synced == name}
    operations = [each for at, each in enumerate(recording.operations) if at not in left_out]
    return Recording(recording.base, operations, recording.values)


def wrong(recording: Recording, place: Path) -> list[str]:
    """Return an error of a recording, if there is one."""
    return check(recording, Counters, place, limit=1, enough=1).wrong


NEEDED = [
    (whole_life, None, {"history.jsonl", "data", "srv", "a new directory"}),
    (rebased, damaged, {"history.jsonl", ".history.jsonl.tmp", "first"}),
]


@pytest.mark.parametrize(("run", "before", "expected"), NEEDED)
def test_a_barrier_that_is_left_out_is_missed(
    memory: Path, run: Run, before: Run | None, expected: set[str]
) -> None:
    recording = recorded(memory / "disk", run, before)
    assert wrong(recording, memory / "state") == []

    names = {name for name, _ in barriers(recording)}
    needed = {name for name in names if wrong(without(recording, name), memory / "state")}

    assert needed == expected


def test_a_document_that_is_renamed_before_the_journal_is_durable_is_missed(memory: Path) -> None:
    recording = recorded(memory / "disk", counted, created)
    [*_, (name, at)] = barriers(recording)
    assert name == "history.jsonl"

    recording.operations.append(recording.operations.pop(at))

    assert "unreadable" in " ".join(wrong(recording, memory / "state"))
