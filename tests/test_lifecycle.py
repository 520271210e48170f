"""Compare the lifecycle with the agreed table, copied here by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from loguru import logger

from environments.execution.transitions import EnvironmentLedger
from environments.lifecycle import Lifecycle, Subject
from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment, Outputs
from environments.model.failure import Failure, FailureCause
from environments.model.operation import Applied
from environments.model.records import TransitionRecord
from environments.model.states import EnvironmentState, enter
from environments.ports import EnvironmentRepository, Session
from environments.testing import FixedClock
from statechart import InvalidTransition, LeaseLost, Transition
from statechart.firing import fire_on
from statechart.graph import edges, events, lints, states
from statechart.holder import Holder
from statechart.testing import Cell, Path

TABLE: dict[str, dict[str, str]] = {
    "created": {"provision": "provisioning", "register": "provisioned", "destroy": "destroyed"},
    "provisioning": {"complete": "provisioned", "fail": "provision_failed", "destroy": "destroyed"},
    "provisioned": {"provision": "provisioning", "configure": "configuring", "destroy": "destroyed"},
    "configuring": {"complete": "configured", "fail": "configure_failed", "destroy": "destroyed"},
    "configured": {
        "provision": "provisioning",
        "configure": "configuring",
        "release": "releasing",
        "destroy": "destroyed",
    },
    "releasing": {"complete": "released", "fail": "release_failed", "destroy": "destroyed"},
    "released": {
        "provision": "provisioning",
        "configure": "configuring",
        "release": "releasing",
        "run": "running",
        "fail": "run_failed",
        "destroy": "destroyed",
    },
    "running": {
        "provision": "provisioning",
        "configure": "configuring",
        "release": "releasing",
        "run": "running",
        "stop": "released",
        "fail": "run_failed",
        "destroy": "destroyed",
    },
    "destroyed": {},
    "provision_failed": {"provision": "provisioning", "destroy": "destroyed"},
    "configure_failed": {"provision": "provisioning", "configure": "configuring", "destroy": "destroyed"},
    "release_failed": {
        "provision": "provisioning",
        "configure": "configuring",
        "release": "releasing",
        "destroy": "destroyed",
    },
    "run_failed": {
        "provision": "provisioning",
        "configure": "configuring",
        "release": "releasing",
        "run": "running",
        "stop": "released",
        "fail": "run_failed",
        "destroy": "destroyed",
    },
}
EVENTS = ("provision", "register", "configure", "release", "run", "stop", "complete", "fail", "destroy")
ONLY_WHILE_A_RUN_IS_UNDER_WAY = {("released", "fail"), ("run_failed", "fail")}
ONLY_ON_HOSTS_OF_OUR_OWN = {
    (state, "provision")
    for state in TABLE.keys() - {"created", "provision_failed"}
    if "provision" in TABLE[state]
}
TRANSITIONS = [(state, event, target) for state, row in TABLE.items() for event, target in row.items()]
FACTS = [
    pytest.param(
        {"teardown_begun": torn, "run_under_way": run, "adopted": adopted},
        id=" ".join(
            ("teardown begun" if torn else "intact", "run under way" if run else "no run")
            + (("adopted",) if adopted else ())
        ),
    )
    for torn, run, adopted in product((False, True), repeat=3)
]

SUCCESS = "created provisioning provisioned configuring configured releasing released running destroyed"
ERROR = "provision_failed configure_failed release_failed run_failed"
IN_PROGRESS = "provisioning configuring releasing"
TERMINAL = "running destroyed provision_failed configure_failed release_failed run_failed"
FINAL = "destroyed"


def expected(state: str, event: str, facts: dict[str, bool]) -> str | None:
    if facts["teardown_begun"] and event != "destroy":
        return None
    if (state, event) in ONLY_WHILE_A_RUN_IS_UNDER_WAY and not facts["run_under_way"]:
        return None
    if (state, event) in ONLY_ON_HOSTS_OF_OUR_OWN and facts["adopted"]:
        return None
    return TABLE[state].get(event)


class Committed:
    """A commit that only remembers its transitions."""

    def __init__(self) -> None:
        self.transitions: list[Transition] = []

    @property
    def committed(self) -> bool:
        return bool(self.transitions)

    def __call__(self, transition: Transition) -> dict[str, object]:
        self.transitions.append(transition)
        return {}


@pytest.mark.parametrize("facts", FACTS)
@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("state", TABLE)
def test_each_cell_matches_the_table(state: str, event: str, facts: dict[str, bool]) -> None:
    commit = Committed()
    machine = Lifecycle.bound(Subject("demo", EnvironmentState(state), **facts), commit=commit)
    target = expected(state, event, facts)

    if target is None:
        with pytest.raises(InvalidTransition):
            machine.fire(Lifecycle.event(event))
        assert (commit.transitions, machine.model.state) == ([], state)
    else:
        transition = machine.fire(Lifecycle.event(event))
        assert (transition.from_state, transition.event, transition.to_state) == (state, event, target)
        assert (commit.transitions, machine.model.state) == ([transition], target)


@pytest.mark.parametrize("facts", FACTS)
@pytest.mark.parametrize("state", TABLE)
def test_the_enabled_events_of_a_state_are_its_row(state: str, facts: dict[str, bool]) -> None:
    enabled = Lifecycle.bound(Subject("demo", EnvironmentState(state), **facts)).enabled()

    assert enabled == tuple(event for event in EVENTS if expected(state, event, facts))


def test_the_chart_declares_the_table_and_nothing_else() -> None:
    assert sorted((edge.source, edge.event, edge.target) for edge in edges(Lifecycle)) == sorted(
        TRANSITIONS
    )
    assert len(TRANSITIONS) == 48
    assert events(Lifecycle) == EVENTS
    assert lints(Lifecycle) == ()


def test_all_edges_but_those_of_destroy_are_guarded_by_intact() -> None:
    guards = {(edge.source, edge.event): edge.guards for edge in edges(Lifecycle)}

    for (state, event), found in guards.items():
        run = ("run_attempted",) if (state, event) in ONLY_WHILE_A_RUN_IS_UNDER_WAY else ()
        own = ("not_adopted",) if (state, event) in ONLY_ON_HOSTS_OF_OUR_OWN else ()
        assert found == (() if event == "destroy" else ("intact", *run, *own))


def test_thirteen_states_have_one_name_everywhere() -> None:
    assert len(EnvironmentState) == 13
    assert set(states(Lifecycle)) == {str(state) for state in EnvironmentState} == set(TABLE)
    for declared in Lifecycle.states:
        assert declared.id == declared.value == declared.name == EnvironmentState(declared.value)


@pytest.mark.parametrize(
    ("question", "states_that_are"),
    [
        ("is_success", SUCCESS),
        ("is_error", ERROR),
        ("is_in_progress", IN_PROGRESS),
        ("is_terminal", TERMINAL),
        ("is_final", FINAL),
    ],
)
@pytest.mark.parametrize("state", EnvironmentState)
def test_a_state_knows_its_kind(state: EnvironmentState, question: str, states_that_are: str) -> None:
    assert getattr(state, question) is (state.value in states_that_are.split())


def test_the_final_states_of_the_chart_match_the_types() -> None:
    assert [state.value for state in Lifecycle.final_states] == [EnvironmentState.DESTROYED]
    assert Lifecycle.initial_state is not None
    assert Lifecycle.initial_state.value is EnvironmentState.CREATED


@pytest.mark.parametrize(
    ("subject", "event", "message"),
    [
        (
            Subject("demo", EnvironmentState.CREATED),
            "configure",
            "cannot configure 'demo' in state created: allowed now are provision, register, destroy",
        ),
        (
            Subject("demo", EnvironmentState.RUNNING, teardown_begun=True),
            "release",
            "cannot release 'demo' in state running: a teardown has begun, and only destroy may follow; "
            "allowed now is destroy",
        ),
        (
            Subject("demo", EnvironmentState.RELEASED),
            "fail",
            "cannot fail 'demo' in state released: no run is under way that could fail; "
            "allowed now are provision, configure, release, run, destroy",
        ),
        (
            Subject("demo", EnvironmentState.RUNNING, adopted=True),
            "provision",
            "cannot provision 'demo' in state running: the host was not created by envchart, which does "
            "not change the infrastructure of such hosts; "
            "allowed now are configure, release, run, stop, fail, destroy",
        ),
        (
            Subject("demo", EnvironmentState.DESTROYED),
            "destroy",
            "cannot destroy 'demo' in state destroyed: allowed now is nothing",
        ),
    ],
)
def test_a_refusal_names_the_reason_and_the_allowed_events(
    subject: Subject, event: str, message: str
) -> None:
    with pytest.raises(InvalidTransition) as caught:
        Lifecycle.bound(subject).fire(Lifecycle.event(event))

    assert str(caught.value) == message


@pytest.fixture
def log() -> Iterator[list[Any]]:
    lines: list[Any] = []
    sink = logger.add(lambda message: lines.append(message.record), level="DEBUG", format="{message}")
    logger.enable("environments")
    yield lines
    logger.disable("environments")
    logger.remove(sink)


def next_value(clock: FixedClock, environment: AnyEnvironment, state: EnvironmentState) -> AnyEnvironment:
    failure = Failure(
        command=CommandName.RUN,
        step="start_service",
        cause=FailureCause.COMMAND_EXECUTION,
        summary="it exited at once",
        started_at=clock.now(),
        failed_at=clock.now(),
        duration=timedelta(0),
        trace_id="op-1",
    )
    entered = enter(state, failure if state.is_error else None)
    return environment.entering(entered, at=clock.now())


class TriedRun(EnvironmentLedger):
    """A ledger whose model says that a run is under way, so that `fail` is allowed where runs start."""

    def model(self) -> Subject:
        return replace(super().model(), run_under_way=True)


def fire_on_record(session: Session, clock: FixedClock, event: str) -> None:
    def evolve(environment: AnyEnvironment, transition: Transition) -> AnyEnvironment:
        return next_value(clock, environment, EnvironmentState(transition.to_state))

    fire_on(TriedRun(session, "op-1"), Lifecycle, Lifecycle.event(event), evolve)


@pytest.mark.parametrize("edge", TRANSITIONS, ids=" ".join)
def test_each_transition_is_recorded(
    edge: tuple[str, str, str], place: Any, repository: EnvironmentRepository, clock: FixedClock
) -> None:
    state, event, target = edge
    place(state)

    with repository.open("demo", Holder.current("test")) as session:
        fire_on_record(session, clock, event)

    record = repository.history("demo")[-1].record
    assert isinstance(record, TransitionRecord)
    assert (record.from_state, record.event, record.to_state) == edge
    assert repository.load("demo").state.name == target


@pytest.mark.parametrize("edge", TRANSITIONS, ids=" ".join)
def test_each_transition_writes_a_log_line_about_the_environment(
    edge: tuple[str, str, str],
    place: Any,
    repository: EnvironmentRepository,
    clock: FixedClock,
    log: list[Any],
) -> None:
    state, event, target = edge
    placed = place(state)
    with repository.open("demo", Holder.current("test")) as session:
        fire_on_record(session, clock, event)

    (line,) = [line for line in log if line["level"].name == "INFO"]
    assert line["message"] == "Environment state transition"
    assert line["extra"].pop("duration_ms") >= 0
    assert line["extra"] == {
        "environment_name": "demo",
        "instance_name": "envchart-demo",
        "event": event,
        "from_state": state,
        "to_state": target,
        "revision": placed.revision + 1,
        "operation_id": "op-1",
        "trace_id": "op-1",
    }


def test_leaving_a_state_logs_its_duration(log: list[Any]) -> None:
    since = datetime.now(UTC) - timedelta(hours=3)

    Lifecycle.bound(Subject("demo", EnvironmentState.RUNNING, since=since)).fire(Lifecycle.release)

    (line,) = [line for line in log if line["level"].name == "DEBUG"]
    assert (line["message"], line["extra"]["state"]) == ("Leaving state", "running")
    assert line["extra"]["lasted_s"] == pytest.approx(3 * 3600, abs=60)


def test_a_transition_that_the_storage_refuses_is_neither_recorded_nor_logged(
    place: Any, repository: EnvironmentRepository, clock: FixedClock, log: list[Any]
) -> None:
    placed = place("created")
    session = repository.open("demo", Holder.current("test"))
    session.close()

    with pytest.raises(LeaseLost):
        fire_on_record(session, clock, "provision")

    assert repository.load("demo") == placed
    assert [line for line in log if line["level"].name == "INFO"] == []


def test_the_engines_own_name_does_not_show_the_lines_of_environments(log: list[Any]) -> None:
    logger.disable("environments")
    logger.enable("statechart")
    try:
        Lifecycle.bound(Subject("demo", EnvironmentState.CREATED)).fire(Lifecycle.provision)
    finally:
        logger.disable("statechart")

    assert log == []


def test_a_subject_holds_the_facts_of_an_environment(place: Any) -> None:
    placed = place("released")

    assert Subject.of(placed) == Subject("demo", EnvironmentState.RELEASED, since=placed.since)


def test_a_host_is_adopted_if_it_is_not_ours_and_was_never_provisioned(place: Any) -> None:
    placed = place("running")
    theirs = placed.model_copy(update={"outputs": Outputs(owned=False)})
    provisioned = {CommandName.PROVISION: Applied(revision=3)}

    assert not Subject.of(placed).adopted
    assert Subject.of(theirs).adopted
    assert not Subject.of(theirs.model_copy(update={"applied": provisioned})).adopted


def test_the_chart_can_be_tried_out_without_an_environment() -> None:
    chart = Lifecycle()

    chart.fire(Lifecycle.provision)
    chart.fire(Lifecycle.complete)

    assert chart.model.state is EnvironmentState.PROVISIONED
    with pytest.raises(InvalidTransition, match="cannot run in state provisioned: allowed now are"):
        chart.fire(Lifecycle.run)


@pytest.mark.statechart_paths(Lifecycle, cover="edge-pairs", model=lambda: Subject(run_under_way=True))
def test_every_two_transitions_that_can_follow_on_each_other_do(path: Path) -> None:
    assert path.drive().state == path.states[-1]


@pytest.mark.statechart_matrix(chart=Lifecycle)
def test_every_event_in_every_state_does_what_is_declared(cell: Cell) -> None:
    cell.check()
