"""The pace of a command, compared with earlier times."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment, Environment
from environments.model.operation import Operation, StepInHand, StepResult, ToolProcess
from environments.model.records import StepRecord, TransitionRecord
from environments.model.states import Created, Provisioned, Provisioning
from environments.presentation.answers import look_closely
from environments.presentation.pace import Pace, Paces, Usual, duration_text
from environments.presentation.text import facts_text
from environments.storage.file import FileRepository
from environments.testing import FixedClock
from statechart.holder import Holder
from statechart.storage.segments.size import Segment

MINUTE = timedelta(minutes=1)


@pytest.fixture
def repository(tmp_path: Path) -> FileRepository:
    return FileRepository(tmp_path / "data", segment=Segment(records=40))


@pytest.fixture
def provisions(repository: FileRepository, clock: FixedClock) -> Callable[..., None]:
    """Records provisions of demo, of one step each with its duration; the last one goes on."""

    def provision(*durations: timedelta, ends: bool = True) -> None:
        with repository.open("demo", Holder.current("provision")) as session:
            for number, duration in enumerate(durations):
                operation = Operation(
                    id=f"op-{session.environment.revision}",
                    command=CommandName.PROVISION,
                    started_at=clock.now(),
                    holder=Holder.current(),
                )
                entered = session.environment.entering(Provisioning(), at=clock.now(), operation=operation)
                session.commit(transition("provision", entered))
                hand = StepInHand(name="apply", number=1, of=2, started_at=clock.now())
                session.append_step(StepRecord(phase="intent", step="apply", intent=hand))
                if not ends and number == len(durations) - 1:
                    process = ToolProcess(pid=71, program="tofu")
                    session.append_step(StepRecord(phase="process", step="apply", process=process))
                    return
                result = StepResult(name="apply", version=1, digest="d", duration=duration)
                session.append_step(StepRecord(phase="result", step="apply", result=result))
                done = session.environment.entering(Provisioned(), at=clock.now())
                session.commit(transition("complete", done))

    return provision


def transition(event: str, environment: AnyEnvironment) -> TransitionRecord:
    state = environment.state.name.value
    return TransitionRecord(event=event, from_state="created", to_state=state, environment=environment)


def pace(repository: FileRepository, clock: FixedClock, after: timedelta) -> Pace:
    environment = repository.load("demo")
    found = Paces(repository).of(environment, clock.now() + after, held=True)
    assert found is not None
    return found


def test_a_step_is_compared_with_the_median_of_its_latest_results(
    repository: FileRepository,
    created: Environment[Created],
    clock: FixedClock,
    provisions: Callable[..., None],
) -> None:
    provisions(*[MINUTE] * 30, 2 * MINUTE, 40 * MINUTE, MINUTE, ends=False)

    now = pace(repository, clock, 2 * MINUTE)

    assert (now.command, now.step, now.step_usual, now.step_elapsed) == (
        "provision",
        "apply",
        MINUTE,
        2 * MINUTE,
    )
    assert now.steps == {"apply": MINUTE}
    assert now.words == "2 min so far, usually 1 min; waits for tofu (pid 71)"
    assert (now.stuck_after, now.stuck) == (3 * MINUTE, None)
    assert pace(repository, clock, 4 * MINUTE).stuck == (
        "provision seems stuck at apply: 4 min, usually 1 min"
    )


def test_a_quick_step_is_not_stuck_within_a_minute(
    repository: FileRepository,
    created: Environment[Created],
    clock: FixedClock,
    provisions: Callable[..., None],
) -> None:
    provisions(timedelta(seconds=0.1), MINUTE, ends=False)

    assert pace(repository, clock, 0.9 * MINUTE).stuck is None
    assert pace(repository, clock, 1.1 * MINUTE).stuck is not None
    # A clock that was set back, or another machine's.
    assert pace(repository, clock, -MINUTE).step_elapsed == timedelta()


def test_a_step_that_was_never_done_is_compared_with_its_limit(
    repository: FileRepository,
    created: Environment[Created],
    clock: FixedClock,
    provisions: Callable[..., None],
) -> None:
    provisions(MINUTE, ends=False)

    now = pace(repository, clock, 10_000 * MINUTE)

    assert (now.step_usual, now.usual, now.limit, now.stuck_after, now.stuck) == (None,) * 5
    limited = Pace("run", MINUTE, step="wait", step_elapsed=5 * MINUTE, limit=MINUTE, attempts=3)
    assert limited.words == "5 min so far, at most 1 min, 3 attempts; "[:-2]
    assert limited.stuck == "run seems stuck at wait: 5 min, its limit is 3 min"


def test_only_a_command_that_a_process_runs_has_a_pace(
    repository: FileRepository,
    created: Environment[Created],
    clock: FixedClock,
    provisions: Callable[..., None],
) -> None:
    paces = Paces(repository)
    assert paces.of(created, clock.now(), held=True) is None
    provisions(MINUTE, MINUTE, ends=False)
    assert paces.of(repository.load("demo"), clock.now(), held=False) is None

    assert look_closely(repository, "demo").pace is None  # its process let go of it
    with repository.open("demo", Holder.current("provision")):
        view = look_closely(repository, "demo")
        assert view.pace is not None
        told = facts_text(view, lambda text, _style: text, Path("/data/demo"))
        assert "usually 1 min" in told


def test_a_missing_segment_only_shortens_what_is_known(
    repository: FileRepository,
    created: Environment[Created],
    clock: FixedClock,
    provisions: Callable[..., None],
) -> None:
    provisions(*[MINUTE] * 12, ends=False)
    for path in repository.directory("demo").glob("history.*-*.jsonl"):
        path.unlink()

    assert pace(repository, clock, MINUTE).step == "apply"


def test_commands_are_compared_too_and_failures_are_not(
    repository: FileRepository,
    created: AnyEnvironment,
    clock: FixedClock,
    provisions: Callable[..., None],
) -> None:
    provisions(MINUTE, MINUTE)

    usual = Usual.of(repository.entries("demo"))

    assert usual.commands.keys() == {"provision"}
    assert usual.steps == {("provision", "apply"): MINUTE}
    assert duration_text(timedelta(seconds=1.234)) == "1.2 s"
