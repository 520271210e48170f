"""The plan follows from the state, the differences and the target."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from environments import (
    CommandName,
    Difference,
    Drift,
    DriftKind,
    EnvironmentState,
    HostOutOfReach,
    Plan,
    ResourcesGone,
    UnreachableTarget,
)
from environments.convergence.plan import make_plan
from environments.model.environment import AnyEnvironment
from environments.model.failure import Failure, FailureCause
from environments.model.operation import Operation, OperationStatus
from environments.testing import FixedClock
from statechart.holder import Holder

PATH = [CommandName.PROVISION, CommandName.CONFIGURE, CommandName.RELEASE, CommandName.RUN]
WORDS = dict(zip("pcrx", PATH, strict=True))
KINDS = {
    "p": DriftKind.RESOURCE_ALTERED,
    "c": DriftKind.CONFIGURATION_CHANGED,
    "r": DriftKind.RELEASE_OUTDATED,
    "x": DriftKind.SERVICE_DOWN,
}
# From each state: the first command without a difference, and with one that provision, configure,
# release or run ends. The commands after it follow in order. A dash is for nothing to do.
FIRST = {
    "created": "ppppp",
    "provision_failed": "ppppp",
    "provisioned": "cpccc",
    "configure_failed": "cpccc",
    "configured": "rpcrr",
    "release_failed": "rpcrr",
    "released": "xpcrx",
    "run_failed": "xpcrx",
    "running": "-pcrx",
}


def difference(word: str) -> Difference:
    return Difference(KINDS[word], "it differs", mends=WORDS[word])


def planned(environment: AnyEnvironment, *found: Difference, to: str = "running") -> Plan:
    return make_plan(Drift(environment, found), EnvironmentState(to))


@pytest.mark.parametrize("state", FIRST)
def test_the_earliest_needed_command_begins_and_the_others_follow(
    place: Callable[..., AnyEnvironment], state: str
) -> None:
    environment = place(state)

    for word, first in zip(("", *WORDS), FIRST[state], strict=True):
        plan = planned(environment, *map(difference, word))

        assert list(plan) == (PATH[PATH.index(WORDS[first]) :] if first != "-" else []), word
        assert all(each.reasons for each in plan.commands)
        if word and first == word:
            assert "it differs" in plan.commands[0].reasons[0]
            assert not plan.commands[0].follows


def test_several_differences_give_their_reasons_to_their_commands(
    place: Callable[..., AnyEnvironment],
) -> None:
    file = Difference(DriftKind.CONFIGURE_OUTDATED, "settings.ini differs", mends=CommandName.CONFIGURE)

    plan = planned(place("running"), difference("c"), file, file, difference("x"))

    assert [(str(each.command), each.reasons, each.follows) for each in plan.commands] == [
        ("configure", ("settings.ini differs",), False),
        ("release", ("follows configure",), True),
        ("run", ("service down: it differs",), False),
    ]


def test_differences_beyond_the_target_need_no_command(place: Callable[..., AnyEnvironment]) -> None:
    released = place("released")

    assert not planned(released, difference("x"), to="released")
    assert list(planned(released, difference("c"), to="released")) == PATH[1:3]
    with pytest.raises(UnreachableTarget):
        planned(released, difference("p"), to="provisioned")


def test_a_failed_command_is_planned_with_its_failure(place: Callable[..., AnyEnvironment]) -> None:
    (run,) = planned(place("run_failed")).commands

    assert run.reasons[0].startswith("failed at ")


def test_a_stop_that_failed_in_the_middle_is_ended_by_run(
    place: Callable[..., AnyEnvironment], clock: FixedClock
) -> None:
    at = clock.now()
    operation = Operation(
        id="stopping",
        command=CommandName.STOP,
        status=OperationStatus.FAILED,
        started_at=at,
        holder=Holder.current("test"),
        effects_begun=True,
        failure=Failure(
            command=CommandName.STOP,
            step="stop_service",
            cause=FailureCause.TIMEOUT,
            summary="it hung",
            started_at=at,
            failed_at=at,
            duration=at - at,
            trace_id="stopping",
        ),
    )
    environment = place("running", operation)

    (run,) = planned(environment).commands
    assert (run.command, run.reasons) == (CommandName.RUN, ("stop failed at stop_service: it hung",))
    untouched = operation.model_copy(update={"effects_begun": False})
    assert not planned(environment.model_copy(update={"operation": untouched}))


def test_an_adopted_host_is_not_provisioned(place: Callable[..., AnyEnvironment]) -> None:
    environment = place("running")
    outputs = environment.outputs.model_copy(update={"owned": False})

    assert not planned(environment.model_copy(update={"outputs": outputs}), difference("p"))


def test_obstacles_are_refused(place: Callable[..., AnyEnvironment]) -> None:
    environment = place("running")

    for kind, error in (
        (DriftKind.HOST_GONE, ResourcesGone),
        (DriftKind.HOST_UNREACHABLE, HostOutOfReach),
        (DriftKind.HOST_HALF_DEAD, HostOutOfReach),
        (DriftKind.HOST_STRANGE, HostOutOfReach),
    ):
        plan = planned(environment, Difference(kind, "so it is"))
        with pytest.raises(error, match="so it is"):
            plan.require_feasible()


def test_a_plan_is_a_sequence_of_commands(place: Callable[..., AnyEnvironment]) -> None:
    plan = planned(place("configured"))

    assert (len(plan), plan[0], plan[-1:]) == (2, CommandName.RELEASE, (CommandName.RUN,))
    assert plan.name == "demo"
