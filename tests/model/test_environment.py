from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings, strategies as st
from pydantic import JsonValue, ValidationError

from environments.errors import UnexpectedState
from environments.lifecycle import Lifecycle, Subject
from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment, Environment, Outputs
from environments.model.failure import Failure, FailureCause
from environments.model.operation import Operation, OperationStatus, StepInHand, StepResult
from environments.model.spec import EnvironmentSpec
from environments.model.states import (
    Created,
    EnvironmentState,
    Provisioned,
    ProvisionFailed,
    Released,
    Running,
    enter,
)
from environments.model.summary import Summary
from environments.testing import ScriptedSpec
from statechart.holder import Holder

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = AT + timedelta(minutes=1)
CREATED = Environment.new(EnvironmentSpec(name="demo", provider=ScriptedSpec(), description="ä\u2028"), AT)
STATES = list(EnvironmentState)
PARTLY = {CommandName.STOP: "partly stopped", CommandName.DESTROY: "partly torn down"}
COPYING: dict[str, Callable[[AnyEnvironment], AnyEnvironment]] = {
    "model_copy": lambda environment: environment.model_copy(),
    "deep model_copy": lambda environment: environment.model_copy(deep=True),
    "copy.copy": copy.copy,
    "copy.deepcopy": copy.deepcopy,
    "pickle": lambda environment: pickle.loads(pickle.dumps(environment)),
    "python": lambda environment: Environment.model_validate(environment.model_dump()),
    "json": lambda environment: Environment.model_validate_json(environment.model_dump_json()),
    "json values": lambda environment: Environment.model_validate(environment.model_dump(mode="json")),
    "itself": Environment.model_validate,
    "typed": lambda environment: Environment[Created].model_validate_json(environment.model_dump_json()),
}


def failure(step: str, command: CommandName = CommandName.PROVISION) -> Failure:
    return Failure(
        command=command,
        step=step,
        cause=FailureCause.COMMAND_EXECUTION,
        summary="exit status 1",
        started_at=AT,
        failed_at=LATER,
        duration=timedelta(seconds=59.5),
        trace_id="1",
        trace_file="traces/1.log",
    )


def operation(
    command: CommandName, status: str, *, step: str | None = None, effects_begun: bool = False
) -> Operation:
    failed = failure("stop_service", command) if status != "active" else None
    hand = StepInHand(name=step, number=1, of=2, started_at=AT) if step else None
    return Operation(
        id="1",
        command=command,
        status=OperationStatus(status),
        started_at=AT,
        holder=Holder.current(f"envchart {command}"),
        step=hand,
        effects_begun=effects_begun,
        failure=failed,
    )


def environment_in(state: str, in_operation: Operation | None = None) -> AnyEnvironment:
    entered = EnvironmentState(state)
    failed = failure("terraform_apply") if entered.is_error else None
    return CREATED.entering(enter(entered, failed), at=LATER, operation=in_operation)


OPERATIONS: dict[str, Operation | None] = {
    "nothing": None,
    **{
        f"{command} {status}{' at a step' if step else ''}": operation(
            command, status, step=step, effects_begun=step is not None
        )
        for command in CommandName
        for status in OperationStatus
        for step in (None, "stop_service")
    },
}


@pytest.mark.parametrize("way", COPYING)
@pytest.mark.parametrize("state", STATES)
def test_nothing_is_lost_by_copying(way: str, state: str) -> None:
    for in_operation in OPERATIONS.values():
        environment = environment_in(state, in_operation)

        again = COPYING[way](environment)

        assert again == environment
        assert type(again) is Environment
        assert type(again.state) is type(environment.state)
        assert again.model_dump_json() == environment.model_dump_json()


@settings(deadline=None)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    )
)
def test_details_survive_json(value: JsonValue) -> None:
    outputs = Outputs(details={"kept": value})

    assert Outputs.model_validate_json(outputs.model_dump_json()) == outputs


def test_the_type_of_the_state_is_known_to_checkers_only() -> None:
    assert Environment[Created] is Environment
    assert AnyEnvironment is Environment
    assert isinstance(CREATED, Environment)


