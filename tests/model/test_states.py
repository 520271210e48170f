from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from environments.lifecycle import Lifecycle
from environments.model.command_name import CommandName
from environments.model.failure import Failure, FailureCause
from environments.model.states import (
    AnyFailed,
    AnyState,
    DiscriminatedState,
    EnvironmentState,
    Running,
    enter,
    state_of,
)
from statechart.graph import states

STATE: TypeAdapter[AnyState] = TypeAdapter(DiscriminatedState)
FAILURE = Failure(
    command=CommandName.RUN,
    step="start_service",
    cause=FailureCause.TIMEOUT,
    summary="it did not get healthy",
    started_at=datetime(2026, 1, 1, 12, tzinfo=UTC),
    failed_at=datetime(2026, 1, 1, 12, 1, tzinfo=UTC),
    duration=timedelta(seconds=60.25),
    trace_id="1",
)
FAILED = ["provision_failed", "configure_failed", "release_failed", "run_failed"]
IN_PROGRESS = ["provisioning", "configuring", "releasing"]


def failure_of(state: EnvironmentState) -> Failure | None:
    return FAILURE if state in FAILED else None


def test_there_are_thirteen_states_and_the_chart_has_the_same() -> None:
    assert len(EnvironmentState) == 13
    assert set(states(Lifecycle)) == set(EnvironmentState)
    assert [state.id for state in Lifecycle.states] == list(states(Lifecycle))


def test_each_state_has_one_class() -> None:
    assert sorted(state_of(kind) for kind in get_args(AnyState)) == sorted(EnvironmentState)
    assert {state_of(kind) for kind in get_args(AnyFailed)} == set(FAILED)


@pytest.mark.parametrize("state", EnvironmentState)
def test_the_predicates_of_each_state_follow_the_table(state: EnvironmentState) -> None:
    assert state.is_error == (state in FAILED)
    assert state.is_success == (state not in FAILED)
    assert state.is_in_progress == (state in IN_PROGRESS)
    assert state.is_terminal == (state in [*FAILED, "running", "destroyed"])
    assert state.is_final == (state == "destroyed")


@pytest.mark.parametrize("state", EnvironmentState)
def test_a_state_survives_json(state: EnvironmentState) -> None:
    entered = enter(state, failure_of(state))

    again = STATE.validate_json(STATE.dump_json(entered))

    assert again == entered
    assert type(again) is type(entered)
    assert state_of(type(again)) is state


@pytest.mark.parametrize("state", FAILED)
def test_a_failed_state_needs_a_failure(state: str) -> None:
    with pytest.raises(ValidationError, match=r"failure\n  Field required"):
        enter(EnvironmentState(state))


@pytest.mark.parametrize("state", [state for state in EnvironmentState if state not in FAILED])
def test_a_successful_state_refuses_a_failure(state: EnvironmentState) -> None:
    with pytest.raises(ValidationError, match=r"failure\n  Extra inputs are not permitted"):
        enter(state, FAILURE)


def test_an_unknown_state_is_refused_and_the_nearest_is_named() -> None:
    with pytest.raises(
        ValidationError, match="there is no state 'provision_faild': did you mean 'provision_failed'"
    ):
        STATE.validate_python({"name": "provision_faild"})


@pytest.mark.parametrize("name", ["sleeping beauty", "", "CREATED", 7, None])
def test_an_unknown_state_is_refused_and_all_states_are_named(name: object) -> None:
    with pytest.raises(
        ValidationError, match=r"there is no state .*: the states are created, provisioning,"
    ):
        STATE.validate_python({"name": name})


@pytest.mark.parametrize("state", ["running", None, [], {}, {"failure": None}])
def test_data_without_the_name_of_a_state_are_refused(state: object) -> None:
    with pytest.raises(ValidationError):
        STATE.validate_python(state)


def test_an_unknown_field_of_a_state_is_refused_and_named() -> None:
    with pytest.raises(ValidationError, match=r"running.health\n  Extra inputs are not permitted"):
        STATE.validate_python({"name": "running", "health": "ok"})


def test_a_state_never_changes() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Running().name = EnvironmentState.CREATED  # type: ignore[misc,assignment]


@pytest.mark.parametrize("cause", FailureCause)
def test_a_failure_survives_json(cause: FailureCause) -> None:
    failure = FAILURE.model_copy(update={"cause": cause, "trace_file": "traces/1.log"})

    assert Failure.model_validate_json(failure.model_dump_json()) == failure


def test_a_failure_of_an_unknown_cause_is_refused_and_the_causes_are_named() -> None:
    with pytest.raises(
        ValidationError, match="cause\n  Input should be 'template_rendering', 'infrastructure'"
    ):
        Failure.model_validate({**FAILURE.model_dump(), "cause": "bad luck"})


def test_a_failure_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="failed_at\n  Input should have timezone info"):
        Failure.model_validate({**FAILURE.model_dump(), "failed_at": datetime(2026, 1, 1)})


def test_a_failure_may_be_dated_before_its_start() -> None:
    earlier = FAILURE.started_at - timedelta(hours=1)

    assert Failure.model_validate({**FAILURE.model_dump(), "failed_at": earlier}).failed_at == earlier
