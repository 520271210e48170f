from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TypeAlias

import pytest

from environments.errors import StepFailed
from environments.execution.explanation import explain
from environments.execution.progress import (
    Progress,
    StepAttemptFailed,
    StepFinished,
    StepReported,
    StepStarted,
)
from environments.execution.runner import Runner, StepStopped
from environments.execution.runtime import Runtime
from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment
from environments.model.failure import FailureCause
from environments.model.operation import Operation, StepInHand, StepResult
from environments.model.records import AnyRecord, StepRecord
from environments.model.steps import Probed, Step, StepContext, StepOutputs
from environments.storage.memory import MemoryRepository
from environments.testing import FixedClock, ScriptedProvider
from statechart.errors import StorageError
from statechart.holder import Holder

Run: TypeAlias = Callable[..., Awaitable[AnyEnvironment]]
FIRST, SECOND = "first_provision", "second_provision"
REFUSED = StepFailed(FailureCause.NETWORK, "no route to host")


@pytest.fixture
def runner(
    repository: MemoryRepository,
    place: Callable[..., AnyEnvironment],
    clock: FixedClock,
    told: list[Progress],
) -> Iterator[Runner]:
    holder = Holder.current("test")
    operation = Operation(id="op", command=CommandName.PROVISION, started_at=clock.now(), holder=holder)
    place("provisioning", operation)
    with repository.open("demo", holder) as session:
        runtime = Runtime(repository, clock=clock, observers=[told.append])
        yield Runner(runtime, session, CommandName.PROVISION)


@pytest.fixture
def run(runner: Runner, provider: ScriptedProvider) -> Run:
    """Runs the scripted steps of provision."""

    async def ran(**options: object) -> AnyEnvironment:
        steps = provider.steps(CommandName.PROVISION, runner.session.environment)
        await runner.run(steps, **options)  # type: ignore[arg-type]
        return runner.session.environment

    return ran


def done_before(*names: str, **changes: object) -> Operation:
    """Return an earlier operation with results of these steps, the last one changed."""
    results = [StepResult(name=name, version=1, digest=_step(name).digest) for name in names]
    results[-1] = results[-1].model_copy(update=changes)
    clock = FixedClock()
    return Operation(
        id="earlier",
        command=CommandName.PROVISION,
        started_at=clock.now(),
        holder=Holder.current("test"),
        steps_done=tuple(results),
    )


def _step(name: str, **options: object) -> Step:
    async def effect(_context: StepContext) -> None:
        return None

    return Step(name=name, effect=effect, **options)  # type: ignore[arg-type]


def refusing(*phases: str) -> Callable[[AnyRecord], None]:
    """Return a hook that fails like a full disk for step records of these phases."""

    def full(record: AnyRecord) -> None:
        if isinstance(record, StepRecord) and record.phase in phases:
            raise StorageError("the disk is full")

    return full


async def test_steps_run_in_order_and_record_intent_and_result(
    run: Run, provider: ScriptedProvider, journal: Callable[[], list[str]]
) -> None:
    await run()

    assert provider.done == [FIRST, SECOND]
    assert journal()[2:] == [f"intent {FIRST}", f"result {FIRST}", f"intent {SECOND}", f"result {SECOND}"]


async def test_the_intent_is_recorded_before_the_effect_begins(
    run: Run, provider: ScriptedProvider, repository: MemoryRepository
) -> None:
    seen = []

    def look(step: str, _context: StepContext) -> None:
        operation = repository.load("demo").operation
        assert operation is not None
        seen.append(
            (step, operation.step and operation.step.name, [done.name for done in operation.steps_done])
        )

    provider.at_step = look
    await run()

    assert seen == [(FIRST, FIRST, []), (SECOND, SECOND, [FIRST])]


async def test_the_next_step_sees_the_outputs_of_a_step(run: Run, provider: ScriptedProvider) -> None:
    seen: list[tuple[int | None, object]] = []
    provider.outputs = {FIRST: {"port": 81, "details": {"a": 1}}, SECOND: {"details": {"b": 2}}}
    provider.at_step = lambda _step, context: seen.append(
        (context.environment.outputs.port, context.environment.outputs.details)
    )

    environment = await run()

    assert seen == [(None, {}), (81, {"a": 1})]
    assert environment.outputs.details == {"a": 1, "b": 2}


async def test_a_step_knows_its_operation_and_its_directory(
    run: Run, provider: ScriptedProvider, repository: MemoryRepository
) -> None:
    seen = []
    provider.at_step = lambda _step, context: seen.append((context.operation_id, context.directory))

    await run()

    assert seen == [("op", repository.directory("demo"))] * 2


