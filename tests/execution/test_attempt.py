from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from loguru import logger

from environments.errors import CommandFailed, StepFailed
from environments.execution.commands import Command
from environments.execution.progress import CommandEnded, CommandStarted, Noticed, Progress
from environments.execution.stop import StopRequest
from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment, Environment
from environments.model.failure import Failure, FailureCause
from environments.model.operation import OperationStatus
from environments.model.records import AnyRecord, OperationRecord, StepRecord, TransitionRecord
from environments.model.states import Created
from environments.model.steps import Probed
from environments.storage.memory import MemoryRepository, MemorySession
from environments.testing import FixedClock, ScriptedProvider
from statechart.errors import StorageError
from statechart.holder import Holder

MakeCommand = Callable[..., Command]
STEPS = [
    "intent first_provision",
    "result first_provision",
    "intent second_provision",
    "result second_provision",
]
FULL = StorageError("the disk is full")


def full_for(matches: Callable[[AnyRecord], bool]) -> Callable[[AnyRecord], None]:
    """Return a hook that fails like a full disk for such records."""

    def refuse(record: AnyRecord) -> None:
        if matches(record):
            raise FULL

    return refuse


def is_event(*events: str) -> Callable[[AnyRecord], bool]:
    return lambda record: isinstance(record, TransitionRecord) and record.event in events


@pytest.fixture
def log() -> Iterator[list[tuple[str, str, dict[str, object]]]]:
    """The log lines of the package, as level, message and bound fields."""
    lines: list[tuple[str, str, dict[str, object]]] = []
    sink = logger.add(
        lambda line: lines.append(
            (line.record["level"].name, line.record["message"], line.record["extra"])
        ),
        level="INFO",
    )
    logger.enable("environments")
    yield lines
    logger.disable("environments")
    logger.remove(sink)


async def fail(
    make_command: MakeCommand, provider: ScriptedProvider, step: str = "second_provision"
) -> CommandFailed:
    """Provision demo with a failing step."""
    provider.fails[step] = [StepFailed(FailureCause.NETWORK, "no route to host", "ping: 3 lost")]
    with pytest.raises(CommandFailed) as failed:
        await make_command("provision").attempt("demo")
    return failed.value


async def test_a_transition_and_the_opening_of_its_operation_are_one_record(
    created: Environment[Created],
    make_command: MakeCommand,
    journal: Callable[[], list[str]],
    repository: MemoryRepository,
) -> None:
    done = await make_command("provision").attempt(created)

    assert journal() == ["created", "provision -> provisioning", *STEPS, "complete -> provisioned"]
    opening, closing = repository.history("demo")[1].record, repository.history("demo")[-1].record
    assert opening.environment.operation.command is CommandName.PROVISION
    assert closing.environment.operation is None
    assert done == repository.load("demo") == closing.environment


@pytest.mark.parametrize(("command", "state"), [("run", "released"), ("destroy", "running")])
async def test_run_and_destroy_record_their_operation_first(
    place: Callable[..., AnyEnvironment],
    make_command: MakeCommand,
    repository: MemoryRepository,
    command: str,
    state: str,
) -> None:
    place(state)

    done = await make_command(command).attempt("demo")

    records = [entry.record for entry in repository.history("demo")][2:]
    opening, closing = records[0], records[-1]
    assert isinstance(opening, OperationRecord)
    assert (opening.change, opening.environment.state.name) == ("opened", state)
    assert isinstance(closing, TransitionRecord)
    assert (closing.event, closing.from_state) == (command, state)
    assert done.operation is None


async def test_every_record_of_a_command_names_its_operation(
    created: Environment[Created], make_command: MakeCommand, repository: MemoryRepository
) -> None:
    await make_command("provision").attempt(created)

    first, *rest = repository.history("demo")
    assert first.operation_id is None
    assert len({entry.operation_id for entry in rest}) == 1
    assert rest[0].operation_id is not None


async def test_the_revision_counts_transitions_and_not_steps(
    created: Environment[Created], make_command: MakeCommand, repository: MemoryRepository
) -> None:
    await make_command("provision").attempt(created)

    assert [entry.revision for entry in repository.history("demo")] == [1, 2, 2, 2, 2, 2, 3]


