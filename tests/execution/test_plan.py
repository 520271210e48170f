from __future__ import annotations

from collections.abc import Callable

import pytest

from environments.errors import OperationInterrupted, UnreachableTarget
from environments.execution.plan import plan, sources
from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment, Environment
from environments.model.operation import OperationStatus
from environments.model.states import Created, EnvironmentState
from environments.ports import EnvironmentRepository

# From each state: the commands to created, provisioned, configured, released, running.
# A dash is for nothing to do, an x for a target that no plan leads to.
PLANS = {
    "created": ("-", "p", "p c", "p c r", "p c r run"),
    "provisioning": ("x", "x", "x", "x", "x"),
    "provisioned": ("x", "-", "c", "c r", "c r run"),
    "configuring": ("x", "x", "x", "x", "x"),
    "configured": ("x", "x", "-", "r", "r run"),
    "releasing": ("x", "x", "x", "x", "x"),
    "released": ("x", "x", "x", "-", "run"),
    "running": ("x", "x", "x", "x", "-"),
    "provision_failed": ("x", "p", "p c", "p c r", "p c r run"),
    "configure_failed": ("x", "p", "c", "c r", "c r run"),
    "release_failed": ("x", "p", "c", "r", "r run"),
    "run_failed": ("x", "p", "c", "r", "run"),
    "destroyed": ("x", "x", "x", "x", "x"),
}
TARGETS = ("created", "provisioned", "configured", "released", "running")
COMMANDS = {"p": "provision", "c": "configure", "r": "release", "run": "run"}
CELLS = [
    (state, target, planned)
    for state, row in PLANS.items()
    for target, planned in zip(TARGETS, row, strict=True)
]
ELSEWHERE = [state for state in EnvironmentState if state not in TARGETS]


def test_the_table_has_a_row_for_each_state() -> None:
    assert set(PLANS) == set(EnvironmentState)


@pytest.mark.parametrize(("state", "target", "planned"), CELLS)
def test_a_plan_is_the_fewest_commands_to_the_target(
    place: Callable[..., AnyEnvironment], state: str, target: str, planned: str
) -> None:
    environment = place(state)

    if planned == "x":
        with pytest.raises(UnreachableTarget) as refused:
            plan(environment, EnvironmentState(target))
        assert (refused.value.state, refused.value.target) == (state, target)
    else:
        expected = [COMMANDS[word] for word in planned.replace("-", "").split()]
        assert list(plan(environment, EnvironmentState(target))) == expected


@pytest.mark.parametrize("target", ELSEWHERE)
@pytest.mark.parametrize("state", EnvironmentState)
def test_states_off_the_path_cannot_be_targets(
    place: Callable[..., AnyEnvironment], state: EnvironmentState, target: EnvironmentState
) -> None:
    environment = place(state)

    if state is target:
        assert plan(environment, target) == ()
    else:
        with pytest.raises(UnreachableTarget):
            plan(environment, target)


def test_a_target_behind_is_refused_with_advice_to_destroy(
    place: Callable[..., AnyEnvironment],
) -> None:
    with pytest.raises(UnreachableTarget, match="lies behind; destroy, and create it again"):
        plan(place("running"), EnvironmentState.CONFIGURED)


def test_a_begun_teardown_has_no_plan(
    created: Environment[Created],
    crash: Callable[..., AnyEnvironment],
) -> None:
    crashed = crash("destroy", step="first_destroy")
    assert crashed.operation is not None
    failed = crashed.operation.model_copy(update={"status": OperationStatus.FAILED})
    torn = crashed.model_copy(update={"operation": failed})

    with pytest.raises(UnreachableTarget, match="only destroy may follow"):
        plan(torn, EnvironmentState.RUNNING)


def test_an_interrupted_command_has_no_plan(
    created: Environment[Created], crash: Callable[..., AnyEnvironment]
) -> None:
    crashed = crash("provision", "provisioning")

    with pytest.raises(OperationInterrupted):
        plan(crashed, EnvironmentState.RUNNING)


def test_planning_changes_nothing(repository: EnvironmentRepository, created: Environment[Created]) -> None:
    before = created.model_dump_json(), len(repository.history("demo"))

    assert plan(created, EnvironmentState.RUNNING) == plan(created, EnvironmentState.RUNNING)
    assert (created.model_dump_json(), len(repository.history("demo"))) == before


def test_each_command_starts_from_the_states_of_the_chart() -> None:
    ready = {"configured", "release_failed", "released", "run_failed", "running"}

    assert {command: sorted(sources(command)) for command in CommandName} == {
        "provision": sorted({"created", "provision_failed", "provisioned", "configure_failed", *ready}),
        "register": ["created"],
        "configure": sorted({"provisioned", "configure_failed", *ready}),
        "release": sorted(ready),
        "run": ["released", "run_failed", "running"],
        "stop": ["run_failed", "running"],
        "destroy": sorted(set(EnvironmentState) - {"destroyed"}),
    }
