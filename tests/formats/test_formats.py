"""This version reads and continues the data of every released version."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from pydantic import BaseModel

from environments.checks.verify import verify
from environments.model.records import AmendedRecord
from environments.model.summary import Summary
from environments.storage.file import SCHEMA_VERSION, FileRepository
from statechart.errors import NewerSchema
from statechart.holder import Holder
from statechart.storage.record import Record
from statechart.storage.repository import JsonFileRepository
from statechart.storage.segments.size import Segment

FORMATS = sorted(Path(__file__).parent.glob("[0-9]*"))
ENVIRONMENTS = [
    (place, name) for place in FORMATS for name in json.loads((place / "expected.json").read_text())
]
IDS = [f"{place.name}-{name}" for place, name in ENVIRONMENTS]


@pytest.fixture
def copied(tmp_path: Path, place: Path) -> FileRepository:
    shutil.copytree(place / "data", tmp_path / "data")
    return FileRepository(tmp_path / "data")


def test_every_format_is_here() -> None:
    assert [int(place.name) for place in FORMATS] == list(range(1, SCHEMA_VERSION + 1))


@pytest.mark.parametrize(("place", "name"), ENVIRONMENTS, ids=IDS)
def test_an_old_environment_is_read_unchanged(copied: FileRepository, place: Path, name: str) -> None:
    expected = json.loads((place / "expected.json").read_text())[name]

    assert copied.load(name).condition == expected
    assert verify(copied, name).findings == ()
    assert {entry.record.type for entry in copied.history(name)} >= {"created"}


@pytest.mark.parametrize("place", FORMATS, ids=lambda place: place.name)
def test_a_list_has_all_of_them(copied: FileRepository, place: Path) -> None:
    expected = json.loads((place / "expected.json").read_text())

    listed = {each.name: each.condition for each in copied.summaries() if isinstance(each, Summary)}

    assert listed == expected


@pytest.mark.parametrize(("place", "name"), ENVIRONMENTS, ids=IDS)
def test_it_goes_on_and_old_lines_stay_as_they_were(copied: FileRepository, place: Path, name: str) -> None:
    journal = copied.directory(name) / "history.jsonl"
    before = journal.read_bytes()

    with copied.open(name, Holder.current("test")) as session:
        amended = session.environment.with_spec(session.environment.spec, at=session.environment.updated_at)
        session.commit(AmendedRecord(fields=("description",), environment=amended))

    assert journal.read_bytes().startswith(before)
    assert copied.load(name) == amended
    assert json.loads(journal.read_bytes().splitlines()[-1])["schema_version"] == SCHEMA_VERSION


@pytest.mark.parametrize(("place", "name"), ENVIRONMENTS, ids=IDS)
def test_it_goes_on_in_another_segment_that_older_programs_find_newer(
    copied: FileRepository, place: Path, name: str
) -> None:
    before, history = copied.load(name), copied.history(name)
    records = len(history)

    segmented = FileRepository(copied.root, segment=Segment(records=max(2, records)))
    segmented.open(name, Holder.current("test")).close()

    assert copied.load(name) == before
    assert copied.history(name) == history
    assert verify(copied, name).findings == ()
    first = json.loads((copied.directory(name) / "history.jsonl").read_bytes().splitlines()[0])
    expected = (records + 1, 1_000_000 + SCHEMA_VERSION) if records > 1 else (1, int(place.name))
    assert (first["seq"], first["schema_version"]) == expected


@pytest.mark.parametrize("place", FORMATS[-1:], ids=lambda place: place.name)
@pytest.mark.parametrize("file", ["history.jsonl", "state.json"])
def test_a_newer_format_is_refused_and_left_unchanged(
    copied: FileRepository, place: Path, file: str
) -> None:
    path = copied.directory("created") / file
    newer = re.sub(r'("schema_version": ?)\d+', r"\g<1>999", path.read_text())
    path.write_text(newer)

    with pytest.raises(NewerSchema, match=f"999, but this program reads versions up to {SCHEMA_VERSION}"):
        copied.open("created", Holder.current("test"))
    with pytest.raises(NewerSchema):
        copied.load("created")

    assert path.read_text() == newer


class OldOrder(BaseModel, frozen=True, extra="forbid"):
    count: int = 0


class Order(BaseModel, frozen=True, extra="forbid"):
    pieces: int
    unit: str


def renamed(record: Record) -> Record:
    """Migrate from version 1 to 2: `count` becomes `pieces`."""
    value = record.value and {"pieces": record.value["count"]}
    return record.model_copy(update={"value": value})


def with_unit(record: Record) -> Record:
    """Migrate from version 2 to 3: add a unit."""
    return record.model_copy(update={"value": record.value and {**record.value, "unit": "box"}})


@pytest.fixture
def old(tmp_path: Path) -> Path:
    repository = JsonFileRepository(tmp_path, OldOrder)
    repository.create("A-1", OldOrder(count=1))
    with repository.open("A-1") as session:
        session.commit("counted", OldOrder(count=2), expected=1)
    return tmp_path


@pytest.fixture
def new(old: Path) -> JsonFileRepository[Order]:
    return JsonFileRepository(old, Order, schema_version=3, migrations={1: renamed, 2: with_unit})


def test_migrations_run_in_order_and_do_not_write(new: JsonFileRepository[Order], old: Path) -> None:
    before = {path: path.read_bytes() for path in (old / "A-1").iterdir()}

    assert new.load("A-1").value == Order(pieces=2, unit="box")
    assert [record.value for record in new.history("A-1")] == [
        {"pieces": 1, "unit": "box"},
        {"pieces": 2, "unit": "box"},
    ]
    assert {path: path.read_bytes() for path in (old / "A-1").iterdir()} == before


def test_a_history_may_be_of_several_forms(new: JsonFileRepository[Order]) -> None:
    with new.open("A-1") as session:
        session.commit("counted", Order(pieces=3, unit="bag"), expected=2)

    assert new.load("A-1").value == Order(pieces=3, unit="bag")
    assert [record.value["pieces"] for record in new.history("A-1") if record.value] == [1, 2, 3]


def test_an_outdated_old_document_is_rewritten_in_its_own_form(
    new: JsonFileRepository[Order], old: Path
) -> None:
    (old / "A-1" / "state.json").unlink()

    new.open("A-1").close()

    assert json.loads((old / "A-1" / "state.json").read_text())["schema_version"] == 1
    assert new.load("A-1").value == Order(pieces=2, unit="box")


def test_a_list_does_not_take_an_old_document_for_a_present_one(new: JsonFileRepository[Order]) -> None:
    assert [behind for _, _, behind in new.documents()] == [True]
