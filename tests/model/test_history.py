"""Earlier revisions of an environment, from its history."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from environments.errors import NoSuchMoment
from environments.model.environment import Environment
from environments.model.records import at_revision, at_time, replay
from environments.model.states import Created
from environments.ports import EnvironmentRepository
from tests.conftest import MakeCommand


@pytest.fixture
def repository(any_repository: EnvironmentRepository) -> EnvironmentRepository:
    return any_repository


async def test_each_revision_can_be_restored(
    created: Environment[Created], repository: EnvironmentRepository, make_command: MakeCommand
) -> None:
    provisioned = await make_command("provision").attempt("demo")
    entries = repository.history("demo")

    assert at_revision("demo", entries, 1).environment == created
    assert at_revision("demo", entries, 3).environment == provisioned
    halfway = at_revision("demo", entries, 2).environment
    assert (halfway.state.name, len(halfway.operation.steps_done)) == ("provisioning", 2)


async def test_a_moment_includes_the_steps_done_before_it(
    created: Environment[Created], repository: EnvironmentRepository, make_command: MakeCommand
) -> None:
    await make_command("provision").attempt("demo")
    entries = repository.history("demo")

    for number, (entry, before) in enumerate(replay(entries)):
        past = at_time("demo", entries, entry.at)
        assert past.entry.seq >= entry.seq
        if number:
            earlier = at_time("demo", entries[:number], entry.at)
            assert earlier.environment == before


@pytest.mark.parametrize("revision", [0, -1, 4, 99])
async def test_an_unknown_revision_is_refused_and_the_known_revisions_are_named(
    created: Environment[Created],
    repository: EnvironmentRepository,
    make_command: MakeCommand,
    revision: int,
) -> None:
    await make_command("provision").attempt("demo")

    with pytest.raises(NoSuchMoment, match="revisions 1 to 3"):
        at_revision("demo", repository.history("demo"), revision)


def test_a_moment_before_the_creation_is_refused(
    created: Environment[Created], repository: EnvironmentRepository
) -> None:
    entries = repository.history("demo")

    with pytest.raises(NoSuchMoment, match="it was created at "):
        at_time("demo", entries, entries[0].at - timedelta(seconds=1))


def test_a_moment_is_named_in_utc_wherever_it_was_written(
    created: Environment[Created], repository: EnvironmentRepository
) -> None:
    east = timezone(timedelta(hours=5))

    with pytest.raises(NoSuchMoment, match="2000-01-01 19:00:00Z"):
        at_time("demo", repository.history("demo"), datetime(2000, 1, 2, 0, 0, tzinfo=east))
