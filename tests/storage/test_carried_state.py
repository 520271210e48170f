"""A provider's own state, stored in versions with the record of an environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from environments.execution.sessions import ObservedSession, carrying
from environments.model.environment import Environment
from environments.model.states import Created
from environments.ports import STATES_KEPT, CarriesState, EnvironmentRepository
from environments.recovery.dry_run import DryRunSession
from environments.storage.file import FileRepository
from statechart.errors import LeaseLost
from statechart.holder import Holder

ME = Holder.current("test")


def last(repository: EnvironmentRepository) -> tuple[int, bytes] | None:
    """Return the number and the content of the last version."""
    assert isinstance(repository, CarriesState)
    state = repository.carried_state("demo")
    return None if state is None else (state.number, state.content)


def test_the_last_version_is_returned(
    repository: EnvironmentRepository, created: Environment[Created]
) -> None:
    assert last(repository) is None

    with repository.open("demo", ME) as session:
        carrier = carrying(ObservedSession(session, ()))
        assert carrier is not None
        assert carrier.carry_state(b"\x00one") == 1
        assert carrier.carry_state(b"two") == 2

    assert last(repository) == (2, b"two")


def test_the_versions_are_bounded(repository: EnvironmentRepository, created: Environment[Created]) -> None:
    with repository.open("demo", ME) as session:
        carrier = carrying(session)
        assert carrier is not None
        for number in range(STATES_KEPT + 3):
            carrier.carry_state(b"%d" % number)

    assert last(repository) == (STATES_KEPT + 3, b"%d" % (STATES_KEPT + 2))


def test_a_session_that_was_closed_stores_no_version(
    repository: EnvironmentRepository, created: Environment[Created]
) -> None:
    with repository.open("demo", ME) as session:
        carrier = carrying(session)
    assert carrier is not None

    with repository.open("demo", Holder.current("another")), pytest.raises(LeaseLost):
        carrier.carry_state(b"late")

    assert last(repository) is None


def test_the_next_incarnation_has_no_state(
    repository: EnvironmentRepository, created: Environment[Created]
) -> None:
    with repository.open("demo", ME) as session:
        carrier = carrying(session)
        assert carrier is not None
        carrier.carry_state(b"of the first")

    repository.delete(created)
    repository.create(created.model_copy(update={"lineage": "f" * 32}))

    assert last(repository) is None


def test_files_and_dry_runs_carry_no_state(tmp_path: Path, created: Environment[Created]) -> None:
    files = FileRepository(tmp_path)
    files.create(created)

    assert not isinstance(files, CarriesState)
    with files.open("demo", ME) as session:
        assert carrying(session) is None
    assert carrying(DryRunSession(created)) is None
