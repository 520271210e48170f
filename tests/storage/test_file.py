"""The repository on files, with foreign directories and failures of the disk."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from environments.model.environment import Environment
from environments.model.records import OperationRecord
from environments.model.spec import EnvironmentSpec
from environments.model.states import Created
from environments.model.summary import Summary, UnreadableSummary
from environments.storage.file import FileRepository
from environments.testing import ScriptedSpec
from statechart.errors import InvalidValue, NotOurs, StorageError
from statechart.holder import Holder


@pytest.fixture
def repository(tmp_path: Path) -> FileRepository:
    return FileRepository(tmp_path / "data")


@pytest.fixture
def created(repository: FileRepository) -> Environment[Created]:
    spec = EnvironmentSpec(name="demo", provider=ScriptedSpec())
    return repository.create(Environment.new(spec, datetime(2026, 1, 1, tzinfo=UTC)))


def test_a_copied_directory_is_listed_as_a_copy_beside_the_original(
    repository: FileRepository, created: Environment[Created]
) -> None:
    shutil.copytree(repository.directory("demo"), repository.directory("copy"))

    copy, demo = repository.summaries()

    assert isinstance(demo, Summary)
    assert isinstance(copy, UnreadableSummary)
    assert isinstance(copy.error, NotOurs)
    assert "'demo'" in str(copy.error)


def test_a_foreign_directory_is_listed_and_not_changed(
    repository: FileRepository, created: Environment[Created]
) -> None:
    notes = repository.directory("notes")
    notes.mkdir()
    (notes / "todo.txt").write_text("buy milk")

    demo, foreign = repository.summaries()

    assert isinstance(demo, Summary)
    assert isinstance(foreign, UnreadableSummary)
    assert (notes / "todo.txt").read_text() == "buy milk"


def test_a_trace_that_can_not_be_written_is_a_storage_error(
    repository: FileRepository, created: Environment[Created]
) -> None:
    (repository.directory("demo") / "traces").write_text("in the way")

    with (
        repository.open("demo", Holder.current("test")) as session,
        pytest.raises(StorageError, match="trace"),
    ):
        session.write_trace("a.log", "text")


@pytest.mark.parametrize(
    "changed",
    [
        {"state": "created"},
        {"revision": "three"},
        {"updated_at": datetime(2026, 1, 1)},  # which is what is wrong
        {"operation": {"id": 1}},
        {"applied": {"nothing": {"revision": 1}}},
        {"outputs": {"port": "x"}},
        {"name": "other"},
    ],
)
def test_a_later_revision_that_could_not_be_read_is_refused_as_the_first_is(
    repository: FileRepository, created: Environment[Created], changed: dict[str, Any]
) -> None:
    with repository.open("demo", Holder.current("test")) as session:
        later = created.with_operation(None, at=created.created_at)
        session.commit(OperationRecord(change="closed", environment=later))
        wrong = later.with_operation(None, at=created.created_at).model_copy(update=changed)

        with pytest.raises(InvalidValue):
            session._session.commit("operation", wrong, expected=2)

        assert session.environment == later
    assert repository.load("demo") == later
