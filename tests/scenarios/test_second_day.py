"""Changing a running environment in place: what fails, what serves on, and how work goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from environments.errors import CommandFailed, StepFailed, UnsupportedCommand
from environments.execution.commands import Command
from environments.execution.plan import plan
from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment
from environments.model.failure import FailureCause
from environments.model.states import EnvironmentState
from environments.model.steps import Probed
from environments.ports import EnvironmentRepository
from environments.presentation.story import tell
from environments.presentation.text import facts_text
from environments.presentation.view import View
from environments.testing import ScriptedProvider
from environments.workspace import Workspace

MakeCommand = Callable[..., Command]
NETWORK = StepFailed(FailureCause.NETWORK, "no route to host")
PATH = ("provision", "configure", "release", "run")

# On a running environment: the state and its condition after a failure at the second step, and whether
# the release of the last run is said to serve on.
FAILURES = {
    "provision": ("provision_failed (failed at: second_provision)", True),
    "configure": ("configure_failed (failed at: second_configure)", True),
    "release": ("release_failed (failed at: second_release)", True),
    "run": ("run_failed (failed at: second_run)", False),
    "stop": ("running, stop failed at second_stop: partly stopped", False),
    "destroy": ("running, destroy failed at second_destroy: partly torn down", False),
}
ACHIEVED = {"provision": "provisioned", "configure": "configured", "release": "released"}
APPLIED = set(PATH)
ACHIEVED |= {"run": "running", "stop": "released", "destroy": "destroyed"}


@pytest.fixture
def provider(provider: ScriptedProvider) -> ScriptedProvider:
    provider.outputs["second_release"] = {"release": "r1"}
    provider.outputs["second_run"] = {"serving": "r1", "served": "r1"}
    provider.outputs["second_stop"] = {"serving": None}
    return provider


@pytest.fixture
async def running(created: AnyEnvironment, make_command: MakeCommand) -> AnyEnvironment:
    """An environment that was brought up by its commands."""
    for command in PATH:
        created = await make_command(command).attempt(created)
    return created


@pytest.mark.parametrize("command", FAILURES)
async def test_a_failure_says_what_still_serves_and_is_resumed_by_the_same_command(
    running: AnyEnvironment, make_command: MakeCommand, provider: ScriptedProvider, command: str
) -> None:
    condition, serves_on = FAILURES[command]
    provider.fails[f"second_{command}"] = [NETWORK]

    with pytest.raises(CommandFailed) as failed:
        await make_command(command).attempt(running)

    left = failed.value.environment
    assert (left.condition, left.is_error) == (condition, True)
    assert left.outputs.serving == "r1"
    assert str(failed.value).endswith("; release r1 still serves") is serves_on
    assert ("serving   release r1 still serves" in shown(left)) is serves_on
    assert any("release r1 still serves" in each for each in known(left)) is serves_on
    provider.done.clear()
    done = await make_command(command).attempt("demo")
    assert (done.state.name, done.operation) == (ACHIEVED[command], None)
    assert provider.done == [f"second_{command}"], "the step that was done is kept"


BEGUN = {"provision": "provisioning", "configure": "configuring", "release": "releasing"}
FOUND = {
    "done": lambda outputs: Probed.done("look", **outputs),
    "not done": lambda _: Probed.not_done("look"),
    "unknown": lambda _: Probed.unknown("no route"),
}


@pytest.mark.parametrize("found", FOUND)
@pytest.mark.parametrize("command", [command for command in FAILURES if command != "destroy"])
async def test_a_crash_on_a_running_environment_is_settled_by_the_probe(
    running: AnyEnvironment,
    repository: EnvironmentRepository,
    crash: Callable[..., AnyEnvironment],
    provider: ScriptedProvider,
    command: str,
    found: str,
) -> None:
    step = f"second_{command}"
    provider.steps_of = {CommandName(command): [step]}
    provider.options[step] = {"idempotent": True}
    provider.probes[step] = FOUND[found](provider.outputs.get(step, {}))
    crash(command, BEGUN.get(command), step=step)

    with provider.installed():
        recovered = (await Workspace(repository=repository).recover("demo")).environment

        if found == "done":
            assert (recovered.state.name, recovered.operation) == (ACHIEVED[command], None)
            assert recovered.applied.keys() == APPLIED - ({"run"} if command == "stop" else set())
            return
        assert recovered.condition == FAILURES[command][0].replace("failed at", "interrupted at")
        assert recovered.is_error
        assert recovered.outputs.serving == "r1"
        provider.probes[step] = FOUND["not done"]({})
        again = await Workspace(repository=repository).retry("demo")
    assert (again.state.name, again.operation) == (ACHIEVED[command], None)


async def test_a_stopped_service_is_started_again_by_run(
    running: AnyEnvironment, make_command: MakeCommand
) -> None:
    stopped = await make_command("stop").attempt(running)
    again = await make_command("run").attempt(stopped)

    assert "in place  release r1, which was stopped" in shown(stopped)
    assert (again.state.name, again.outputs.serving) == ("running", "r1")


async def test_a_stop_that_stopped_nothing_leaves_the_earlier_failure(
    running: AnyEnvironment, make_command: MakeCommand, provider: ScriptedProvider
) -> None:
    provider.fails |= {"second_run": [NETWORK], "first_stop": [NETWORK]}
    provider.options["first_stop"] = {"has_effect": False}
    for command in ("run", "stop"):
        with pytest.raises(CommandFailed) as failed:
            await make_command(command).attempt("demo")

    assert failed.value.environment.condition == "run_failed (failed at: second_run)"


async def test_a_service_that_was_partly_stopped_is_brought_up_by_a_run(
    running: AnyEnvironment, make_command: MakeCommand, provider: ScriptedProvider
) -> None:
    provider.fails["second_stop"] = [NETWORK]
    with pytest.raises(CommandFailed) as failed:
        await make_command("stop").attempt("demo")

    assert plan(running, EnvironmentState.RUNNING) == ()
    assert plan(failed.value.environment, EnvironmentState.RUNNING) == (CommandName.RUN,)


async def test_what_was_applied_is_kept_until_it_is_applied_anew_or_gone(
    running: AnyEnvironment, make_command: MakeCommand, provider: ScriptedProvider
) -> None:
    revisions = {command: applied.revision for command, applied in running.applied.items()}

    configured = await make_command("configure").attempt("demo")
    provider.fails["first_release"] = [NETWORK]
    with pytest.raises(CommandFailed) as failed:
        await make_command("release").attempt("demo")
    destroyed = await make_command("destroy").attempt("demo")

    anew = {command: applied.revision for command, applied in configured.applied.items()}
    assert anew == {**revisions, CommandName.CONFIGURE: configured.revision}
    assert failed.value.environment.applied == configured.applied
    assert destroyed.applied == {}


async def test_a_provider_without_steps_for_stop_does_not_have_it(
    running: AnyEnvironment, make_command: MakeCommand, provider: ScriptedProvider
) -> None:
    provider.steps_of = {CommandName.STOP: []}

    with pytest.raises(UnsupportedCommand):
        await make_command("stop").attempt(running)


def shown(environment: AnyEnvironment) -> str:
    return facts_text(View(environment), lambda text, _: text, Path("data/demo"))


def known(environment: AnyEnvironment) -> tuple[str, ...]:
    return tell(View(environment), (), (), {}).known
