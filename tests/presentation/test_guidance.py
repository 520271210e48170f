"""Guidance is a copy of what the chart declares: these tests hold it against the chart."""

from __future__ import annotations

import pytest

from environments.execution.plan import sources as chart_sources
from environments.lifecycle import Lifecycle
from environments.model.command_name import CommandName
from environments.model.operation import Operation, OperationStatus
from environments.model.states import EnvironmentState
from environments.presentation.guidance import COMMANDS, EVENTS, next_steps, sources, sources_in_words
from environments.testing import FixedClock
from statechart.graph import allowed_events, states
from statechart.holder import Holder


def operation(command: str, status: OperationStatus, *, effects_begun: bool = False) -> Operation:
    return Operation(
        id="op",
        command=CommandName(command),
        status=status,
        started_at=FixedClock().now(),
        holder=Holder.current(),
        effects_begun=effects_begun,
    )


def test_the_table_has_the_states_of_the_chart() -> None:
    assert set(EVENTS) == set(states(Lifecycle)) == set(EnvironmentState)


@pytest.mark.parametrize("state", EnvironmentState)
def test_the_table_has_the_events_that_the_chart_allows(state: EnvironmentState) -> None:
    assert set(EVENTS[state]) == set(allowed_events(Lifecycle, state))


@pytest.mark.parametrize("command", CommandName)
def test_help_names_the_states_that_the_chart_names(command: CommandName) -> None:
    assert set(sources(command)) == chart_sources(command)


def test_the_commands_are_all_that_can_be_typed() -> None:
    assert set(COMMANDS) == set(CommandName)


def test_help_says_it_shortly_when_only_one_state_is_left_out() -> None:
    assert sources_in_words("destroy") == "From every state but destroyed."
    assert sources_in_words("stop") == "From running, run_failed."


@pytest.mark.parametrize("state", EnvironmentState)
def test_every_state_has_a_next_step(state: EnvironmentState) -> None:
    assert next_steps(state, None, held=False)


@pytest.mark.parametrize("state", EnvironmentState)
def test_every_command_that_is_advised_is_allowed(state: EnvironmentState) -> None:
    advised = {step.split()[0] for step in next_steps(state, None, held=False)}

    assert advised & set(COMMANDS) <= set(allowed_events(Lifecycle, state))


def test_a_running_environment_is_offered_the_commands_of_every_day() -> None:
    assert next_steps("running", None, held=False) == (
        "deploy NAME",
        "restart NAME",
        "stop NAME",
        "destroy NAME",
    )


def test_a_failure_is_answered_by_retry_first() -> None:
    assert next_steps("run_failed", operation("run", OperationStatus.FAILED), held=False) == (
        "retry NAME",
        "why NAME",
        "deploy NAME",
        "stop NAME",
        "destroy NAME",
    )


@pytest.mark.parametrize("state", ["release_failed", "run_failed"])
def test_a_release_that_was_healthy_before_is_among_the_first_answers_to_a_failure(state: str) -> None:
    steps = next_steps(state, operation("run", OperationStatus.FAILED), held=False, rollback=True)

    assert steps[:3] == ("retry NAME", "deploy NAME --previous", "why NAME")


def test_a_failed_run_of_a_release_that_is_not_the_source_is_answered_by_deploy_first() -> None:
    failed = operation("run", OperationStatus.FAILED)

    assert next_steps("run_failed", failed, held=False, unreleased=True) == (
        "deploy NAME",
        "retry NAME",
        "why NAME",
        "stop NAME",
        "destroy NAME",
    )


@pytest.mark.parametrize("effects_begun", [False, True])
def test_a_failed_stop_is_answered_by_retry_first(effects_begun: bool) -> None:
    failed = operation("stop", OperationStatus.FAILED, effects_begun=effects_begun)

    assert next_steps("running", failed, held=False) == (
        "retry NAME",
        "why NAME",
        "deploy NAME",
        "restart NAME",
        "destroy NAME",
    )
    assert next_steps("run_failed", failed, held=False) == (
        "retry NAME",
        "why NAME",
        "deploy NAME",
        "destroy NAME",
    )


def test_while_somebody_is_at_work_one_can_only_look() -> None:
    assert next_steps("provisioning", operation("provision", OperationStatus.ACTIVE), held=True) == (
        "why NAME",
    )


def test_an_interrupted_command_leaves_recover_and_destroy() -> None:
    interrupted = operation("provision", OperationStatus.ACTIVE)

    assert next_steps("provisioning", interrupted, held=False) == (
        "recover NAME",
        "why NAME",
        "destroy NAME",
    )


def test_what_recovery_has_settled_is_answered_by_retry_first() -> None:
    settled = operation("run", OperationStatus.INTERRUPTED)

    assert next_steps("run_failed", settled, held=False)[0] == "retry NAME"


def test_a_teardown_that_has_begun_leaves_only_destroy() -> None:
    torn = operation("destroy", OperationStatus.FAILED, effects_begun=True)

    assert next_steps("running", torn, held=False) == ("destroy NAME", "why NAME")


def test_a_destroy_that_did_nothing_leaves_everything_allowed() -> None:
    harmless = operation("destroy", OperationStatus.FAILED)

    assert next_steps("running", harmless, held=False) == (
        "destroy NAME",
        "deploy NAME",
        "restart NAME",
        "stop NAME",
    )