async def test_a_step_that_takes_too_long_is_ended_with_the_limit_in_the_summary(
    run: Run, provider: ScriptedProvider
) -> None:
    provider.hangs.add(FIRST)
    provider.options[FIRST] = {"timeout": timedelta(milliseconds=20)}

    with pytest.raises(StepStopped) as stopped:
        await run()

    assert (stopped.value.step, stopped.value.cause) == (FIRST, FailureCause.TIMEOUT)
    assert stopped.value.summary == "it took longer than 0.02 s, and was ended"
    assert provider.done == []


async def test_a_timeout_error_of_a_step_keeps_its_message(run: Run, provider: ScriptedProvider) -> None:
    provider.fails[FIRST] = [TimeoutError("no health in 30 s")]
    provider.options[FIRST] = {"timeout": timedelta(seconds=5)}

    with pytest.raises(StepStopped) as stopped:
        await run()

    assert (stopped.value.cause, stopped.value.summary) == (FailureCause.TIMEOUT, "no health in 30 s")


async def test_a_step_is_retried_with_doubling_pauses(
    run: Run, provider: ScriptedProvider, clock: FixedClock
) -> None:
    provider.fails[FIRST] = [REFUSED, REFUSED, REFUSED]
    provider.options[FIRST] = {"retries": 3, "backoff": timedelta(seconds=2)}

    environment = await run()

    assert clock.slept == [2, 4, 8]
    assert environment.operation.steps_done[0].attempts == 4
    assert environment.operation.steps_done[0].duration == timedelta(seconds=14)


async def test_a_command_stops_after_the_last_retry(
    run: Run,
    provider: ScriptedProvider,
    clock: FixedClock,
    journal: Callable[[], list[str]],
) -> None:
    provider.fails[FIRST] = [REFUSED, StepFailed(FailureCause.AUTHENTICATION, "key refused", "tail")]
    provider.options[FIRST] = {"retries": 1}

    with pytest.raises(StepStopped) as stopped:
        await run()

    assert (stopped.value.cause, stopped.value.summary) == (FailureCause.AUTHENTICATION, "key refused")
    assert stopped.value.detail == "tail"
    assert clock.slept == [1]
    assert journal()[2:] == [f"intent {FIRST}", f"intent {FIRST}", f"failure {FIRST}"]


async def test_a_failed_step_is_not_in_doubt(
    run: Run, provider: ScriptedProvider, repository: MemoryRepository
) -> None:
    provider.fails[FIRST] = [REFUSED]

    with pytest.raises(StepStopped):
        await run()

    operation = repository.load("demo").operation
    assert operation is not None
    assert operation.step is None


async def test_events_are_sent_in_order(run: Run, provider: ScriptedProvider, told: list[Progress]) -> None:
    provider.fails[FIRST] = [REFUSED]
    provider.options[FIRST] = {"retries": 1}
    provider.at_step = lambda step, context: context.report(f"at {step}") if step == SECOND else None

    await run()

    where = {"name": "demo", "command": CommandName.PROVISION, "of": 2}
    first, second = where | {"step": FIRST, "number": 1}, where | {"step": SECOND, "number": 2}
    pause = timedelta(seconds=1)
    assert told == [
        StepStarted(**first),
        StepAttemptFailed(**first, summary="no route to host", retry_in=pause),
        StepStarted(**first, attempt=2),
        StepFinished(**first, duration=pause),
        StepStarted(**second),
        StepReported(**second, message=f"at {SECOND}"),
        StepFinished(**second, duration=timedelta(), note=f"at {SECOND}"),
    ]


async def test_the_last_failed_attempt_has_no_pause(
    run: Run, provider: ScriptedProvider, told: list[Progress]
) -> None:
    provider.fails[FIRST] = [REFUSED]

    with pytest.raises(StepStopped):
        await run()

    assert isinstance(told[-1], StepAttemptFailed)
    assert told[-1].retry_in is None


async def test_all_observers_are_called_even_if_the_first_raises(
    run: Run, runner: Runner, provider: ScriptedProvider
) -> None:
    one: list[Progress] = []
    two: list[Progress] = []

    def broken(_progress: Progress) -> None:
        raise RuntimeError("a dashboard is down")

    runner.runtime = replace(runner.runtime, observers=[one.append, broken, two.append])
    await run()

    assert provider.done == [FIRST, SECOND]
    assert one == two
    assert len(one) == 4


