"""Histories that move from one store to another, byte for byte."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import sqlalchemy as sa
from pydantic import BaseModel

from statechart.errors import (
    AlreadyExists,
    CorruptHistory,
    Diverged,
    Locked,
    MovedAway,
    NotFound,
    StorageError,
)
from statechart.storage.moving.history import Harbour, summarize
from statechart.storage.moving.move import harbour_of, move, unfinished
from statechart.storage.record import Record
from statechart.storage.repository import JsonFileRepository
from statechart.storage.segments.size import Segment
from statechart.storage.sql.repository import JsonSqlRepository
from statechart.storage.sql.tables import RECORDS


class Counter(BaseModel, frozen=True):
    """A value whose steps keep the revision."""

    count: int = 0
    steps: int = 0


AnyStore: TypeAlias = JsonFileRepository[Counter] | JsonSqlRepository[Counter]


def counted(value: Counter, _record: Record) -> Counter:
    return value.model_copy(update={"steps": value.steps + 1})


SHORT = Segment(records=4)


def in_files(root: Path) -> JsonFileRepository[Counter]:
    return JsonFileRepository(root, Counter, fold=counted, segment=SHORT)


@pytest.fixture
def files(tmp_path: Path) -> JsonFileRepository[Counter]:
    return in_files(tmp_path / "data")


def in_rows(url: str) -> Iterator[JsonSqlRepository[Counter]]:
    store = JsonSqlRepository(url, Counter, fold=counted, segment=SHORT)
    yield store
    store.database.close()


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[JsonSqlRepository[Counter]]:
    yield from in_rows(f"sqlite:///{tmp_path}/store.db")


@pytest.fixture(params=["sqlite", "postgresql"])
def any_rows(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[JsonSqlRepository[Counter]]:
    is_file = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/store.db" if is_file else request.getfixturevalue("postgres_url")
    yield from in_rows(url)


def grow(store: AnyStore, name: str = "web", *, commits: int = 5, steps: int = 2) -> None:
    if not store.exists(name):
        store.create(name, Counter())
    with store.open(name) as session:
        for _ in range(commits):
            revision = session.head.revision
            session.commit("counted", Counter(count=revision), expected=revision)
            for _ in range(steps):
                session.append("step", {"odd": "ä\u2028"})


def content(store: AnyStore, name: str = "web") -> dict[str, bytes]:
    departure = harbour_of(store).depart(name, "look")
    try:
        return {part.file: part.content for part in departure.parts()}
    finally:
        departure.close()


def go(source: AnyStore, target: AnyStore, name: str = "web", **options: Any) -> str:
    return move(name, harbour_of(source), harbour_of(target), known=1, **options).outcome


def test_a_history_is_the_same_there_and_back(
    files: JsonFileRepository[Counter], any_rows: JsonSqlRepository[Counter], tmp_path: Path
) -> None:
    grow(files)
    files.compress("web")
    before, value, head = content(files), files.load("web").value, files.load("web").head
    assert len(before) > 3
    back = in_files(tmp_path / "back")

    assert go(files, any_rows) == "moved"
    there = any_rows.load("web")
    assert (there.value, there.head) == (value, head)
    assert content(any_rows) == before
    assert not files.exists("web")

    assert go(any_rows, back) == "moved"
    assert content(back) == before
    assert {
        path.name: path.read_bytes() for path in (tmp_path / "back" / "web").glob("history*")
    } == before, "plain files"
    assert back.load("web").value == value
    assert not back.load("web").notes
    assert [each[0] for each in back.documents()] == ["web"]
    assert not any_rows.exists("web")


def test_a_history_goes_on_where_it_went_and_comes_home_again(
    files: JsonFileRepository[Counter], rows: JsonSqlRepository[Counter]
) -> None:
    grow(files)
    for _ in range(2):
        go(files, rows)
        grow(rows)
        go(rows, files)
        grow(files)

    assert files.load("web").head.revision == 1 + 5 * 5
    assert summarize(harbour_of(files).depart("web", "look").parts(), "web", "there", 1).head.seq > 70


def test_a_history_that_was_moved_is_not_there_any_more(
    files: JsonFileRepository[Counter], rows: JsonSqlRepository[Counter]
) -> None:
    grow(files)
    go(files, rows)

    with pytest.raises(MovedAway, match=r"'web' is not in .*data any more: it was moved to "):
        go(files, rows)
    go(rows, files)
    for ask in (rows.load, rows.open, rows.holder, rows.history):
        with pytest.raises(MovedAway, match=r"'web' is not in sqlite:.* any more: it was moved to .*data"):
            ask("web")
    with pytest.raises(MovedAway):
        go(rows, files)
    with pytest.raises(NotFound):
        go(files, rows, "none")


def test_where_a_name_went_is_told_in_every_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    near = in_files(Path("data"))
    grow(near)
    for rows in in_rows("sqlite:///store.db"):
        go(near, rows)
        with pytest.raises(MovedAway, match=f"moved to sqlite:///{tmp_path}/store.db"):
            near.load("web")
        go(rows, near)
        with pytest.raises(MovedAway, match=f"moved to {tmp_path}/data"):
            rows.load("web")


def test_a_name_that_is_held_stays(
    files: JsonFileRepository[Counter], rows: JsonSqlRepository[Counter]
) -> None:
    grow(files)

    with files.open("web"), pytest.raises(Locked):
        go(files, rows)

    assert not rows.exists("web")
    assert go(files, rows) == "moved"
    with rows.open("web"), pytest.raises(Locked):
        go(rows, files)


def test_a_name_that_is_taken_there_stays_here(
    files: JsonFileRepository[Counter], rows: JsonSqlRepository[Counter]
) -> None:
    grow(files)
    grow(rows)

    for source, target in ((files, rows), (rows, files)):
        with pytest.raises(AlreadyExists):
            go(source, target)
        assert source.load("web").head.revision == 6


def test_a_damaged_history_stays(
    files: JsonFileRepository[Counter], rows: JsonSqlRepository[Counter]
) -> None:
    grow(files)
    segment = next((files.root / "web").glob("history.*-*.jsonl"))
    segment.write_bytes(segment.read_bytes().replace(b'"counted"', b'"couNted"', 1))

    with pytest.raises(StorageError, match=segment.name):
        go(files, rows)

    segment.unlink()
    with pytest.raises(StorageError, match=segment.name):
        go(files, rows)
    assert files.exists("web")
    assert not rows.exists("web")


def test_a_segment_that_another_tool_compressed_is_unpacked(
    files: JsonFileRepository[Counter], rows: JsonSqlRepository[Counter]
) -> None:
    grow(files)
    before = content(files)
    segment = next((files.root / "web").glob("history.*-*.jsonl"))
    segment.with_name(f"{segment.name}.gz").write_bytes(gzip.compress(segment.read_bytes(), 1))
    segment.unlink()

    go(files, rows)

    assert content(rows) == before


def test_what_left_is_kept_until_it_is_asked_to_go(
    files: JsonFileRepository[Counter], rows: JsonSqlRepository[Counter], tmp_path: Path
) -> None:
    grow(files)
    go(files, rows)
    kept = next((tmp_path / "data" / ".moved").iterdir())
    assert (kept / "history.jsonl").exists()
    go(rows, files, keep=False)
    assert [note.name for note in harbour_of(rows).gone()] == ["web"]
    with rows.database.reading() as reader:
        assert reader.execute(sa.select(sa.func.count()).select_from(RECORDS)).scalar_one() == 0

    go(files, rows, keep=False)

    left = sorted(path.name for path in (tmp_path / "data" / ".moved").glob("*/*"))
    assert left.count("moved.json") == 1, "the copy that came home has replaced the first"
    assert left.count("history.jsonl") == 0
    with pytest.raises(MovedAway):
        go(files, rows)


def test_what_is_asked_to_go_takes_its_damaged_records_along(
    files: JsonFileRepository[Counter], rows: JsonSqlRepository[Counter]
) -> None:
    grow(rows)
    with rows.database.writing() as connection:
        kept = {
            "lineage": f"{harbour_of(rows).lineage('web')}#damaged-20260101T000000",
            "seq": 1,
            "segment": 1,
        }
        connection.execute(sa.insert(RECORDS).values(line=b"{\n", **kept))

    go(rows, files, keep=False)

    with rows.database.reading() as reader:
        assert reader.execute(sa.select(sa.func.count()).select_from(RECORDS)).scalar_one() == 0


def test_two_histories_that_went_on_apart_are_not_joined(
    files: JsonFileRepository[Counter], rows: JsonSqlRepository[Counter], tmp_path: Path
) -> None:
    grow(files)
    shutil.copytree(tmp_path / "data", tmp_path / "backup")
    go(files, rows)
    grow(rows)
    go(rows, files)
    other = in_files(tmp_path / "backup")

    with pytest.raises(Diverged, match="both went on"):
        go(other, rows)

    assert other.exists("web")
    assert not rows.exists("web")


class Interrupted(Exception):
    """The process died here."""


class Dying:
    """A harbour that dies at a call, before or after it."""

    def __init__(self, harbour: Any, calls: Callable[[], None]) -> None:
        self._harbour, self._calls = harbour, calls

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._harbour, name)
        if not callable(found) or name == "close":
            return found

        def call(*arguments: Any) -> Any:
            self._calls()
            done = found(*arguments)
            try:
                self._calls()
            except Interrupted:
                if name == "depart":
                    done.close()  # as the end of a process does
                raise
            return Dying(done, self._calls) if name == "depart" else done

        return call


def dying_after(number: int) -> Callable[[], None]:
    left = number

    def call() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Interrupted

    return call


def test_a_directory_takes_no_history_back_that_lacks_what_left_it(
    files: JsonFileRepository[Counter], rows: JsonSqlRepository[Counter], tmp_path: Path
) -> None:
    grow(files)
    go(files, rows)
    go(rows, in_files(tmp_path / "copy"))  # as old as this
    shutil.copytree(tmp_path / "copy", tmp_path / "backup")
    go(in_files(tmp_path / "copy"), files)
    grow(files)
    go(files, rows, keep=False)
    old = in_files(tmp_path / "backup")

    with pytest.raises(Diverged, match="both went on"):
        go(old, files)

    assert old.exists("web")
    assert not files.exists("web")
    assert not list((tmp_path / "data" / ".arriving").iterdir())
    assert go(rows, files) == "moved"


def test_a_name_that_came_home_and_was_deleted_is_nowhere(
    files: JsonFileRepository[Counter], rows: JsonSqlRepository[Counter]
) -> None:
    grow(files)
    go(files, rows)
    go(rows, files)
    files.delete("web", expected=files.load("web").head)

    with pytest.raises(NotFound) as caught:
        files.load("web")

    assert not isinstance(caught.value, MovedAway)


@pytest.mark.parametrize("way", ["there", "back"])
def test_a_move_that_another_process_finishes_is_no_error(
    files: JsonFileRepository[Counter], any_rows: JsonSqlRepository[Counter], way: str
) -> None:
    source: AnyStore
    target: AnyStore
    source, target = (files, any_rows) if way == "there" else (any_rows, files)
    grow(source)

    class Overtaken(Dying):
        """A harbour whose histories are let in by another process first."""

        def arrive(self, name: str, lineage: str) -> None:
            assert go(source, target) == "finished"
            harbour_of(target).arrive(name, lineage)

    there: Any = Overtaken(harbour_of(target), lambda: None)
    assert move("web", harbour_of(source), there, known=1, keep=False).outcome == "moved"
    assert target.load("web").head.revision == 6


def test_a_move_that_is_finished_later_removes_what_it_was_told_to(
    files: JsonFileRepository[Counter], rows: JsonSqlRepository[Counter], tmp_path: Path
) -> None:
    grow(files)
    with suppress(Interrupted):
        move("web", harbour_of(files), Dying(harbour_of(rows), dying_after(6)), known=1, keep=False)  # type: ignore[arg-type]
    assert unfinished(harbour_of(files), harbour_of(rows)) == ["web"]

    assert go(files, rows, keep=False) == "finished"

    assert [path.name for path in (tmp_path / "data" / ".moved").glob("*/*")] == ["moved.json"]


@pytest.mark.parametrize("way", ["there", "back"])
def test_wherever_a_move_dies_the_next_one_finishes_it(
    files: JsonFileRepository[Counter], any_rows: JsonSqlRepository[Counter], way: str
) -> None:
    source: AnyStore
    target: AnyStore
    source, target = (files, any_rows) if way == "there" else (any_rows, files)
    outcomes: list[str] = []
    for number in range(100):
        name = f"web{number}"
        grow(source, name, commits=2, steps=1)
        before = content(source, name)
        calls = dying_after(number)
        here: Harbour = Dying(harbour_of(source), calls)
        there: Harbour = Dying(harbour_of(target), calls)
        try:
            move(name, here, there, known=1)
        except Interrupted:
            usable = [store for store in (source, target) if store.exists(name)]
            assert len(usable) <= 1
            if source.exists(name):
                grow(source, name, commits=1, steps=0)  # nothing has happened
                before = content(source, name)
            elif not target.exists(name):
                assert unfinished(harbour_of(source), harbour_of(target)) == [name]
        else:
            break
        if target.exists(name):
            with pytest.raises(MovedAway):
                go(source, target, name)
        else:
            outcomes.append(go(source, target, name))
        assert content(target, name) == before
        assert not source.exists(name)
        assert unfinished(harbour_of(source), harbour_of(target)) == []

    assert set(outcomes) == {"moved", "finished"}


def test_a_history_that_did_not_arrive_as_it_was_sent_stays(
    files: JsonFileRepository[Counter], rows: JsonSqlRepository[Counter], tmp_path: Path
) -> None:
    grow(rows)

    def damage(*_: object) -> None:
        staged = next((tmp_path / "data" / ".arriving").glob("*/history.jsonl"))
        staged.write_bytes(staged.read_bytes()[:-20])

    with pytest.raises(CorruptHistory, match=r"middle of a line|no whole record"):
        go(rows, files, beside=damage)

    assert rows.exists("web")
    assert go(rows, files) == "moved"
