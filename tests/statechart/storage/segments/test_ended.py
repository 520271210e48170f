"""Ended segments are read lazily, may be compressed or missing, and are verified like the journal."""

from __future__ import annotations

import gzip
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel, Field

from statechart.errors import (
    CorruptHistory,
    Locked,
    MigrationFailed,
    MissingSegment,
    NotFound,
    StorageError,
    UnusableSegment,
)
from statechart.holder import Holder
from statechart.storage.rebase import Evidence
from statechart.storage.record import Record
from statechart.storage.repository import JsonFileRepository
from statechart.storage.segments import remarks
from statechart.storage.segments.size import Segment


class Counter(BaseModel, frozen=True, extra="forbid"):
    count: int = 0


Repository = JsonFileRepository[Counter]
SECOND = "history.00000005-00000008.jsonl"


def count(repository: Repository, times: int = 1) -> None:
    with repository.open("demo") as session:
        for _ in range(times):
            session.commit(
                "counted", Counter(count=session.value.count + 1), expected=session.head.revision
            )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with records 1 to 14 in three ended segments and the journal."""
    root = tmp_path_factory.mktemp("made") / "data"
    repository = JsonFileRepository(root, Counter, segment=Segment(records=4))
    repository.create("demo", Counter())
    count(repository, 10)
    return root


@pytest.fixture
def repository(made: Path, tmp_path: Path) -> Repository:
    shutil.copytree(made, tmp_path / "data")
    return JsonFileRepository(tmp_path / "data", Counter, segment=Segment(records=4))


def places(repository: Repository) -> list[str]:
    return [each.place for each in repository.segments("demo")]


def test_segments_are_listed_with_what_they_hold(repository: Repository) -> None:
    segments = repository.segments("demo")

    assert [(each.place, each.first_seq, each.last_seq) for each in segments] == [
        ("plain", 1, 4),
        ("plain", 5, 8),
        ("plain", 9, 12),
        ("current", 13, 14),
    ]
    assert [each.bytes for each in segments] == [each.path.stat().st_size for each in segments]
    with pytest.raises(NotFound):
        repository.segments("nobody")


def test_only_the_needed_segments_are_read(repository: Repository) -> None:
    (repository.directory("demo") / "history.00000001-00000004.jsonl").unlink()

    read = list(repository.records("demo", enough=lambda opening: opening.seq <= 5))
    assert [record.seq for record in read] == list(range(5, 15))
    assert repository.load("demo").value == Counter(count=10)
    count(repository)
    with pytest.raises(MissingSegment, match="records 1 to 4 of 'demo'"):
        repository.history("demo")


def test_compressed_segments_are_read_alike(repository: Repository) -> None:
    before = repository.history("demo")

    made = repository.compress("demo")

    assert [path.name for path in made] == [f"{each}.gz" for each in (
        "history.00000001-00000004.jsonl",
        SECOND,
        "history.00000009-00000012.jsonl",
    )]  # fmt: skip
    assert places(repository) == ["compressed"] * 3 + ["current"]
    assert repository.history("demo") == before
    assert repository.compress("demo") == []
    with repository.open("demo"), pytest.raises(Locked):
        repository.compress("demo")
    assert list(remarks.notes(repository.segments("demo"))) == ["3 ended segments, 3 of them compressed"]


def test_a_segment_may_have_two_files_of_which_one_is_enough(repository: Repository) -> None:
    plain = repository.directory("demo") / SECOND
    packed = plain.with_name(f"{SECOND}.gz")
    packed.write_bytes(gzip.compress(plain.read_bytes()))

    (note,) = list(remarks.notes(repository.segments("demo")))[1:]
    assert note == f"{packed.name} is not needed: {SECOND} holds the same records"
    plain.write_bytes(b"damaged")
    assert [each.beside for each in repository.segments("demo") if each.beside] == [plain]
    assert len(repository.history("demo")) == 14
    plain.write_bytes(packed.read_bytes())  # compressed, and not called so
    packed.unlink()
    assert len(repository.history("demo")) == 14


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def edited(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"count":4', b'"count":5'))


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def exchanged(path: Path) -> None:
    shutil.copy(path.with_name("history.00000009-00000012.jsonl"), path)


def lengthened(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


def noise(path: Path) -> None:
    path.write_bytes(b"\x00" * 100)


def zstd(path: Path) -> None:
    path.write_bytes(b"\x28\xb5\x2f\xfd" + path.read_bytes())


def called_zst(path: Path) -> None:
    path.rename(path.with_name(f"{SECOND}.zst"))


def cut_gzip(path: Path) -> None:
    path.with_name(f"{SECOND}.gz").write_bytes(gzip.compress(path.read_bytes())[:50])
    path.unlink()


def bad_gzip(path: Path) -> None:
    packed = bytearray(gzip.compress(path.read_bytes()))
    packed[40] ^= 255
    path.write_bytes(packed)


def bomb(path: Path) -> None:
    path.write_bytes(gzip.compress(b"0" * 10_000_000))


def link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def missing(path: Path) -> None:
    path.unlink()


DAMAGE: dict[Callable[[Path], None], str] = {
    cut: r"it ends with record 7: it was cut off",
    edited: r"line 3: its prev is not the hash of the line before",
    emptied: r"it is empty",
    exchanged: r"it holds records 9 to 12: it was exchanged with another segment",
    lengthened: r"bytes long instead of",
    noise: r"it holds no whole record",
    zstd: r"it is compressed by zstd, which is not read here: undo that with zstd -d",
    called_zst: r"jsonl\.zst\): it is not read in this form: undo the compression with zstd -d",
    cut_gzip: r"jsonl\.gz\): it can't be decompressed",
    bad_gzip: r"can't be decompressed|SHA-256 differs|it was changed|holds no whole record",
    bomb: r"it holds no whole record",
    link: r"it is a symbolic link, where a file belongs",
    directory: r"it is not a regular file",
    missing: r"it is not there: put it back, or its compressed form",
}


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_a_bad_segment_is_named_and_the_value_is_not_affected(
    repository: Repository, damage: Callable[[Path], None]
) -> None:
    damage(repository.directory("demo") / SECOND)

    with pytest.raises(UnusableSegment, match=DAMAGE[damage]) as raised:
        repository.history("demo")

    error = raised.value
    assert (error.first_seq, error.last_seq, error.name) == (5, 8, "demo")
    assert SECOND in str(error)
    assert isinstance(error, MissingSegment) is (damage is missing)
    count(repository)
    assert repository.load("demo").value == Counter(count=11)
    assert places(repository) == [
        "unlinked",
        "missing" if damage is missing else "unusable",
        "plain",
        "current",
    ]
    assert [seq for seq, _, _ in remarks.problems(repository.segments("demo"))] == [1, 5]


def test_segments_that_can_not_be_verified_are_one_problem(repository: Repository) -> None:
    (repository.directory("demo") / "history.00000009-00000012.jsonl").unlink()

    first, second = remarks.problems(repository.segments("demo"))
    assert (first[0], "records 1 to 8: they can't be verified" in first[2]) == (1, True)
    assert (second[0], "records 9 to 12: it is not there" in second[2]) == (9, True)


def test_a_file_that_no_segment_names_is_remarked(repository: Repository) -> None:
    path = repository.directory("demo") / "history.00000003-00000008.jsonl.gz"
    path.write_bytes(b"anything")

    assert "stray" in places(repository)
    assert list(remarks.notes(repository.segments("demo")))[1:] == [
        f"{path.name} is no part of this history: no later segment names it"
    ]


@pytest.fixture(params=[True, False], ids=["held", "opened-anew"])
def read(repository: Repository, request: pytest.FixtureRequest) -> Iterator[Callable[[], list[int]]]:
    tail = repository.tail("demo", hold=request.param)
    yield lambda: [record.seq for record in tail.read()]
    tail.close()


def test_a_tail_goes_on_through_any_number_of_segments(
    repository: Repository, read: Callable[[], list[int]]
) -> None:
    assert read() == list(range(1, 15))
    last = 14
    for times in (1, 2, 0, 9, 3):
        count(repository, times)
        seqs = read()
        assert seqs == list(range(last + 1, last + 1 + len(seqs)))
        assert len(seqs) >= times
        last += len(seqs)
    assert last == repository.load("demo").head.seq


def test_a_tail_tells_a_missing_segment_once_and_goes_on_behind_it(
    repository: Repository, read: Callable[[], list[int]]
) -> None:
    (repository.directory("demo") / SECOND).unlink()

    with pytest.raises(MissingSegment):
        read()
    assert read() == list(range(9, 15))
    count(repository, 3)
    assert read() == [15, 16, 17, 18]


def test_a_tail_that_was_away_is_told_what_it_missed(
    repository: Repository, read: Callable[[], list[int]]
) -> None:
    read()
    count(repository, 9)
    ended = [each for each in repository.segments("demo") if each.first_seq == 17]
    ended[0].path.unlink()

    with pytest.raises(MissingSegment, match="records 17 to 20"):
        read()
    assert read()[0] == 21


def test_a_tail_that_resumes_reads_no_earlier_segments(repository: Repository) -> None:
    (repository.directory("demo") / SECOND).unlink()
    lineage = repository.load("demo").head.lineage
    tail = repository.tail("demo", hold=False)

    tail.resume(lineage[:8], 8)
    assert [record.seq for record in tail.read()] == list(range(9, 15))
    other = repository.tail("demo", hold=False)
    other.resume("another", 8)
    with pytest.raises(MissingSegment):
        list(other.read())


def test_another_history_of_the_same_incarnation_is_read_from_its_beginning(
    repository: Repository, read: Callable[[], list[int]], tmp_path: Path
) -> None:
    shutil.copytree(repository.directory("demo"), tmp_path / "backup")
    count(repository)
    read()
    shutil.rmtree(repository.directory("demo"))
    shutil.copytree(tmp_path / "backup", repository.directory("demo"))
    count(repository, 8)

    assert read() == list(range(1, repository.load("demo").head.seq + 1))


def test_a_reader_that_meets_a_new_segment_is_not_misled(repository: Repository) -> None:
    """Read while another thread writes: each result is whole, and never goes back."""
    done = threading.Event()

    def write() -> None:
        count(repository, 60)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = 0
    while not done.is_set():
        value = repository.load("demo").value.count
        assert value >= seen
        seen = value
        seqs = [record.seq for record in repository.records("demo")]
        assert seqs == list(range(1, len(seqs) + 1))
    writer.join()
    assert repository.load("demo").value.count == 70


@pytest.mark.parametrize("packed", [False, True])
def test_a_history_without_its_journal_goes_on_from_the_segment_before(
    repository: Repository, packed: bool
) -> None:
    if packed:
        repository.compress("demo")
    for name in ("history.jsonl", "state.json"):
        (repository.directory("demo") / name).write_bytes(b"")

    evidence = repository.survey("demo")
    (candidate,) = evidence.candidates
    assert candidate.source.startswith("the ended segment history.00000009-00000012.jsonl")
    assert (candidate.value, evidence.sound, evidence.revision) == (Counter(count=9), 0, 10)
    loaded = repository.rebase(evidence, candidate, reason="test", holder=Holder.current())
    assert loaded.head.revision == 11
    assert repository.load("demo").value == Counter(count=9)


def test_a_bad_directory_stays_a_storage_error(repository: Repository) -> None:
    shutil.rmtree(repository.directory("demo"))
    repository.directory("demo").write_text("a file")

    for use in (repository.segments, repository.compress, repository.history):
        with pytest.raises(StorageError):
            use("demo")


def test_segments_of_a_replaced_history_are_remarked_in_one_line(repository: Repository) -> None:
    evidence = _damaged(repository)
    repository.rebase(evidence, evidence.candidates[0], reason="test", holder=Holder.current())

    assert list(remarks.notes(repository.segments("demo"))) == [
        "history.00000001-00000004.jsonl and 2 other segments are no part of this history: "
        "no later segment names them"
    ]


def _without_files(directory: Path) -> None:
    (directory / "history.jsonl").unlink()
    (directory / "state.json").unlink()


def _with_another_type(directory: Path) -> None:
    journal = directory / "history.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"checkpoint"', b'"chEckpoint"'))


@pytest.mark.parametrize(("damage", "count"), [(_without_files, 9), (_with_another_type, 10)])
def test_a_lost_journal_is_begun_anew(
    repository: Repository, damage: Callable[[Path], None], count: int
) -> None:
    damage(repository.directory("demo"))
    with pytest.raises(CorruptHistory):
        repository.load("demo")

    evidence = repository.survey("demo")
    repository.rebase(evidence, evidence.candidates[0], reason="test", holder=Holder.current())
    assert repository.load("demo").value == Counter(count=count)


def _damaged(repository: Repository) -> Evidence[Counter]:
    journal = repository.directory("demo") / "history.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"counted"', b'"cOunted"'))
    return repository.survey("demo")


class Strict(BaseModel, frozen=True, extra="forbid"):
    """A later form of the model, which old values do not fit."""

    count: int = Field(ge=6)


def test_a_value_that_does_not_fit_is_named_by_its_file_and_line(repository: Repository) -> None:
    of_today = JsonFileRepository(repository.root, Strict)
    record = next(each for each in repository.records("demo") if each.seq == 6)

    with pytest.raises(CorruptHistory) as raised:
        of_today.read("demo", record)

    assert (raised.value.path.name, raised.value.line) == (SECOND, 2)


def test_a_record_that_can_not_be_migrated_is_named_by_its_file_and_line(repository: Repository) -> None:
    of_today = JsonFileRepository(repository.root, Counter, schema_version=2, migrations={1: _refused})
    record = next(each for each in repository.records("demo") if each.seq == 6)

    with pytest.raises(MigrationFailed) as raised:
        of_today.upgraded("demo", record)

    assert (raised.value.path.name, raised.value.line, raised.value.record) == (SECOND, 2, 6)


def _refused(_record: Record) -> Record:
    raise ValueError("unknown")