async def test_steps_run_without_observers(run: Run, runner: Runner, provider: ScriptedProvider) -> None:
    runner.runtime = replace(runner.runtime, observers=())

    await run()

    assert provider.done == [FIRST, SECOND]


async def test_kept_steps_are_reported_and_not_run(
    run: Run, provider: ScriptedProvider, told: list[Progress]
) -> None:
    await run(kept=1)

    assert provider.done == [SECOND]
    assert isinstance(told[0], StepFinished)
    assert (told[0].step, told[0].kept) == (FIRST, True)


async def test_a_stop_takes_effect_before_the_next_step(
    run: Run, runner: Runner, provider: ScriptedProvider
) -> None:
    provider.at_step = lambda _step, _context: runner.stop.request("Ctrl-C")

    with pytest.raises(StepStopped, match="stopped before this step: Ctrl-C") as stopped:
        await run()

    assert (stopped.value.step, stopped.value.cause) == (SECOND, FailureCause.CANCELLED)
    assert provider.done == [FIRST]


async def test_a_stop_ends_the_retries_of_the_current_step(
    run: Run, runner: Runner, provider: ScriptedProvider, clock: FixedClock
) -> None:
    provider.fails[FIRST] = [REFUSED, REFUSED]
    provider.options[FIRST] = {"retries": 5}
    provider.at_step = lambda _step, _context: runner.stop.request("Ctrl-C")

    with pytest.raises(StepStopped, match="no route to host"):
        await run()

    assert clock.slept == []


async def test_an_effect_without_a_recorded_intent_does_not_run(
    run: Run, provider: ScriptedProvider, repository: MemoryRepository
) -> None:
    repository.before_append = refusing("intent")

    with pytest.raises(StepStopped, match="its intent could not be recorded") as stopped:
        await run()

    assert stopped.value.cause is FailureCause.PERSISTENCE
    assert "nothing of it was done" in stopped.value.summary
    assert provider.done == []


async def test_an_unrecorded_result_stops_the_command(
    run: Run, provider: ScriptedProvider, repository: MemoryRepository
) -> None:
    repository.before_append = refusing("result")

    with pytest.raises(
        StepStopped, match=r"its result .*the disk is full.*; its effect was done"
    ) as stopped:
        await run()

    assert stopped.value.cause is FailureCause.PERSISTENCE
    assert provider.done == [FIRST]
    operation = repository.load("demo").operation
    assert operation is not None
    assert operation.step is not None
    assert operation.step.name == FIRST


async def test_an_unrecorded_failure_hides_no_error_and_leaves_the_step_in_doubt(
    run: Run, provider: ScriptedProvider, repository: MemoryRepository
) -> None:
    provider.fails[FIRST] = [REFUSED]
    repository.before_append = refusing("failure")

    with pytest.raises(StepStopped, match="no route to host") as stopped:
        await run()

    assert (stopped.value.cause, stopped.value.__cause__) == (FailureCause.NETWORK, REFUSED)
    operation = repository.load("demo").operation
    assert operation is not None
    assert operation.step is not None


@pytest.mark.parametrize(
    "outputs",
    [
        {"no_such_output": 1},
        {"port": "eighty"},
        {"details": "text"},
        {"details": {"address": object()}},
        ["port", 81],
    ],
)
async def test_a_step_fails_if_its_outputs_do_not_fit(
    runner: Runner, journal: Callable[[], list[str]], outputs: object
) -> None:
    async def effect(_context: StepContext) -> StepOutputs:
        return outputs  # type: ignore[return-value]

    with pytest.raises(StepStopped, match="outputs that don't fit") as stopped:
        await runner.run([Step(name="odd", effect=effect)])

    assert stopped.value.cause is FailureCause.COMMAND_EXECUTION
    assert journal()[-1] == "failure odd"


@pytest.mark.parametrize(
    ("error", "cause", "summary"),
    [
        (StepFailed(FailureCause.INFRASTRUCTURE, "no quota"), "infrastructure", "no quota"),
        (TypeError("no such thing\nat all"), "command_execution", "TypeError: no such thing"),
        (ValueError(), "command_execution", "ValueError"),
        (
            OSError(28, "No space left on device", "/data/x"),
            "file_system",
            "No space left on device (/data/x)",
        ),
        (FileNotFoundError(2, "No such file or directory"), "file_system", "No such file or directory"),
        (OSError(), "file_system", "OSError"),
        (ConnectionRefusedError(111, "Connection refused"), "network", "[Errno 111] Connection refused"),
        (ConnectionResetError(), "network", "ConnectionResetError"),
        (TimeoutError("too slow"), "timeout", "too slow"),
        (TimeoutError(), "timeout", "it took longer than it may"),
    ],
)
async def test_an_exception_of_a_step_has_a_cause_and_a_line(
    run: Run, provider: ScriptedProvider, error: Exception, cause: str, summary: str
) -> None:
    provider.fails[FIRST] = [error]

    with pytest.raises(StepStopped) as stopped:
        await run()

    assert (stopped.value.cause, stopped.value.summary) == (cause, summary)
    assert stopped.value.__cause__ is error


