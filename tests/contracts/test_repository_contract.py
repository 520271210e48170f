"""What every EnvironmentRepository has to do, over each one that there is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from environments.environment import AnyEnvironment, Environment
from environments.errors import InvalidName
from environments.failure import CommandName
from environments.operation import Operation, StepInHand, StepResult
from environments.ports import EnvironmentRepository, Session
from environments.records import (
    AmendedRecord,
    CreatedRecord,
    OperationRecord,
    StepRecord,
    TransitionRecord,
)
from environments.spec import EnvironmentSpec
from environments.states import Created, Provisioned, Provisioning
from environments.summary import Summary
from environments.testing import FixedClock, ScriptedSpec
from statechart.errors import AlreadyExists, LeaseLost, Locked, NotFound, Stale, StorageError
from statechart.holder import Holder

ANN = Holder.current("ann's command")
BEN = Holder.current("ben's command")
AT = FixedClock().now()
OPERATION = Operation(id="op-1", command=CommandName.PROVISION, started_at=AT, holder=ANN)
INTENT = StepRecord(
    phase="intent", step="one", intent=StepInHand(name="one", number=1, of=2, started_at=AT)
)
RESULT = StepRecord(
    phase="result",
    step="one",
    result=StepResult(name="one", version=1, digest="d", outputs={"port": 81, "details": {"a": [1, None]}}),
)
FAILURE = StepRecord(phase="failure", step="one", summary="no route to host")


@pytest.fixture
def repository(any_repository: EnvironmentRepository) -> EnvironmentRepository:
    return any_repository


def new(name: str) -> Environment[Created]:
    return Environment.new(EnvironmentSpec(name=name, provider=ScriptedSpec(), description="für Ann"), AT)


def start(environment: AnyEnvironment) -> TransitionRecord:
    entered = environment.entering(Provisioning(), at=AT, operation=OPERATION)
    return TransitionRecord(
        event="provision",
        from_state="created",
        to_state="provisioning",
        reason="asked",
        environment=entered,
    )


def finish(environment: AnyEnvironment) -> TransitionRecord:
    entered = environment.entering(Provisioned(), at=AT)
    return TransitionRecord(
        event="complete", from_state="provisioning", to_state="provisioned", environment=entered
    )


def amend(environment: AnyEnvironment) -> AmendedRecord:
    spec = environment.spec.model_copy(update={"description": "for Ben"})
    return AmendedRecord(fields=("description",), environment=environment.with_spec(spec, at=AT))


def opened(environment: AnyEnvironment) -> OperationRecord:
    return OperationRecord(change="opened", environment=environment.with_operation(OPERATION, at=AT))


def provision(repository: EnvironmentRepository) -> list[CreatedRecord | TransitionRecord | StepRecord]:
    """Commit a whole provisioning of demo and return its records."""
    with repository.open("demo", ANN) as session:
        created = CreatedRecord(environment=session.environment)
        begun = start(session.environment)
        session.commit(begun)
        session.append_step(INTENT)
        session.append_step(RESULT)
        ended = finish(session.environment)
        session.commit(ended)
    return [created, begun, INTENT, RESULT, ended]


def test_what_is_created_can_be_loaded(repository: EnvironmentRepository) -> None:
    environment = new("demo")

    assert repository.create(environment) == environment
    assert repository.load("demo") == environment


def test_a_name_is_taken_once(repository: EnvironmentRepository) -> None:
    first = repository.create(new("demo"))

    with pytest.raises(AlreadyExists, match="'demo' exists already"):
        repository.create(new("demo"))

    assert repository.load("demo") == first


def test_of_many_creators_at_once_one_succeeds(repository: EnvironmentRepository) -> None:
    at_once = threading.Barrier(4)
    ended: list[object] = []

    def create() -> None:
        at_once.wait()
        try:
            ended.append(repository.create(new("demo")))
        except AlreadyExists as error:
            ended.append(error)

    in_threads(create, 4)

    assert [type(each) for each in ended].count(AlreadyExists) == 3
    assert repository.load("demo") in ended


def test_names_are_sorted_and_known(repository: EnvironmentRepository) -> None:
    assert repository.names() == []

    for name in ("b", "a", "c1"):
        repository.create(new(name))

    assert repository.names() == ["a", "b", "c1"]
    assert (repository.exists("a"), repository.exists("d")) == (True, False)


@pytest.mark.parametrize(
    "ask",
    [
        lambda repository: repository.load("nobody"),
        lambda repository: repository.open("nobody", ANN),
        lambda repository: repository.open("nobody", ANN, timeout=5),
        lambda repository: repository.history("nobody"),
        lambda repository: repository.delete(new("nobody")),
    ],
    ids=["load", "open", "open and wait", "history", "delete"],
)
def test_what_is_not_there_is_not_found(
    repository: EnvironmentRepository, ask: Callable[[EnvironmentRepository], object]
) -> None:
    with pytest.raises(NotFound, match="nobody"):
        ask(repository)

    assert repository.names() == []


@pytest.mark.parametrize("name", ["", "../demo", "Demo", "a/b", ".locks"])
def test_a_name_that_is_none_is_refused_wherever_it_comes_in(
    repository: EnvironmentRepository, name: str
) -> None:
    for ask in (
        repository.load,
        repository.exists,
        repository.history,
        lambda name: repository.open(name, ANN),
    ):
        with pytest.raises(InvalidName):
            ask(name)


def test_a_session_has_what_is_on_record(
    repository: EnvironmentRepository, created: Environment[Created]
) -> None:
    with repository.open("demo", ANN) as session:
        assert session.environment == created
        assert (session.crashed, session.released_by, list(session.notes)) == (None, None, [])


def test_an_environment_has_one_holder(
    repository: EnvironmentRepository, created: Environment[Created]
) -> None:
    with repository.open("demo", ANN), pytest.raises(Locked, match="ann's command") as locked:
        repository.open("demo", BEN)

    assert locked.value.holder == ANN
    repository.open("demo", BEN).close()


def test_another_environment_is_free(
    repository: EnvironmentRepository, created: Environment[Created]
) -> None:
    repository.create(new("other"))

    with repository.open("demo", ANN), repository.open("other", BEN) as other:
        assert other.environment.name == "other"


def test_the_holder_is_known_while_it_holds(
    repository: EnvironmentRepository, created: Environment[Created]
) -> None:
    assert repository.holder("demo") is None

    with repository.open("demo", ANN):
        assert repository.holder("demo") == ANN

    assert repository.holder("demo") is None


def test_an_error_in_a_session_lets_others_in(
    repository: EnvironmentRepository, created: Environment[Created]
) -> None:
    with pytest.raises(RuntimeError), repository.open("demo", ANN):
        raise RuntimeError

    assert repository.holder("demo") is None


def test_opening_waits_for_another_holder(
    repository: EnvironmentRepository, created: Environment[Created]
) -> None:
    session = repository.open("demo", ANN)
    threading.Timer(0.05, session.close).start()

    with repository.open("demo", BEN, timeout=5):
        assert repository.holder("demo") == BEN


def test_waiting_ends_after_its_time(
    repository: EnvironmentRepository, created: Environment[Created]
) -> None:
    with repository.open("demo", ANN):
        asked = time.monotonic()
        with pytest.raises(Locked):
            repository.open("demo", BEN, timeout=0.05)

    assert 0.05 <= time.monotonic() - asked < 2


def test_threads_take_turns_and_lose_nothing(
    repository: EnvironmentRepository, created: Environment[Created]
) -> None:
    def amend_often() -> None:
        for _ in range(5):
            with repository.open("demo", Holder.current(), timeout=10) as session:
                session.commit(amend(session.environment))

    in_threads(amend_often, 4)

    assert repository.load("demo").revision == 21
    assert [entry.seq for entry in repository.history("demo")] == list(range(1, 22))


def test_a_commit_is_the_next_revision_everywhere(
    repository: EnvironmentRepository, created: Environment[Created]
) -> None:
    with repository.open("demo", ANN) as session:
        record = start(created)
        session.commit(record)

        assert session.environment == repository.load("demo") == record.environment
    assert repository.load("demo").revision == 2


def test_the_next_session_goes_on_from_there(
    repository: EnvironmentRepository, created: Environment[Created]
) -> None:
    provision(repository)

    with repository.open("demo", BEN) as session:
        session.commit(amend(session.environment))

    assert repository.load("demo").spec.description == "for Ben"
    assert repository.load("demo").revision == 4


@pytest.mark.parametrize("by", [-1, 1, 5])
def test_a_commit_to_another_revision_is_stale_and_writes_nothing(
    repository: EnvironmentRepository, created: Environment[Created], by: int
) -> None:
    elsewhere = created.model_copy(update={"revision": created.revision + by})

    with repository.open("demo", ANN) as session:
        with pytest.raises(Stale) as stale:
            session.commit(start(elsewhere))
        assert session.environment == created

    assert (stale.value.expected, stale.value.actual) == (1 + by, 1)
    assert repository.load("demo") == created
    assert len(repository.history("demo")) == 1


def test_a_commit_of_another_incarnation_is_stale_and_writes_nothing(
    repository: EnvironmentRepository, created: Environment[Created]
) -> None:
    with repository.open("demo", ANN) as session:
        with pytest.raises(Stale, match="created anew") as stale:
            session.commit(start(new("demo")))
        session.commit(start(session.environment))

    assert stale.value.replaced
    assert len(repository.history("demo")) == 2


@pytest.mark.parametrize(
    "write",
    [
        lambda session: session.check(),
        lambda session: session.commit(start(session.environment)),
        lambda session: session.append_step(INTENT),
    ],
    ids=["check", "commit", "append_step"],
)
def test_a_closed_session_has_lost_its_lease(
    repository: EnvironmentRepository, created: Environment[Created], write: Callable[[Session], None]
) -> None:
    session = repository.open("demo", ANN)
    session.commit(opened(session.environment))
    session.check()
    session.close()
    session.close()

    with repository.open("demo", BEN), pytest.raises(LeaseLost):
        write(session)

    assert len(repository.history("demo")) == 2


def test_a_step_keeps_the_revision_and_is_seen_without_a_lock(
    repository: EnvironmentRepository, created: Environment[Created]
) -> None:
    with repository.open("demo", ANN) as session:
        session.commit(start(session.environment))
        session.append_step(INTENT)

        seen = repository.load("demo")
        assert seen == session.environment
        assert (seen.revision, seen.operation.step) == (2, INTENT.intent)
        assert seen.condition == "provisioning (provision under way: step one)"


def test_a_result_leaves_its_outputs(
    repository: EnvironmentRepository, created: Environment[Created]
) -> None:
    with repository.open("demo", ANN) as session:
        session.commit(start(session.environment))
        session.append_step(INTENT)
        session.append_step(RESULT)

        seen = repository.load("demo")
    assert (seen.operation.step, seen.operation.steps_done) == (None, (RESULT.result,))
    assert (seen.outputs.port, seen.outputs.details) == (81, {"a": [1, None]})


def test_a_failed_step_is_not_in_hand_any_more(
    repository: EnvironmentRepository, created: Environment[Created]
) -> None:
    with repository.open("demo", ANN) as session:
        session.commit(start(session.environment))
        session.append_step(INTENT)
        session.append_step(FAILURE)

    operation = repository.load("demo").operation
    assert (operation.step, operation.steps_done, operation.effects_begun) == (None, (), True)


def test_steps_that_nobody_committed_after_are_there_on_opening(
    repository: EnvironmentRepository, created: Environment[Created]
) -> None:
    with repository.open("demo", ANN) as session:
        session.commit(start(session.environment))
        session.append_step(INTENT)
        left = session.environment

    with repository.open("demo", BEN) as session:
        assert session.environment == left
        session.append_step(RESULT)

    assert repository.load("demo").outputs.port == 81


def test_history_has_all_records_typed_and_in_order(
    repository: EnvironmentRepository, created: Environment[Created]
) -> None:
    records = provision(repository)

    history = repository.history("demo")

    assert [entry.record for entry in history] == records
    assert [entry.seq for entry in history] == [1, 2, 3, 4, 5]
    assert [entry.revision for entry in history] == [1, 2, 2, 2, 3]
    assert [entry.operation_id for entry in history] == [None, "op-1", "op-1", "op-1", "op-1"]
    assert {entry.actor for entry in history} == {ANN.user}


@pytest.mark.parametrize("make", [start, amend, opened])
def test_a_record_comes_back_as_it_was(
    repository: EnvironmentRepository,
    created: Environment[Created],
    make: Callable[[AnyEnvironment], TransitionRecord],
) -> None:
    record = make(created)
    with repository.open("demo", ANN) as session:
        session.commit(record)

    assert repository.history("demo")[-1].record == record


def test_summaries_say_what_loading_says(
    repository: EnvironmentRepository, created: Environment[Created]
) -> None:
    repository.create(new("a"))
    with repository.open("demo", ANN) as session:
        session.commit(start(session.environment))
        session.append_step(INTENT)

        summaries = list(repository.summaries())

    assert [summary.name for summary in summaries] == ["a", "demo"]
    for summary in summaries:
        loaded = repository.load(summary.name)
        assert isinstance(summary, Summary)
        assert (summary.condition, summary.revision) == (loaded.condition, loaded.revision)
        assert (summary.operation, summary.since) == (loaded.operation, loaded.since)


def test_no_environments_have_no_summaries(repository: EnvironmentRepository) -> None:
    assert list(repository.summaries()) == []


def test_a_deleted_environment_frees_its_name(
    repository: EnvironmentRepository, created: Environment[Created]
) -> None:
    repository.delete(created)

    assert (repository.exists("demo"), repository.names(), list(repository.summaries())) == (False, [], [])
    again = repository.create(new("demo"))
    assert repository.load("demo") == again
    assert len(repository.history("demo")) == 1


def test_what_changed_since_is_not_deleted(
    repository: EnvironmentRepository, created: Environment[Created]
) -> None:
    provision(repository)

    with pytest.raises(Stale):
        repository.delete(created)

    assert repository.load("demo").revision == 3


def test_a_successor_of_the_same_name_is_not_deleted(
    repository: EnvironmentRepository, created: Environment[Created]
) -> None:
    repository.delete(created)
    again = repository.create(new("demo"))

    with pytest.raises(Stale, match="created anew"):
        repository.delete(created)

    assert repository.load("demo") == again


def test_what_is_held_is_not_deleted(
    repository: EnvironmentRepository, created: Environment[Created]
) -> None:
    with repository.open("demo", ANN), pytest.raises(Locked):
        repository.delete(created)

    assert repository.load("demo") == created


def test_a_deleted_environment_takes_its_files_along(
    repository: EnvironmentRepository, created: Environment[Created]
) -> None:
    (repository.directory("demo") / "built").write_text("by the provider")

    repository.delete(created)

    repository.create(new("demo"))
    assert not (repository.directory("demo") / "built").exists()


def test_each_environment_has_a_directory_of_its_own(
    repository: EnvironmentRepository, created: Environment[Created]
) -> None:
    repository.create(new("other"))
    ours, other = repository.directory("demo"), repository.directory("other")

    assert ours.is_dir()
    assert ours.stat().st_mode & 0o777 == 0o700
    assert ours != other
    assert repository.directory("demo") == ours


def test_traces_are_kept_below_the_directory_and_never_overwritten(
    repository: EnvironmentRepository, created: Environment[Created]
) -> None:
    with repository.open("demo", ANN) as session:
        assert session.write_trace("a.log", "what happened") == "traces/a.log"
        assert session.write_trace("b.log", "and again") == "traces/b.log"
        with pytest.raises(StorageError):
            session.write_trace("a.log", "something else")


def in_threads(work: Callable[[], None], count: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_who_let_go_in_order_is_known_to_the_next(repository: EnvironmentRepository) -> None:
    repository.create(new("demo"))
    repository.open("demo", ANN).close()

    with repository.open("demo", BEN) as session:
        assert session.released_by is not None
        assert (session.released_by.token, session.crashed) == (ANN.token, None)