async def test_a_failure_is_stored_in_the_state_and_closes_the_operation(
    created: Environment[Created], make_command: MakeCommand, provider: ScriptedProvider, clock: FixedClock
) -> None:
    provider.at_step = lambda _step, _context: clock.move(timedelta(seconds=3))

    failed = await fail(make_command, provider)

    environment = failed.environment
    failure = environment.failure
    assert environment.state.name == "provision_failed"
    assert environment.operation is not None
    assert environment.operation.status is OperationStatus.FAILED
    assert environment.operation.failure == failure == failed.failure
    assert (failure.step, failure.cause) == ("second_provision", FailureCause.NETWORK)
    assert (failure.summary, failure.duration) == ("no route to host", timedelta(seconds=6))
    assert failure.failed_at - failure.started_at == timedelta(seconds=6)


async def test_the_error_carries_the_recorded_environment(
    created: Environment[Created],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    repository: MemoryRepository,
) -> None:
    failed = await fail(make_command, provider)

    assert failed.environment == repository.load("demo")
    assert failed.persistence_error is None
    assert isinstance(failed.__cause__, StepFailed)
    assert str(failed) == "provision of 'demo' failed at second_provision: no route to host"


async def test_a_failure_leaves_a_trace_file(
    created: Environment[Created],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    repository: MemoryRepository,
) -> None:
    failure = (await fail(make_command, provider)).failure

    ((name, text),) = repository.traces("demo").items()
    assert failure.trace_file == f"traces/{name}"
    assert re.fullmatch(r"20260101T120000\.000000Z-provision-[0-9a-f]{12}\.log", name)
    assert failure.trace_id.startswith(name.removesuffix(".log").rpartition("-")[2])
    for said in (
        "no route to host",
        "network",
        failure.trace_id,
        "first_provision",
        "ping: 3 lost",
        "pid ",
    ):
        assert said in text


async def test_two_failures_at_the_same_time_keep_both_traces(
    created: Environment[Created],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    repository: MemoryRepository,
) -> None:
    await fail(make_command, provider)
    await fail(make_command, provider)

    assert len(repository.traces("demo")) == 2


async def test_a_failed_destroy_keeps_the_state_and_closes_the_operation(
    place: Callable[..., AnyEnvironment],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    journal: Callable[[], list[str]],
) -> None:
    place("running")
    provider.fails["second_destroy"] = [StepFailed(FailureCause.INFRASTRUCTURE, "still there")]

    with pytest.raises(CommandFailed) as failed:
        await make_command("destroy").attempt("demo")

    assert failed.value.environment.state.name == "running"
    assert failed.value.environment.operation.status is OperationStatus.FAILED
    assert journal()[-1] == "closed"


async def test_no_step_runs_if_the_start_cannot_be_recorded(
    created: Environment[Created],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    repository: MemoryRepository,
    told: list[Progress],
) -> None:
    repository.before_append = full_for(is_event("provision"))

    with pytest.raises(StorageError, match="the disk is full"):
        await make_command("provision").attempt(created)

    assert repository.load("demo") == created
    assert (provider.done, told, repository.holder("demo")) == ([], [], None)


async def test_an_unrecorded_failure_is_raised_with_the_error_of_the_step(
    created: Environment[Created],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    repository: MemoryRepository,
) -> None:
    repository.before_append = full_for(is_event("fail"))

    failed = await fail(make_command, provider)

    assert failed.persistence_error is FULL
    assert isinstance(failed.__cause__, StepFailed)
    assert failed.failure.cause is FailureCause.NETWORK
    assert "no route to host; this could not be recorded: the disk is full" in str(failed)
    assert failed.environment.state.name == repository.load("demo").state.name == "provisioning"


async def test_a_disk_failure_after_the_intent_hides_no_error(
    created: Environment[Created],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    repository: MemoryRepository,
) -> None:
    def fill(step: str, _context: object) -> None:
        if step == "second_provision":
            repository.before_append = full_for(lambda _record: True)

    provider.at_step = fill
    failed = await fail(make_command, provider)

    assert failed.failure.cause is FailureCause.NETWORK
    assert (failed.persistence_error, type(failed.__cause__)) == (FULL, StepFailed)


async def test_a_command_fails_if_an_intent_cannot_be_recorded(
    created: Environment[Created],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    repository: MemoryRepository,
) -> None:
    repository.before_append = full_for(lambda record: isinstance(record, StepRecord))

    with pytest.raises(CommandFailed) as failed:
        await make_command("provision").attempt(created)

    assert provider.done == []
    assert failed.value.failure.cause is FailureCause.PERSISTENCE
    assert failed.value.__cause__ is FULL
    assert repository.load("demo").state.name == "provision_failed"