def test_an_unexpected_error_is_explained_with_its_traceback() -> None:
    try:
        int("x")
    except ValueError as error:
        _cause, _summary, detail = explain(error)

    assert "test_runner.py" in detail
    assert "invalid literal" in detail


async def test_a_step_in_doubt_is_not_repeated_if_its_probe_finds_it_done(
    run: Run, provider: ScriptedProvider, told: list[Progress]
) -> None:
    provider.probes[FIRST] = Probed.done(port=81)

    environment = await run(in_doubt=FIRST)

    assert provider.done == [SECOND]
    assert environment.outputs.port == 81
    assert environment.operation.steps_done[0].probed
    assert [t.kept for t in told if isinstance(t, StepFinished)] == [True, False]


@pytest.mark.parametrize("probed", [Probed.not_done("no such server"), Probed.unknown("no answer")])
async def test_a_step_in_doubt_runs_unless_its_probe_finds_it_done(
    run: Run, provider: ScriptedProvider, probed: Probed
) -> None:
    provider.probes[FIRST] = probed

    environment = await run(in_doubt=FIRST)

    assert provider.done == [FIRST, SECOND]
    assert not environment.operation.steps_done[0].probed


async def test_a_step_that_is_not_in_doubt_is_not_probed(run: Run, provider: ScriptedProvider) -> None:
    provider.probes[FIRST] = provider.probes[SECOND] = Probed.done()

    await run(in_doubt=SECOND)

    assert provider.done == [FIRST]


async def test_a_step_in_doubt_without_a_probe_is_run(run: Run, provider: ScriptedProvider) -> None:
    await run(in_doubt=FIRST)

    assert provider.done == [FIRST, SECOND]


async def test_the_longest_prefix_of_matching_results_is_kept(runner: Runner) -> None:
    steps = [_step("a"), _step("b"), _step("c")]

    kept = await runner.kept(steps, done_before("a", "b"))

    assert [result.name for result in kept] == ["a", "b"]
    assert await runner.kept(steps, None) == ()


@pytest.mark.parametrize("changes", [{"version": 2}, {"digest": "of other inputs"}, {"name": "z"}])
async def test_a_result_of_another_step_is_invalid(runner: Runner, changes: dict[str, object]) -> None:
    kept = await runner.kept([_step("a"), _step("b")], done_before("a", "b", **changes))

    assert [result.name for result in kept] == ["a"]


async def test_changed_inputs_invalidate_a_result_and_all_later_results(runner: Runner) -> None:
    steps = [_step("a", inputs={"size": 2}), _step("b")]

    assert await runner.kept(steps, done_before("a", "b")) == ()


async def _raises(_context: StepContext) -> Probed:
    raise ConnectionError("no answer")


async def _hangs(_context: StepContext) -> Probed:
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


async def _does_not_know(_context: StepContext) -> Probed:
    return Probed.unknown("the world does not tell")


@pytest.mark.parametrize("probe", [_raises, _hangs, _does_not_know])
async def test_a_result_is_kept_if_the_probe_cannot_tell(runner: Runner, probe: object) -> None:
    steps = [_step("a", probe=probe, timeout=timedelta(milliseconds=10))]

    assert len(await runner.kept(steps, done_before("a"))) == 1


async def test_a_result_is_invalid_if_the_probe_misses_the_effect(runner: Runner) -> None:
    async def gone(_context: StepContext) -> Probed:
        return Probed.not_done("the server is gone")

    steps = [_step("a"), _step("b", probe=gone), _step("c")]

    kept = await runner.kept(steps, done_before("a", "b", "c"))

    assert [result.name for result in kept] == ["a"]


async def test_a_cancelled_step_is_left_in_doubt(
    run: Run, runner: Runner, provider: ScriptedProvider
) -> None:
    provider.hangs.add(SECOND)
    task = asyncio.ensure_future(run())
    await asyncio.sleep(0)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    operation = runner.session.environment.operation
    assert operation is not None
    assert [result.name for result in operation.steps_done] == [FIRST]
    assert isinstance(operation.step, StepInHand)
    assert operation.step.name == SECOND
