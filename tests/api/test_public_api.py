"""What the two packages offer, and that importing them costs next to nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import environments
import environments.testing
import statechart
import statechart.chart
import statechart.storage.repository

STATECHART = """
    Allowed AlreadyExists Change Chart ChartDefinitionError ChartRepository ChartSession Commit
    CommitUncertain Conflict CorruptHistory DamagedNames Event Head Holder InvalidCursor InvalidName
    InvalidPayload InvalidTransition InvalidValue JsonFileRepository LeaseLost Loaded Locked MigrationFailed
    MissingPayload NestedFire NewerSchema NoSuchMoment NotCopyable NotFound NotOurs Record
    ReservedPayload Session Stale State StatechartError StorageError Transition UnknownEvent
    UnknownPayload UnknownState fire
    DueEffect EffectOutcome effect
    ChartWarning Configuration DocumentRefused Due HistoryState IllegalConfiguration InternalEvent Microstep
    Timer TimerOutcome TimersRunner Unexplored Unstable due fire_due load
    MissingSegment Segment SegmentFile UnusableSegment
    Diverged MovedAway
    DatabaseFailed DriverMissing HistoryProtected InvalidUrl NoSuchDatabase NotADatabase NotPermitted
    ReadOnlyStore SchemaMissing SchemaNewer SchemaOlder StoreBusy StoreFull StoreUnreachable
    TooManyConnections WrongCredentials WrongEncoding
"""
ENVIRONMENTS = """
    AnyEnvironment AnyState Assumption CannotUnlock Chain Clock CollectsLogs CommandDue CommandEnded
    CommandFailed CommandName CommandStarted ConfigureCommand ConfigureFailed Configured Configuring
    Created DestroyCommand Destroyed Difference Doubt Drift DriftKind Effect Environment EnvironmentName
    EnvironmentRepository EnvironmentSpec EnvironmentState EnvironmentsError Failure FailureCause
    FileRepository HostOutOfReach HostState InvalidConfiguration InvalidName InvalidSelection LabelTerm
    Lifecycle LocalProvider MemoryRepository NotDestroyed NotHeld NotProvisioned NotStarted
    NothingMatches NothingToRetry Noticed Observation Observer Operation OperationInterrupted Outcome
    Outputs Plan PlannedCommand Probe Probed Progress Provider ProviderSpec ProvisionCommand
    ProvisionFailed ProvisionNeeded Provisioned Provisioning Recovered RegisterCommand ReleaseCommand
    ReleaseFailed Released Releasing ResourcesGone RunCommand RunFailed Running SecretRef Selection
    ServiceState Step StepAttemptFailed StepContext StepFailed StepFinished StepInDoubt StepOutputs
    StepReported StepStarted StopCommand StopRequest Stopped TerraformProvider Tool ToolProcess
    UnexpectedState UnknownLabel UnknownProvider UnreachableTarget Unrecorded UnsupportedCommand Verdict
    Workspace check_name register_provider run_tool
    Cursor Event InvalidCursor OnTransition Transitioned
    HistoryEntry Summary UnreadableSummary
    NotReached StateUnreachable
    ArtifactAltered ArtifactMissing CannotMove CannotPack FilesLost MachineLacks OnAnotherMachine TooLarge
    FleetNotMigrated FleetUnavailable InvalidGoal InvalidSchedule NoSuchWish NoSuchWorker
    Fleet FleetError Goal Granted Schedule Submission Wish WishStatus WorkerStatus
"""
MODULES = [
    (statechart, STATECHART),
    (statechart.chart, "Chart Event HistoryState State"),
    (statechart.storage.repository, "Head JsonFileRepository Loaded Record Session"),
    (environments, ENVIRONMENTS),
    (environments.testing, "FixedClock ScriptedProvider ScriptedSpec in_child"),
]
HEAVY = "statemachine pydantic loguru filelock asyncio click rich ruamel.yaml"


@pytest.mark.parametrize(("package", "names"), MODULES)
def test_a_package_offers_these_names(package: ModuleType, names: str) -> None:
    assert sorted(package.__all__) == sorted(names.split())


@pytest.mark.parametrize("name", sorted(statechart.__all__))
def test_every_name_of_the_engine_loads(name: str) -> None:
    assert getattr(statechart, name) is not None
    assert name in dir(statechart)


@pytest.mark.parametrize("name", sorted(environments.__all__))
def test_every_name_of_the_environments_loads(name: str) -> None:
    assert getattr(environments, name) is not None
    assert name in dir(environments)


@pytest.mark.parametrize("package", [statechart, environments])
def test_no_public_name_hides_behind_a_module(package: ModuleType) -> None:
    # A module that is imported becomes an attribute of its package, which a lazy name is not yet.
    for stub in Path(str(package.__file__)).parent.rglob("__init__.pyi"):
        parts = [node for node in ast.parse(stub.read_text()).body if isinstance(node, ast.ImportFrom)]
        names = {alias.name for node in parts for alias in node.names}

        assert not names & {each.stem for each in stub.parent.iterdir()}, stub


@pytest.mark.parametrize("package", [statechart, environments])
def test_a_name_that_is_not_there_is_an_attribute_error(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match=f"module '{package.__name__}' has no attribute 'Chrat'"):
        package.Chrat  # noqa: B018  # reading it is the test


@pytest.mark.parametrize("package", ["statechart", "environments"])
def test_importing_a_package_loads_none_of_what_it_is_built_on(package: str) -> None:
    script = f"import sys, {package}; print(*(name for name in {HEAVY.split()} if name in sys.modules))"

    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ended.stdout.strip() == ""