async def test_no_step_is_repeated_after_an_unrecorded_outcome(
    created: Environment[Created],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    repository: MemoryRepository,
) -> None:
    repository.before_append = full_for(is_event("complete"))
    with pytest.raises(CommandFailed, match="all steps are done, but this could not be recorded") as failed:
        await make_command("provision").attempt(created)
    repository.before_append = lambda _record: None

    done = await make_command("provision").attempt("demo")

    assert (failed.value.__cause__, failed.value.failure.cause) == (FULL, FailureCause.PERSISTENCE)
    assert done.state.name == "provisioned"
    assert provider.done == ["first_provision", "second_provision"]


async def test_an_unrecorded_cancellation_gets_a_note_and_is_raised(
    created: Environment[Created],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    repository: MemoryRepository,
) -> None:
    provider.hangs.add("first_provision")
    repository.before_append = full_for(is_event("fail"))
    task = asyncio.ensure_future(make_command("provision").attempt(created))
    await asyncio.sleep(0)

    task.cancel()
    with pytest.raises(asyncio.CancelledError) as cancelled:
        await task

    assert cancelled.value.__notes__ == ["this could not be recorded: the disk is full"]
    assert repository.holder("demo") is None


async def test_a_resumed_operation_keeps_results_and_names_its_predecessor(
    created: Environment[Created],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    repository: MemoryRepository,
) -> None:
    first = (await fail(make_command, provider)).environment.operation
    second = (await fail(make_command, provider)).environment.operation

    assert (first.resumes, second.resumes) == (None, first.id)
    assert second.supersedes is None
    assert [result.name for result in second.steps_done] == ["first_provision"]


async def test_a_step_stays_in_doubt_if_the_next_attempt_fails_before(
    created: Environment[Created], make_command: MakeCommand, provider: ScriptedProvider
) -> None:
    provider.hangs.add("second_provision")
    task = asyncio.ensure_future(make_command("provision").attempt(created))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    provider.hangs.clear()
    stop = StopRequest()
    observers = [lambda _started: stop.request("Ctrl-C")]
    with pytest.raises(CommandFailed, match="stopped before this step"):
        await make_command("provision", stop=stop, observers=observers).attempt("demo")

    provider.probes["second_provision"] = Probed.done()
    await make_command("provision").attempt("demo")

    assert provider.done == ["first_provision"]


async def test_observers_see_the_start_and_the_end(
    created: Environment[Created], make_command: MakeCommand, told: list[Progress]
) -> None:
    done = await make_command("provision").attempt(created)

    first, last = told[0], told[-1]
    assert isinstance(first, CommandStarted)
    assert (first.of, first.kept) == (2, 0)
    assert last == CommandEnded(
        name="demo", command=CommandName.PROVISION, environment=done, duration=timedelta()
    )


async def test_observers_see_a_failure_and_kept_steps(
    created: Environment[Created],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    told: list[Progress],
) -> None:
    failed = await fail(make_command, provider)
    ended = told[-1]
    told.clear()
    await make_command("provision").attempt("demo")

    assert isinstance(ended, CommandEnded)
    assert (ended.failure, ended.environment) == (failed.failure, failed.environment)
    assert isinstance(told[0], CommandStarted)
    assert told[0].kept == 1


async def test_observers_see_the_end_of_a_cancelled_command(
    created: Environment[Created],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    told: list[Progress],
) -> None:
    provider.hangs.add("first_provision")
    task = asyncio.ensure_future(make_command("provision").attempt(created))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    ended = told[-1]
    assert isinstance(ended, CommandEnded)
    assert isinstance(ended.failure, Failure)
    assert ended.failure.cause is FailureCause.CANCELLED


async def test_observers_are_called_after_the_record_is_written(
    created: Environment[Created], make_command: MakeCommand, repository: MemoryRepository
) -> None:
    states = []

    def look(_progress: Progress) -> None:
        states.append(str(repository.load("demo").state.name))

    await make_command("provision", observers=[look]).attempt(created)

    assert states == ["provisioning"] * 6 + ["provisioned"] * 2


async def test_each_commit_writes_a_log_line(
    created: Environment[Created],
    make_command: MakeCommand,
    repository: MemoryRepository,
    log: list[tuple[str, str, dict[str, object]]],
) -> None:
    await make_command("provision").attempt(created)

    assert [(level, message) for level, message, _fields in log] == [
        ("INFO", "Environment state transition")
    ] * 2
    fields = dict(log[1][2])
    assert fields.pop("duration_ms") >= 0
    operation_id = repository.history("demo")[1].operation_id
    assert fields == {
        "environment_name": "demo",
        "instance_name": "envchart-demo",
        "event": "complete",
        "from_state": "provisioning",
        "to_state": "provisioned",
        "revision": 3,
        "operation_id": operation_id,
        "trace_id": operation_id,
    }


