from __future__ import annotations

from collections.abc import Callable

import pytest

from environments.errors import CommandFailed, StepFailed
from environments.execution.commands import COMMANDS, Command
from environments.model.environment import AnyEnvironment, Environment
from environments.model.failure import FailureCause
from environments.model.operation import OperationStatus
from environments.model.states import Created, EnvironmentState
from environments.ports import EnvironmentRepository
from environments.testing import FixedClock, ScriptedProvider
from statechart.errors import InvalidTransition, NotFound, Stale

MakeCommand = Callable[..., Command]
READY = ("configured", "release_failed", "released", "running", "run_failed")
ALLOWED = {
    "provision": ("created", "provision_failed", "provisioned", "configure_failed", *READY),
    "configure": ("provisioned", "configure_failed", *READY),
    "release": READY,
    "run": ("released", "run_failed", "running"),
    "stop": ("running", "run_failed"),
    "destroy": tuple(state.value for state in EnvironmentState if state != "destroyed"),
}
ACHIEVED = {
    "provision": "provisioned",
    "configure": "configured",
    "release": "released",
    "run": "running",
    "stop": "released",
    "destroy": "destroyed",
}
CELLS = [(command, state.value) for command in ALLOWED for state in EnvironmentState]
NETWORK = StepFailed(FailureCause.NETWORK, "no route to host")


@pytest.mark.parametrize(("command", "state"), [cell for cell in CELLS if cell[1] in ALLOWED[cell[0]]])
async def test_a_command_is_run_where_the_chart_allows_it(
    place: Callable[..., AnyEnvironment],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    command: str,
    state: str,
) -> None:
    environment = place(state)

    done = await make_command(command).attempt(environment)

    assert (done.state.name, done.operation) == (ACHIEVED[command], None)
    assert provider.done == [f"first_{command}", f"second_{command}"]


@pytest.mark.parametrize(("command", "state"), [cell for cell in CELLS if cell[1] not in ALLOWED[cell[0]]])
async def test_a_command_is_refused_in_all_other_states_and_writes_nothing(
    place: Callable[..., AnyEnvironment],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    repository: EnvironmentRepository,
    command: str,
    state: str,
) -> None:
    environment = place(state)
    before = len(repository.history("demo"))

    with pytest.raises(InvalidTransition) as refused:
        await make_command(command).attempt(environment)

    assert (refused.value.event, refused.value.state, refused.value.subject) == (command, state, "demo")
    assert (len(repository.history("demo")), provider.done) == (before, [])
    assert repository.holder("demo") is None


@pytest.mark.parametrize("command", ["provision", "configure", "release", "run"])
async def test_a_failed_command_enters_its_failure_state(
    place: Callable[..., AnyEnvironment],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    command: str,
) -> None:
    place(ALLOWED[command][0])
    provider.fails[f"second_{command}"] = [NETWORK]

    with pytest.raises(CommandFailed) as failed:
        await make_command(command).attempt("demo")

    environment = failed.value.environment
    assert environment.state.name == f"{command}_failed"
    assert environment.failure == failed.value.failure
    assert environment.operation.status is OperationStatus.FAILED
    assert (
        str(environment)
        == f"Environment 'demo' is in state: {command}_failed (failed at: second_{command})"
    )


@pytest.mark.parametrize("command", ALLOWED)
async def test_execute_returns_the_achieved_environment(
    place: Callable[..., AnyEnvironment], repository: EnvironmentRepository, command: str
) -> None:
    environment = place(ALLOWED[command][0])

    done = await COMMANDS[command](repository, ScriptedProvider()).execute(environment)

    assert isinstance(done.state, COMMANDS[command].achieves)
    assert done == repository.load("demo")


async def test_an_unknown_name_is_not_found(make_command: MakeCommand) -> None:
    with pytest.raises(NotFound):
        await make_command("provision").attempt("nobody")


async def test_a_failed_run_can_fail_again(
    place: Callable[..., AnyEnvironment], make_command: MakeCommand, provider: ScriptedProvider
) -> None:
    place("run_failed")
    provider.fails["first_run"] = [NETWORK]

    with pytest.raises(CommandFailed) as failed:
        await make_command("run").attempt("demo")

    assert failed.value.environment.state.name == "run_failed"


async def test_during_a_run_the_state_is_the_last_achieved_state(
    place: Callable[..., AnyEnvironment],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    repository: EnvironmentRepository,
) -> None:
    place("released")
    seen: list[str] = []
    provider.at_step = lambda _step, _context: seen.append(repository.load("demo").condition)

    await make_command("run").attempt("demo")

    assert seen == [f"released (run under way: step {step})" for step in ("first_run", "second_run")]


async def test_a_stale_handle_is_refused_before_the_first_step(
    created: Environment[Created], make_command: MakeCommand, provider: ScriptedProvider
) -> None:
    await make_command("provision").attempt(created)
    provider.done.clear()

    with pytest.raises(Stale) as stale:
        await make_command("destroy").attempt(created)

    assert (stale.value.expected, stale.value.actual, stale.value.replaced) == (1, 3, False)
    assert provider.done == []


async def test_a_handle_of_a_purged_environment_is_refused_for_its_successor(
    created: Environment[Created],
    repository: EnvironmentRepository,
    make_command: MakeCommand,
    clock: FixedClock,
) -> None:
    repository.delete(created)
    successor = repository.create(Environment.new(created.spec, clock.now()))

    with pytest.raises(Stale, match="created again") as stale:
        await make_command("provision").attempt(created)

    assert stale.value.replaced
    assert repository.load("demo") == successor


async def test_a_name_means_the_recorded_environment(
    created: Environment[Created], make_command: MakeCommand
) -> None:
    await make_command("provision").attempt("demo")

    assert (await make_command("configure").attempt("demo")).state.name == "configured"
