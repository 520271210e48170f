"""The contract of an `EnvironmentRepository`, as tests.

class TestMine(EnvironmentRepositoryContract):
    @pytest.fixture
    def repository(self, tmp_path):
        return MyRepository(tmp_path)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from environments.errors import InvalidName
from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment, Environment
from environments.model.operation import Operation, StepInHand, StepResult
from environments.model.records import (
    AmendedRecord,
    CreatedRecord,
    OperationRecord,
    StepRecord,
    TransitionRecord,
)
from environments.model.spec import EnvironmentSpec
from environments.model.states import Created, Provisioned, Provisioning
from environments.model.summary import Summary
from environments.ports import EnvironmentRepository, Session
from environments.testing.doubles import FixedClock, ScriptedSpec
from statechart.errors import LeaseLost, NotFound, Stale, StorageError
from statechart.holder import Holder
from statechart.testing.repository_contract import ANN, BEN, Backend, RepositoryContract, in_threads

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


def new(name: str) -> Environment[Created]:
    """Return a new environment that is not recorded yet."""
    return Environment.new(
        EnvironmentSpec(name=name, provider=ScriptedSpec(), description="für Ann"), AT
    )  # not ASCII


def start(environment: AnyEnvironment) -> TransitionRecord:
    """Return the record of the start of provision."""
    entered = environment.entering(Provisioning(), at=AT, operation=OPERATION)
    return TransitionRecord(
        event="provision",
        from_state="created",
        to_state="provisioning",
        reason="asked",
        environment=entered,
    )


def finish(environment: AnyEnvironment) -> TransitionRecord:
    """Return the record of the end of provision."""
    entered = environment.entering(Provisioned(), at=AT)
    return TransitionRecord(
        event="complete", from_state="provisioning", to_state="provisioned", environment=entered
    )


def amend(environment: AnyEnvironment) -> AmendedRecord:
    """Return the record of a changed description."""
    spec = environment.spec.model_copy(update={"description": "for Ben"})
    return AmendedRecord(fields=("description",), environment=environment.with_spec(spec, at=AT))


def opened(environment: AnyEnvironment) -> OperationRecord:
    """Return the record of an opened operation."""
    return OperationRecord(change="opened", environment=environment.with_operation(OPERATION, at=AT))


def provision(repository: EnvironmentRepository) -> list[CreatedRecord | TransitionRecord | StepRecord]:
    """Record a whole provision of demo and return the records."""
    with repository.open("demo", ANN) as session:
        created = CreatedRecord(environment=session.environment)
        begun = start(session.environment)
        session.commit(begun)
        session.append_step(INTENT)
        session.append_step(RESULT)
        ended = finish(session.environment)
        session.commit(ended)
    return [created, begun, INTENT, RESULT, ended]


def operation_of(environment: AnyEnvironment) -> Operation:
    """Return the operation of an environment, which must exist."""
    assert environment.operation is not None
    return environment.operation


class EnvironmentBackend(Backend):
    """An EnvironmentRepository, adapted to the contract of all repositories."""

    def create(self, name: str) -> AnyEnvironment:
        """Record a new environment."""
        return self.repository.create(new(name))  # type: ignore[no-any-return]

    def load(self, name: str) -> AnyEnvironment:
        """Return the recorded environment."""
        return self.repository.load(name)  # type: ignore[no-any-return]

    def open(self, name: str, holder: Holder, timeout: float = 0) -> Session:
        """Acquire an environment."""
        return self.repository.open(name, holder, timeout)  # type: ignore[no-any-return]

    def held(self, session: Any) -> AnyEnvironment:
        """Return the environment of a session."""
        return session.environment  # type: ignore[no-any-return]

    def change(self, session: Any, based_on: Any = None) -> None:
        """Amend the description."""
        session.commit(amend(based_on or session.environment))

    def changes(self, name: str) -> int:
        """Return the number of records."""
        return len(self.repository.history(name))

    def delete(self, name: str, expected: Any) -> None:
        """Delete the environment."""
        del name
        self.repository.delete(expected)


class EnvironmentRepositoryContract(RepositoryContract):
    """The tests that every EnvironmentRepository has to pass, with the fixture `repository`."""

    @pytest.fixture
    def repository(self) -> EnvironmentRepository:
        """A new, empty repository for each test."""
        raise NotImplementedError(f"{type(self).__name__} must override the fixture `repository`")

    @pytest.fixture
    def backend(self, repository: EnvironmentRepository) -> Backend:
        """The repository, adapted to the contract."""
        return EnvironmentBackend(repository)

    @pytest.fixture
    def created(self, repository: EnvironmentRepository) -> Environment[Created]:
        """A new environment named demo."""
        return repository.create(new("demo"))

    @pytest.mark.parametrize(
        "ask",
        [
            lambda repository: repository.load("nobody"),
            lambda repository: repository.summary("nobody"),
            lambda repository: repository.open("nobody", ANN),
            lambda repository: repository.open("nobody", ANN, timeout=5),
            lambda repository: repository.history("nobody"),
            lambda repository: repository.delete(new("nobody")),
        ],
        ids=["load", "summary", "open", "open and wait", "history", "delete"],
    )
    def test_an_environment_that_is_not_there_is_not_found(
        self, repository: EnvironmentRepository, ask: Callable[[EnvironmentRepository], object]
    ) -> None:
        with pytest.raises(NotFound, match="nobody"):
            ask(repository)

        assert repository.names() == []

    @pytest.mark.parametrize("name", ["", "../demo", "Demo", "a/b", ".locks"])
    def test_a_name_that_is_none_is_refused_wherever_it_comes_in(
        self, repository: EnvironmentRepository, name: str
    ) -> None:
        for ask in (
            repository.load,
            repository.summary,
            repository.exists,
            repository.history,
            lambda name: repository.open(name, ANN),
        ):
            with pytest.raises(InvalidName):
                ask(name)

    def test_threads_take_turns_and_every_revision_is_there(
        self, repository: EnvironmentRepository, created: Environment[Created]
    ) -> None:
        def amend_often() -> None:
            for _ in range(5):
                with repository.open("demo", Holder.current(), timeout=10) as session:
                    session.commit(amend(session.environment))

        in_threads(amend_often, 4)

        # One creation, and five amendments by each of four threads.
        assert repository.load("demo").revision == 21
        assert [entry.seq for entry in repository.history("demo")] == list(range(1, 22))

    def test_a_commit_is_the_next_revision_everywhere(
        self, repository: EnvironmentRepository, created: Environment[Created]
    ) -> None:
        with repository.open("demo", ANN) as session:
            record = start(created)
            entry = session.commit(record)

            assert session.environment == repository.load("demo") == record.environment
        assert repository.load("demo").revision == 2
        assert entry in (None, repository.history("demo")[-1])

    @pytest.mark.parametrize("by", [-1, 1, 5])
    def test_a_commit_to_another_revision_is_stale_and_writes_nothing(
        self, repository: EnvironmentRepository, created: Environment[Created], by: int
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
        self, repository: EnvironmentRepository, created: Environment[Created]
    ) -> None:
        with repository.open("demo", ANN) as session:
            with pytest.raises(Stale, match="created again") as stale:
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
    def test_a_closed_session_can_not_write_anything(
        self,
        repository: EnvironmentRepository,
        created: Environment[Created],
        write: Callable[[Session], None],
    ) -> None:
        session = repository.open("demo", ANN)
        session.commit(opened(session.environment))
        session.check()
        session.close()
        session.close()  # does no harm

        # Another holder has the environment, and must not be disturbed.
        with repository.open("demo", BEN), pytest.raises(LeaseLost):
            write(session)

        assert len(repository.history("demo")) == 2

    def test_a_step_keeps_the_revision_and_is_seen_without_a_lock(
        self, repository: EnvironmentRepository, created: Environment[Created]
    ) -> None:
        with repository.open("demo", ANN) as session:
            session.commit(start(session.environment))
            session.append_step(INTENT)

            seen = repository.load("demo")
            assert seen == session.environment
            assert (seen.revision, operation_of(seen).step) == (2, INTENT.intent)
            assert seen.condition == "provisioning (provision under way: step one)"

    def test_a_result_leaves_its_outputs(
        self, repository: EnvironmentRepository, created: Environment[Created]
    ) -> None:
        with repository.open("demo", ANN) as session:
            session.commit(start(session.environment))
            session.append_step(INTENT)
            session.append_step(RESULT)

            seen = repository.load("demo")
        assert (operation_of(seen).step, operation_of(seen).steps_done) == (None, (RESULT.result,))
        assert (seen.outputs.port, seen.outputs.details) == (81, {"a": [1, None]})

    def test_a_failed_step_is_not_in_hand_any_more(
        self, repository: EnvironmentRepository, created: Environment[Created]
    ) -> None:
        with repository.open("demo", ANN) as session:
            session.commit(start(session.environment))
            session.append_step(INTENT)
            session.append_step(FAILURE)

        operation = operation_of(repository.load("demo"))
        assert (operation.step, operation.steps_done, operation.effects_begun) == (None, (), True)

    def test_steps_that_nobody_committed_after_are_there_on_opening(
        self, repository: EnvironmentRepository, created: Environment[Created]
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
        self, repository: EnvironmentRepository, created: Environment[Created]
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
        self,
        repository: EnvironmentRepository,
        created: Environment[Created],
        make: Callable[[AnyEnvironment], TransitionRecord],
    ) -> None:
        record = make(created)
        with repository.open("demo", ANN) as session:
            session.commit(record)

        assert repository.history("demo")[-1].record == record

    def test_summaries_say_what_loading_says(
        self, repository: EnvironmentRepository, created: Environment[Created]
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
            assert summary == repository.summary(summary.name)

    def test_a_summary_names_the_actor_of_the_last_record(
        self, repository: EnvironmentRepository, created: Environment[Created]
    ) -> None:
        def actor() -> str | None:
            found = repository.summary("demo")
            assert isinstance(found, Summary)
            return found.actor

        with repository.open("demo", BEN) as session:
            session.commit(amend(session.environment))
        assert actor() == BEN.user

        with repository.open("demo", ANN) as session:
            session.commit(start(session.environment))
            session.append_step(INTENT)
            assert actor() == ANN.user

    def test_no_environments_have_no_summaries(self, repository: EnvironmentRepository) -> None:
        assert list(repository.summaries()) == []

    def test_a_deleted_environment_frees_its_name(
        self, repository: EnvironmentRepository, created: Environment[Created]
    ) -> None:
        repository.delete(created)

        assert (repository.exists("demo"), repository.names(), list(repository.summaries())) == (
            False,
            [],
            [],
        )
        again = repository.create(new("demo"))
        assert repository.load("demo") == again
        assert len(repository.history("demo")) == 1

    def test_a_deleted_environment_takes_its_files_along(
        self, repository: EnvironmentRepository, created: Environment[Created]
    ) -> None:
        (repository.directory("demo") / "built").write_text("by the provider")

        repository.delete(created)

        repository.create(new("demo"))
        assert not (repository.directory("demo") / "built").exists()

    def test_each_environment_has_a_directory_of_its_own(
        self, repository: EnvironmentRepository, created: Environment[Created]
    ) -> None:
        repository.create(new("other"))
        ours, other = repository.directory("demo"), repository.directory("other")

        assert ours.is_dir()
        # Providers store keys and settings there.
        assert ours.stat().st_mode & 0o777 == 0o700
        assert ours != other
        assert repository.directory("demo") == ours

    def test_traces_are_kept_below_the_directory_and_never_overwritten(
        self, repository: EnvironmentRepository, created: Environment[Created]
    ) -> None:
        with repository.open("demo", ANN) as session:
            assert session.write_trace("a.log", "what happened") == "traces/a.log"
            assert session.write_trace("b.log", "and again") == "traces/b.log"
            with pytest.raises(StorageError):
                session.write_trace("a.log", "something else")