async def test_an_uncommitted_transition_is_not_logged(
    created: Environment[Created],
    make_command: MakeCommand,
    repository: MemoryRepository,
    log: list[tuple[str, str, dict[str, object]]],
) -> None:
    repository.before_append = full_for(is_event("provision"))

    with pytest.raises(StorageError):
        await make_command("provision").attempt(created)

    assert log == []


async def test_a_destroy_without_effect_keeps_the_doubts_of_an_interrupted_command(
    provider: ScriptedProvider,
    make_command: MakeCommand,
    crash: Callable[..., AnyEnvironment],
    created: object,
) -> None:
    interrupted = crash("provision", "provisioning", "first_provision")
    provider.options["first_destroy"] = {"has_effect": False}
    provider.fails["first_destroy"] = [StepFailed(FailureCause.NETWORK, "no way there")]

    with pytest.raises(CommandFailed) as failed:
        await make_command("destroy").attempt("demo")

    assert failed.value.environment.operation == interrupted.operation
    assert failed.value.failure.step == "first_destroy"


async def test_a_destroy_without_effect_keeps_the_steps_for_a_retry(
    provider: ScriptedProvider, make_command: MakeCommand, created: object
) -> None:
    provider.fails["second_provision"] = [StepFailed(FailureCause.NETWORK, "no way there")]
    with pytest.raises(CommandFailed):
        await make_command("provision").attempt("demo")
    provider.options["first_destroy"] = {"has_effect": False}
    provider.fails["first_destroy"] = [StepFailed(FailureCause.NETWORK, "no way there")]
    with pytest.raises(CommandFailed):
        await make_command("destroy").attempt("demo")

    await make_command("provision").attempt("demo")

    assert provider.done == ["first_provision", "second_provision"]


async def test_a_step_that_exceeds_its_timeout_is_in_doubt(
    provider: ScriptedProvider, make_command: MakeCommand, created: object
) -> None:
    provider.hangs.add("first_provision")
    provider.options["first_provision"] = {"timeout": timedelta(milliseconds=20)}

    with pytest.raises(CommandFailed) as failed:
        await make_command("provision").attempt("demo")

    operation = failed.value.environment.operation
    assert operation is not None
    assert operation.step is not None
    assert operation.step.name == failed.value.failure.step == "first_provision"


async def test_observers_see_repairs_made_on_opening(
    repository: MemoryRepository,
    make_command: MakeCommand,
    created: object,
    told: list[Progress],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    holder = Holder.current("envchart run")
    monkeypatch.setattr(MemorySession, "crashed", property(lambda session: holder))
    monkeypatch.setattr(MemorySession, "notes", property(lambda session: ("a torn line was cut off",)))

    await make_command("provision").attempt("demo")

    noticed = [progress.message for progress in told if isinstance(progress, Noticed)]
    assert noticed == [
        f"the last command did not end by itself: {holder.describe()}",
        "a torn line was cut off",
    ]


@pytest.mark.parametrize(
    "odd", [{"details": {"load": float("nan")}}, {"details": {"load": {1, 2}}}, {"url": "\udcff"}]
)
async def test_a_step_fails_if_its_outputs_cannot_be_stored(
    provider: ScriptedProvider, make_command: MakeCommand, created: object, odd: dict[str, object]
) -> None:
    provider.outputs["first_provision"] = odd  # type: ignore[assignment]

    with pytest.raises(CommandFailed) as failed:
        await make_command("provision").attempt("demo")

    assert failed.value.failure.step == "first_provision"
    assert failed.value.failure.summary == "it returned outputs that don't fit"


async def test_odd_bytes_in_the_last_line_of_a_tool_are_escaped(
    provider: ScriptedProvider, make_command: MakeCommand, created: object, repository: MemoryRepository
) -> None:
    provider.fails["first_provision"] = [StepFailed(FailureCause.NETWORK, "no \udcff", "tail \udcff")]
    provider.at_step = lambda name, context: context.report("said \udcff")

    with pytest.raises(CommandFailed) as failed:
        await make_command("provision").attempt("demo")

    assert failed.value.failure.summary == "no \\udcff"
    assert repository.load("demo") == failed.value.environment
