"""Check histories against today's chart and against a later version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from environments.checks.verify import verify
from environments.lifecycle import Lifecycle
from environments.model.environment import AnyEnvironment, Environment
from environments.model.records import StepRecord, TransitionRecord
from environments.model.states import Configured, Created
from environments.ports import EnvironmentRepository
from environments.storage.file import FileRepository
from environments.testing import FixedClock, ScriptedProvider
from statechart.chart import Chart, Event, State
from statechart.errors import NotFound
from statechart.holder import Holder
from tests.conftest import MakeCommand


class LaterChart(Chart):
    """A version of the lifecycle in which a release no longer completes."""

    created = State("created", value="created", initial=True)
    provisioning = State("provisioning", value="provisioning")
    provisioned = State("provisioned", value="provisioned")
    gone = State("gone", value="gone", final=True)
    provision = Event(created.to(provisioning))
    complete = Event(provisioning.to(gone))
    leave = Event(provisioned.to(gone))
    stay = Event(provisioning.to(provisioned))


@pytest.fixture
def repository(any_repository: EnvironmentRepository) -> EnvironmentRepository:
    return any_repository


async def test_a_complete_lifecycle_has_no_violations(
    created: Environment[Created], repository: EnvironmentRepository, make_command: MakeCommand
) -> None:
    for command in ("provision", "configure", "release", "run", "destroy"):
        await make_command(command).attempt("demo")

    verified = verify(repository, "demo")

    assert verified.sound
    assert (verified.records, verified.transitions) == (len(repository.history("demo")), 8)


async def test_failures_retries_and_redeploys_have_no_violations(
    created: Environment[Created],
    repository: EnvironmentRepository,
    make_command: MakeCommand,
    provider: ScriptedProvider,
) -> None:
    from environments.errors import CommandFailed

    for command in ("provision", "configure", "release", "run"):
        provider.fails[f"second_{command}"] = [OSError("no")]
        with pytest.raises(CommandFailed):
            await make_command(command).attempt("demo")
        await make_command(command).attempt("demo")

    assert verify(repository, "demo").findings == ()


async def test_a_transition_missing_in_the_chart_is_found(
    created: Environment[Created], repository: EnvironmentRepository, make_command: MakeCommand
) -> None:
    await make_command("provision").attempt("demo")
    await make_command("configure").attempt("demo")

    found = verify(repository, "demo", LaterChart)

    assert [finding.what for finding in found.findings] == [
        "complete: provisioning → provisioned, which leads to gone in today's chart",
        "configure: provisioned → configuring, which today's chart does not have",
        "complete: configuring → configured, which today's chart does not have",
    ]
    assert [finding.seq for finding in found.findings] == [7, 8, 13]


def commit(repository: EnvironmentRepository, record: Callable[[AnyEnvironment], Any]) -> None:
    with repository.open("demo", Holder.current("test")) as session:
        made = record(session.environment)
        (session.append_step if isinstance(made, StepRecord) else session.commit)(made)


def leap(environment: AnyEnvironment) -> TransitionRecord:
    entered = environment.entering(Configured(), at=environment.updated_at)
    return TransitionRecord(
        event="configure", from_state="created", to_state="configured", environment=entered
    )


def test_a_skipped_state_is_found(created: Environment[Created], repository: EnvironmentRepository) -> None:
    commit(repository, leap)

    found = verify(repository, "demo")

    assert "configure: created → configured, which today's chart does not have" in found.findings[0].what


def test_a_transition_past_a_guard_is_found(
    created: Environment[Created], repository: EnvironmentRepository, crash: Callable[..., Any]
) -> None:
    from environments.model.states import Provisioning

    crash("destroy", None, "first_destroy")
    commit(
        repository,
        lambda environment: TransitionRecord(
            event="provision",
            from_state="created",
            to_state="provisioning",
            environment=environment.entering(Provisioning(), at=environment.updated_at),
        ),
    )

    (finding,) = verify(repository, "demo").findings

    assert finding.what.endswith("which today's chart refuses: it allows destroy")


def test_a_damaged_history_is_a_violation(created: Environment[Created], tmp_path: Path) -> None:
    repository = FileRepository(tmp_path / "files")
    repository.create(created)
    (repository.directory("demo") / "history.jsonl").write_text("{}\n")

    found = verify(repository, "demo")

    assert not found.sound
    assert "is damaged" in found.findings[0].what


def test_an_unknown_name_is_not_verified(repository: EnvironmentRepository) -> None:
    with pytest.raises(NotFound):
        verify(repository, "demo")


def test_histories_are_checked_against_the_lifecycle_by_default(
    created: Environment[Created], repository: EnvironmentRepository, clock: FixedClock
) -> None:
    assert verify(repository, "demo") == verify(repository, "demo", Lifecycle)