def test_two_environments_share_nothing_that_can_change() -> None:
    first, second = (Environment.new(CREATED.spec, AT) for _ in range(2))

    assert first.outputs.details is not second.outputs.details
    assert first.lineage != second.lineage


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", "demo\n", "name\n.*may contain only a-z"),
        ("name", "other", "the environment is named 'other', but its spec 'demo'"),
        ("state", {"name": "runing"}, "state\n.*there is no state 'runing': did you mean 'running'"),
        ("state", {"name": "provision_failed"}, r"state.provision_failed.failure\n  Field required"),
        (
            "state",
            {"name": "running", "failure": {}},
            r"state.running.failure\n  Extra inputs are not permitted",
        ),
        ("stage", "prod", "stage\n  Extra inputs are not permitted"),
        ("outputs", {"ip": "127.0.0.1"}, r"outputs.ip\n  Extra inputs are not permitted"),
        ("revision", "one", "revision\n  Input should be a valid integer"),
        ("updated_at", "2026-01-01T12:00:00", "updated_at\n  Input should have timezone info"),
        ("operation", {"command": "run"}, r"operation.id\n  Field required"),
    ],
)
def test_invalid_data_of_an_environment_are_refused_with_the_field(
    field: str, value: object, message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        Environment.model_validate({**CREATED.model_dump(mode="json"), field: value})


@pytest.mark.parametrize("field", ["name", "revision", "state", "spec", "outputs", "operation", "since"])
def test_an_environment_never_changes(field: str) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(CREATED, field, getattr(CREATED, field))


def test_a_new_environment_is_created_at_its_first_revision() -> None:
    assert (CREATED.state, CREATED.revision, CREATED.operation) == (Created(), 1, None)
    assert CREATED.created_at == CREATED.updated_at == CREATED.since == AT


def test_expecting_the_current_state_returns_the_same_environment() -> None:
    assert CREATED.expect(Created) is CREATED
    assert CREATED.expect(Released, Created) is CREATED
    assert CREATED.expect(Released, Running, Created) is CREATED


def test_expecting_other_states_names_the_expected_and_the_current_state() -> None:
    with pytest.raises(UnexpectedState) as raised:
        CREATED.expect(Provisioned, ProvisionFailed)

    again = pickle.loads(pickle.dumps(raised.value))
    assert str(again) == "environment 'demo' is in state created, expected provisioned or provision_failed"
    assert (again.name, again.actual) == ("demo", "created")
    assert again.expected == ("provisioned", "provision_failed")


@pytest.mark.parametrize("state", STATES)
def test_the_condition_without_an_operation_is_the_state_and_its_failure(state: str) -> None:
    at = " (failed at: terraform_apply)" if state.endswith("_failed") else ""

    assert str(environment_in(state)) == f"Environment 'demo' is in state: {state}{at}"


@pytest.mark.parametrize("command", CommandName)
@pytest.mark.parametrize("state", STATES)
def test_the_condition_names_a_command_under_way_and_its_step(state: str, command: CommandName) -> None:
    between = environment_in(state, operation(command, "active"))
    at_step = environment_in(state, operation(command, "active", step="start_service", effects_begun=True))

    assert between.condition == f"{state} ({command} under way)"
    assert at_step.condition == f"{state} ({command} under way: step start_service)"


@pytest.mark.parametrize("command", [command for command in CommandName if command not in PARTLY])
@pytest.mark.parametrize("state", STATES)
def test_the_condition_names_a_failed_command(state: str, command: CommandName) -> None:
    failed = environment_in(state, operation(command, "failed")).condition
    interrupted = environment_in(state, operation(command, "interrupted")).condition

    if state.endswith("_failed"):
        assert failed == f"{state} (failed at: terraform_apply)"
        assert interrupted == f"{state} (interrupted at: terraform_apply)"
    else:
        assert failed == f"{state} ({command} failed at stop_service)"
        assert interrupted == f"{state} ({command} interrupted at stop_service)"


@pytest.mark.parametrize(("command", "partly"), PARTLY.items())
@pytest.mark.parametrize("state", STATES)
def test_the_condition_of_a_failed_end_is_the_same_in_every_state(
    state: str, command: CommandName, partly: str
) -> None:
    for status in ("failed", "interrupted"):
        harmless = environment_in(state, operation(command, status))
        begun = environment_in(state, operation(command, status, effects_begun=True))

        assert harmless.condition == f"{state}, {command} {status} at stop_service"
        assert begun.condition == f"{state}, {command} {status} at stop_service: {partly}"


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("state", STATES)
def test_a_summary_agrees_with_its_environment(state: str, name: str) -> None:
    environment = environment_in(state, OPERATIONS[name])

    summary = Summary.of(environment)

    assert (summary.condition, summary.is_error) == (environment.condition, environment.is_error)


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("state", STATES)
def test_the_facts_for_guards_follow_from_the_operation(state: str, name: str) -> None:
    environment = environment_in(state, OPERATIONS[name])
    torn = name.startswith("destroy") and name.endswith("at a step")
    partly = name.startswith(("stop", "destroy")) and name.endswith("at a step") and "active" not in name

    assert environment.teardown_begun == torn
    assert environment.run_under_way == name.startswith("run active")
    assert environment.is_error == (state.endswith("_failed") or partly)
    if torn and state != "destroyed":
        assert Lifecycle.bound(Subject.of(environment)).enabled() == ("destroy",)


def test_the_failure_of_the_operation_precedes_that_of_the_state() -> None:
    destroy = operation(CommandName.DESTROY, "failed")

    assert environment_in("provision_failed", destroy).failure == destroy.failure
    assert environment_in("running", destroy).failure == destroy.failure
    assert environment_in("provision_failed").failure == failure("terraform_apply")
    assert environment_in("running").failure is None


def test_entering_a_state_raises_the_revision_and_sets_its_time() -> None:
    entered = CREATED.entering(Running(), at=LATER)

    assert (entered.revision, entered.updated_at, entered.since) == (2, LATER, LATER)
    assert (entered.created_at, entered.lineage, entered.spec) == (AT, CREATED.lineage, CREATED.spec)
    assert entered.operation is None


def test_other_changes_raise_the_revision_and_keep_the_time_of_the_state() -> None:
    other = CREATED.spec.model_copy(update={"description": "other"})
    active = operation(CommandName.PROVISION, "active")

    for changed in (CREATED.with_spec(other, at=LATER), CREATED.with_operation(active, at=LATER)):
        assert (changed.revision, changed.updated_at, changed.since) == (2, LATER, AT)
        assert changed.state is CREATED.state


def test_steps_keep_the_revision_and_all_times() -> None:
    environment = CREATED.with_operation(operation(CommandName.PROVISION, "active"), at=AT)
    begun = environment.with_intent(StepInHand(name="a", number=1, of=1, started_at=LATER))
    finished = begun.with_result(StepResult(name="a", version=1, digest="0", outputs={"port": 80}))

    for changed in (begun, finished, begun.without_step("a")):
        assert (changed.revision, changed.updated_at) == (environment.revision, AT)
    assert finished.outputs == Outputs(port=80)


def test_outputs_of_steps_accumulate_and_details_are_merged() -> None:
    outputs = Outputs(port=8000, url="http://x", details={"pid": 1, "log": "a"})

    updated = outputs.updated({"url": None, "details": {"pid": 2, "token": "t"}})

    assert updated == Outputs(port=8000, url=None, details={"pid": 2, "log": "a", "token": "t"})
    assert outputs.details == {"pid": 1, "log": "a"}
    assert outputs.updated({}) is outputs


@pytest.mark.parametrize(
    ("updates", "message"),
    [
        ({"ip": "127.0.0.1"}, "ip\n  Extra inputs are not permitted"),
        ({"port": "http"}, "port\n  Input should be a valid integer"),
        ({"details": "none"}, "details\n  Input should be a valid dictionary"),
        ({"details": None}, "details\n  Input should be a valid dictionary"),
    ],
)
def test_an_unknown_output_is_refused_and_named(updates: dict[str, JsonValue], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Outputs().updated(updates)
