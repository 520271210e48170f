"""Every error has an exit code, a code and a next command; the table covers both error trees."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from environments import errors as environment_errors
from environments.artifacts import errors as artifact_errors
from environments.cli.error_reports import KINDS, kind_of, report
from environments.cli.registry import COMMANDS
from environments.cli.settings import Settings
from environments.model.command_name import CommandName
from environments.model.environment import Environment
from environments.model.failure import Failure, FailureCause
from environments.model.operation import Operation
from environments.model.spec import EnvironmentSpec
from environments.model.states import RunFailed
from environments.testing import FixedClock, ScriptedSpec
from statechart import errors as chart_errors
from statechart.errors import StatechartError
from statechart.holder import Holder
from statechart.storage.sql import errors as database_errors
from statechart.terminal.refusal import UsageRefused
from statechart.terminal.report import ExitCode

AT = FixedClock().now()


PATH = Path("data/demo/state.json")


OPERATION = Operation(id="op", command=CommandName.RUN, started_at=AT, holder=Holder.current())


def tree(root: type[Exception]) -> Iterator[type[Exception]]:
    """Yield the kinds below a root that the table tells apart, whichever other tests have imported."""
    for kind in root.__subclasses__():
        if issubclass(kind, UsageRefused) or root is environment_errors.StepFailed:
            continue  # they say their code themselves, or are those of a provider
        if not kind.__name__.startswith("_") and kind.__module__.startswith(("statechart", "environments")):
            yield kind
        yield from tree(kind)


def made(kind: type[Exception], *facts: str) -> Exception:
    return kind(*facts)


def command_failed() -> environment_errors.CommandFailed:
    failure = Failure(
        command=CommandName.RUN,
        step="start_service",
        cause=FailureCause.NETWORK,
        summary="no route",
        started_at=AT,
        failed_at=AT,
        duration=timedelta(seconds=1),
        trace_id="op",
    )
    created = Environment.new(EnvironmentSpec(name="demo", provider=ScriptedSpec()), AT)
    failed = created.entering(RunFailed(failure=failure), at=AT, operation=OPERATION.failed(failure))
    return environment_errors.CommandFailed(failed, failure)


ERRORS: list[Exception] = [
    environment_errors.InvalidName("No", "is wrong", "no"),
    environment_errors.InvalidCursor("e" * 100),
    environment_errors.InvalidSelection("there is no state 'zzz'"),
    environment_errors.UnknownLabel("tema", ["team"]),
    environment_errors.NothingMatches(["wbe"], ["web"]),
    environment_errors.InvalidConfiguration("env.yaml", ["a", "b"]),
    environment_errors.UnknownProvider("x", ["local"]),
    environment_errors.UnexpectedState("demo", expected=["created"], actual="running"),
    environment_errors.OperationInterrupted("demo", OPERATION),
    environment_errors.StepInDoubt("demo", "start_service", "it has no probe"),
    environment_errors.Unrecorded(command_failed().environment, ["{}"]),
    environment_errors.NoSuchMoment("demo", "revision 9", "revisions 1 to 4"),
    environment_errors.NotHeld("demo"),
    environment_errors.CannotUnlock("demo", "pid 1 of ann@lab", "it runs on lab"),
    environment_errors.UnreachableTarget(
        "demo", state="running", target="created", reason="it lies behind"
    ),
    environment_errors.ResourcesGone("demo", "the directory is gone"),
    environment_errors.HostOutOfReach("demo", "host unreachable: no route"),
    environment_errors.NotDestroyed("demo", "running"),
    environment_errors.NothingToRetry("demo", "running"),
    environment_errors.StateUnreachable("demo", condition="destroyed", wanted=["running"]),
    environment_errors.NotReached("demo", condition="created", wanted=["running"], seconds=60),
    environment_errors.NotProvisioned("demo", "created"),
    environment_errors.UnsupportedCommand("demo", "register", "local"),
    environment_errors.OnAnotherMachine("demo", "local", "lab"),
    environment_errors.CannotMove("demo", "destroy it first"),
    artifact_errors.MachineLacks("demo", "provision", "lab", ["ssh.key: none"]),
    artifact_errors.CannotPack("application", Path("/app"), "pipe can't be read"),
    artifact_errors.TooLarge("application", Path("/app"), 1024, [("film", 4096)]),
    artifact_errors.ArtifactProblem("it can't be used"),
    artifact_errors.ArtifactAltered("0" * 64, "it is cut off"),
    artifact_errors.ArtifactMissing("0" * 64, "data"),
    artifact_errors.FilesLost("demo", "app", "application", "gone", "on lab", Path("/app")),
    environment_errors.ProvisionNeeded("demo", ["provider.port"]),
    environment_errors.StepFailed(FailureCause.NETWORK, "no route"),
    environment_errors.Stopped(command_failed().environment, "run", "interrupted by Ctrl-C"),
    environment_errors.NotStarted("demo", "interrupted by Ctrl-C"),
    command_failed(),
    chart_errors.UnknownEvent("Lifecycle", "x", ["run"]),
    chart_errors.UnknownState("Lifecycle", "x", ["running"]),
    chart_errors.InvalidTransition(
        chart="L", event="run", subject="demo", state="created", allowed=["destroy"]
    ),
    chart_errors.StorageError("the disk is full"),
    chart_errors.InvalidName("/"),
    chart_errors.NotFound("demo", "data"),
    chart_errors.MovedAway("demo", "data", "postgresql://db/envchart"),
    chart_errors.OnNetwork(PATH, "nfs4"),
    chart_errors.NotOurs(PATH, "is a link"),
    chart_errors.Conflict("somebody was first"),
    chart_errors.AlreadyExists("demo", "data"),
    chart_errors.Stale("demo", expected=1, actual=2),
    chart_errors.Diverged("demo", "data"),
    chart_errors.Locked("demo", Holder.current("envchart run")),
    chart_errors.LeaseLost("demo", PATH),
    chart_errors.CommitUncertain("demo"),
    chart_errors.NotDamaged("demo"),
    chart_errors.DamagedNames("data", [], {"demo": chart_errors.NotDamaged("demo")}),
    chart_errors.InvalidCursor("e" * 100),
    chart_errors.NoSuchMoment("demo", "revision 9", "it has revisions 1 to 4"),
    chart_errors.CorruptHistory("demo", PATH, "it is empty"),
    chart_errors.UnusableSegment("demo", PATH, 1, 9, "it was cut off"),
    chart_errors.MissingSegment("demo", PATH, 1, 9, "it is not there"),
    chart_errors.NewerSchema("demo", PATH, 2, 1),
    chart_errors.DiagramUnavailable("png needs the package resvg-py"),
    chart_errors.NoSuchPath("Lifecycle", "run", "created", ["provision"]),
    chart_errors.ChartNotFound("shop:Order", "there is no module shop", "shop.py:3"),
    chart_errors.PageError(PATH, 3, "the marker has no end"),
    chart_errors.PageErrors([chart_errors.PageError(PATH, None, "it is read-only")]),
    database_errors.InvalidUrl("mysql://…", "mysql is not supported"),
    database_errors.DriverMissing("sqlite:///a.db", "sqlalchemy"),
    *(
        made(kind, "postgresql://h/db", "the server said so")
        for kind in (database_errors.DatabaseFailed, *tree(database_errors.DatabaseFailed))
        if kind not in (database_errors.SchemaOlder, database_errors.SchemaNewer)
    ),
    database_errors.SchemaOlder("postgresql://h/db", "0001_since_0001", "0002_since_0001"),
    database_errors.SchemaNewer("postgresql://h/db", "0003_since_0003", "0002_since_0001"),
]


BUGS = {
    chart_errors.ChartDefinitionError,
    chart_errors.DocumentRefused,
    chart_errors.IllegalConfiguration,
    chart_errors.InternalEvent,
    chart_errors.Unexplored,
    chart_errors.Unstable,
    chart_errors.UnfitValue,
    chart_errors.NestedFire,
    chart_errors.ReservedPayload,
    chart_errors.UnknownPayload,
    chart_errors.InvalidPayload,
    chart_errors.MissingPayload,
    chart_errors.NotCopyable,
    chart_errors.InvalidValue,
    chart_errors.MigrationFailed,
}


@pytest.mark.parametrize(
    "root", [StatechartError, environment_errors.EnvironmentsError], ids=lambda root: root.__name__
)
def test_every_error_class_is_in_the_table(root: type[Exception]) -> None:
    assert [kind.__name__ for kind in tree(root) if kind not in KINDS] == []


def test_every_expected_error_has_an_example_here() -> None:
    kinds = {*tree(StatechartError), *tree(environment_errors.EnvironmentsError)}

    assert kinds - {type(error) for error in ERRORS} == BUGS


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_every_error_has_a_message_and_names_an_existing_command(error: Exception, tmp_path: Path) -> None:
    told = report(error, Settings(chosen_data_dir=tmp_path))

    assert told is not None
    assert told.message
    assert told.exit_code not in (ExitCode.DONE, ExitCode.UNEXPECTED)
    commands = [step.partition("envchart ")[2].split() for step in told.next if "envchart " in step]
    assert commands
    assert {words[0] for words in commands} <= {*COMMANDS, "--version"}


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (environment_errors.InvalidConfiguration, 2),
        (chart_errors.NotFound, 3),
        (chart_errors.InvalidTransition, 4),
        (environment_errors.UnreachableTarget, 4),
        (environment_errors.ResourcesGone, 4),
        (environment_errors.HostOutOfReach, 6),
        (environment_errors.NotDestroyed, 4),
        (environment_errors.NotProvisioned, 4),
        (environment_errors.ProvisionNeeded, 4),
        (environment_errors.NothingToRetry, 4),
        (environment_errors.StateUnreachable, 4),
        (environment_errors.NotReached, 8),
        (environment_errors.UnexpectedState, 4),
        (chart_errors.Locked, 5),
        (chart_errors.Stale, 5),
        (chart_errors.AlreadyExists, 5),
        (environment_errors.CommandFailed, 6),
        (chart_errors.CorruptHistory, 7),
        (chart_errors.StorageError, 7),
        (environment_errors.OperationInterrupted, 9),
    ],
)
def test_the_exit_codes_are_those_of_the_help(kind: type[Exception], code: int) -> None:
    found = kind_of(kind)

    assert found is not None
    assert found.exit_code == code


def test_a_bug_is_not_reported_as_a_usage_error() -> None:
    assert report(chart_errors.NestedFire("Lifecycle", "run"), Settings()) is None
    assert report(ZeroDivisionError(), Settings()) is None


def test_a_lost_lease_of_a_database_does_not_ask_for_files() -> None:
    told = report(chart_errors.LeaseLost("demo", "the lease", "could not be renewed"), Settings())

    assert told is not None
    assert told.next == (
        "envchart show demo",
        "if its command was interrupted: envchart recover demo",
    )


@pytest.mark.parametrize(
    "error",
    [
        chart_errors.CorruptHistory("demo", "postgresql://h/db#demo", "it is empty"),
        chart_errors.NotOurs("postgresql://h/db#demo", "is a copy"),
        chart_errors.MissingSegment("demo", "postgresql://h/db#demo", 1, 9, "it is not there"),
        chart_errors.UnusableSegment("demo", "postgresql://h/db#demo", 1, 9, "it was cut off"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_damage_in_a_database_is_not_mended_with_files(error: Exception) -> None:
    told = report(error, Settings())

    assert told is not None
    assert any("restore the database from a backup" in step for step in told.next)
    assert "file" not in " ".join(told.next)


def test_next_commands_repeat_the_typed_data_directory() -> None:
    told = report(
        chart_errors.Stale("demo", expected=1, actual=2), Settings(chosen_data_dir=Path("my data"))
    )

    assert told is not None
    assert told.next == ("envchart show demo --data-dir 'my data'",)


def test_the_next_command_about_a_moved_environment_names_the_other_store_only() -> None:
    typed = Settings(chosen_store="postgresql://db/envchart")

    told = report(chart_errors.MovedAway("demo", "postgresql://db/envchart", "/my data"), typed)

    assert told is not None
    assert told.next == ("envchart show demo --data-dir '/my data'",)


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "free some space, then repeat the command; to look: envchart list"),
        (errno.EMFILE, "free what the system lacks, then envchart list"),
        (errno.EACCES, "repair the disk or its permissions, then envchart list"),
    ],
)
def test_the_advice_about_storage_fits_its_cause(number: int, advice: str) -> None:
    error = chart_errors.StorageError("cannot append")
    error.__cause__ = OSError(number, "refused")

    told = report(error, Settings())

    assert told is not None
    assert told.next == (advice,)
