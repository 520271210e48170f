"""A damaged history is kept, and a new history begins from its readable part."""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from statechart.errors import CorruptHistory, Locked, NotDamaged, NotFound, Stale, StorageError
from statechart.holder import Holder
from statechart.storage.repository import JsonFileRepository, Record


class Counter(BaseModel, frozen=True, extra="forbid"):
    count: int = 0


def folded(value: Counter, record: Record) -> Counter:
    return Counter(count=value.count + int(str(record.data["add"])))


US = Holder.current("rebase")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def repository(root: Path) -> JsonFileRepository[Counter]:
    """Holds demo: counts to 5 in 6 records, and adds 10 in a seventh that carries no value."""
    repository = JsonFileRepository(root, Counter, fold=folded)
    repository.create("demo", Counter())
    with repository.open("demo") as session:
        for count in range(1, 6):
            session.commit("counted", Counter(count=count), expected=count)
        session.append("added", {"add": 10})
    return repository


def journal(root: Path) -> Path:
    return root / "demo" / "history.jsonl"


def edit(path: Path, line: int, old: str, new: str) -> None:
    lines = path.read_text().splitlines(keepends=True)
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new)
    path.write_text("".join(lines))


def begin(repository: JsonFileRepository[Counter], choice: int = 0) -> Any:
    evidence = repository.survey("demo")
    return repository.rebase(evidence, evidence.candidates[choice], reason="ann: test", holder=US)


def test_behind_a_damaged_line_the_latest_value_is_still_there(
    repository: JsonFileRepository[Counter], root: Path
) -> None:
    edit(journal(root), 3, '"counted"', '"COUNTED"')

    evidence = repository.survey("demo")

    assert evidence.sound == 3
    assert [(each.seq, each.value.count) for each in evidence.candidates] == [(7, 15), (6, 5), (3, 2)]
    assert "behind the damage" in evidence.candidates[0].source


def test_the_new_history_names_the_damaged_file_which_is_kept(
    repository: JsonFileRepository[Counter], root: Path
) -> None:
    edit(journal(root), 3, '"counted"', '"COUNTED"')
    damaged = journal(root).read_bytes()
    lineage = repository.survey("demo").lineage

    loaded = begin(repository)

    (first,) = repository.history("demo")
    assert (first.type, first.seq, first.revision) == ("rebased", 1, 7)
    assert first.data["damaged_sha256"] == sha256(damaged).hexdigest()
    assert (root / "demo" / str(first.data["damaged"])).read_bytes() == damaged
    assert (first.data["lineage"], first.data["reason"], first.data["was_seq"]) == (lineage, "ann: test", 7)
    assert loaded.value == repository.load("demo").value == Counter(count=15)


def test_it_goes_on_as_any_history_does(repository: JsonFileRepository[Counter], root: Path) -> None:
    edit(journal(root), 3, '"counted"', '"COUNTED"')
    begin(repository)

    with repository.open("demo") as session:
        session.commit("counted", Counter(count=16), expected=7)

    assert repository.load("demo").head.revision == 8
    with pytest.raises(NotDamaged):
        repository.survey("demo")


def test_a_value_read_before_a_rebase_is_stale(repository: JsonFileRepository[Counter], root: Path) -> None:
    edit(journal(root), 3, '"counted"', '"COUNTED"')
    begin(repository)

    with repository.open("demo") as session, pytest.raises(Stale):
        session.commit("counted", Counter(count=6), expected=6)


def test_lost_records_are_made_up_for_by_a_later_document(
    repository: JsonFileRepository[Counter], root: Path
) -> None:
    lines = journal(root).read_bytes().splitlines(keepends=True)
    journal(root).write_bytes(b"".join(lines[:3]))

    evidence = repository.survey("demo")

    assert [(each.seq, each.value.count) for each in evidence.candidates] == [(6, 5), (3, 2)]
    assert begin(repository).value == Counter(count=5)


def test_a_document_that_was_edited_never_wins(repository: JsonFileRepository[Counter], root: Path) -> None:
    document = root / "demo" / "state.json"
    document.write_text(document.read_text().replace('"count": 5', '"count": 50'))

    assert begin(repository).value == Counter(count=15)


@pytest.mark.parametrize("missing", ["history.jsonl", "state.json"])
def test_journal_or_document_alone_is_enough_for_a_rebase(
    repository: JsonFileRepository[Counter], root: Path, missing: str
) -> None:
    edit(journal(root), 2, '"counted"', '"COUNTED"')
    (root / "demo" / missing).unlink()

    begin(repository)

    assert repository.load("demo").value == Counter(count=5 if missing == "history.jsonl" else 15)


def test_unreadable_files_give_no_candidates(repository: JsonFileRepository[Counter], root: Path) -> None:
    journal(root).write_text("no history\n")
    (root / "demo" / "state.json").write_text("no document\n")

    assert repository.survey("demo").candidates == ()


@pytest.mark.parametrize("killed_at", range(1, 12))
def test_killed_anywhere_it_can_be_run_again(
    repository: JsonFileRepository[Counter], root: Path, killed_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(journal(root), 3, '"counted"', '"COUNTED"')
    calls = [0]

    def counted(name: str) -> Any:
        real = getattr(os, name)

        def call(*args: Any, **options: Any) -> Any:
            calls[0] += 1
            if calls[0] == killed_at:
                raise KeyboardInterrupt
            return real(*args, **options)

        return call

    with monkeypatch.context() as patch:
        for name in ("link", "rename", "fsync", "unlink", "write"):
            patch.setattr(os, name, counted(name))
        try:
            begin(repository)
        except KeyboardInterrupt:
            pass
        except (NotDamaged, Locked):
            raise AssertionError from None
    try:
        loaded = begin(repository)
    except NotDamaged:
        loaded = repository.load("demo")

    assert loaded.value == repository.load("demo").value == Counter(count=15)
    with repository.open("demo") as session:
        session.commit("counted", Counter(count=16), expected=loaded.head.revision)


def test_a_sound_history_is_left_alone(repository: JsonFileRepository[Counter], root: Path) -> None:
    before = journal(root).read_bytes()

    with pytest.raises(NotDamaged, match="there is nothing to rebase"):
        repository.survey("demo")

    assert journal(root).read_bytes() == before


def test_files_that_changed_since_they_were_looked_at_are_left_alone(
    repository: JsonFileRepository[Counter], root: Path
) -> None:
    edit(journal(root), 3, '"counted"', '"COUNTED"')
    evidence = repository.survey("demo")
    edit(journal(root), 4, '"counted"', '"COUNTED"')

    with pytest.raises(StorageError, match="changed since they were read"):
        repository.rebase(evidence, evidence.candidates[0], reason="", holder=US)


def test_who_holds_it_is_not_disturbed(repository: JsonFileRepository[Counter], root: Path) -> None:
    with repository.open("demo"):
        edit(journal(root), 3, '"counted"', '"COUNTED"')
        with pytest.raises(Locked):
            begin(repository)


def test_a_missing_name_is_not_surveyed(repository: JsonFileRepository[Counter]) -> None:
    with pytest.raises(NotFound):
        repository.survey("other")


def test_a_document_that_does_not_fit_is_no_candidate(
    repository: JsonFileRepository[Counter], root: Path
) -> None:
    document = root / "demo" / "state.json"
    shown = json.loads(document.read_text()) | {"count": "many"}
    document.write_text(json.dumps(shown))

    evidence = repository.survey("demo")

    assert isinstance(evidence.problem, CorruptHistory)
    assert all("document" not in each.source for each in evidence.candidates)
