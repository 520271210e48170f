"""Error reports: the exit code, the code and the next commands of each error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import ValidationError

from environments import errors as environment_errors
from environments.artifacts import errors as artifact_errors
from environments.configuration.workspace_file import WORKSPACE_FILE
from environments.execution.unreleased import unreleased
from environments.presentation.guidance import COMMANDS, LIFECYCLE
from environments.presentation.view import View, look
from environments.secrets.redaction import clean, redactor
from statechart import errors as chart_errors
from statechart.answers.databases import DATABASE_KINDS, summary
from statechart.terminal.control_codes import strip_control_codes
from statechart.terminal.program.kinds import (
    Kind as _Kind,
    name_in,
    nearest_kind,
    of_the_storage,
    of_the_system,
    of_the_system_in_words,
    say as _say,
    say_at as _at,
)
from statechart.terminal.refusal import UsageRefused
from statechart.terminal.report import ExitCode, Report
from statechart.terminal.settings import shell_word
from statechart.wording import first_problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from environments.presentation.answers.archive import Archive
    from environments.presentation.documents import Spell


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where an error happened, as far as the advice about it depends on that.

    Attributes:
        words: Spells a command for an environment.
        names: Lists the names that may be environments.
        archive: Opens the storage, which few errors need.
    """

    program: ClassVar[str] = "envchart"

    words: Spell
    names: Callable[[], list[str]]
    archive: Callable[[], Archive]

    def spell(self, words: str, name: str | None = None) -> str:
        """Return a command ready to be typed, with `NAME` replaced by the environment's name."""
        return self.words(words, name if name is not None else "NAME")


def _usual(error: Exception, surroundings: Surroundings) -> Sequence[str]:
    """Return the commands that the recorded state allows."""
    return standing(surroundings, name_in(error) or "")[1]


def standing(surroundings: Surroundings, name: str) -> tuple[str, tuple[str, ...]]:
    """Return the recorded condition of an environment, and the commands that the state allows."""
    try:
        view = look(surroundings.archive(), name)
    except (chart_errors.StorageError, environment_errors.EnvironmentsError) as error:
        return str(error), (surroundings.spell("show NAME", name),)
    return f"{name} is {view.condition}", tuple(surroundings.spell(step, name) for step in view.next_steps)


def _after_failure(error: Exception, surroundings: Surroundings) -> list[str]:
    assert isinstance(error, environment_errors.CommandFailed)
    name = error.environment.name
    if error.persistence_error is not None:
        again = surroundings.spell(f"{error.failure.command} NAME", name)
        return [
            f"free some space or repair the disk, then repeat the command: {again}",
            surroundings.spell("show NAME", name),
        ]
    changed = unreleased(error.environment, surroundings.archive().directory(name))
    view = View(error.environment, unreleased=changed)
    return [surroundings.spell(step, name) for step in view.next_steps]


def _nearest(error: Exception, surroundings: Surroundings) -> list[str]:
    name = str(getattr(error, "name", ""))
    try:
        found = get_close_matches(name, surroundings.names(), n=1)
    except (OSError, chart_errors.StorageError):
        found = []
    if found:
        return [
            f"did you mean {found[0]!r}? {surroundings.spell('show NAME', found[0])}",
            surroundings.spell("list"),
            surroundings.spell("create NAME --app DIR", name),
        ]
    return [surroundings.spell("list"), surroundings.spell("create NAME --app DIR", name)]


def _taken(error: Exception, surroundings: Surroundings) -> list[str]:
    name = str(getattr(error, "name", ""))
    purge = surroundings.spell("purge NAME", name)
    is_destroyed = standing(surroundings, name)[1] == (purge,)
    other = surroundings.spell("create OTHER --app DIR")
    return [
        purge if is_destroyed else surroundings.spell("show NAME", name),
        f"choose another name: {other}",
    ]


def _unreachable(error: Exception, surroundings: Surroundings) -> Sequence[str]:
    assert isinstance(error, environment_errors.UnreachableTarget)
    if error.state == "destroyed":
        again = surroundings.spell("create NAME --app DIR", error.name)
        return [surroundings.spell("purge NAME", error.name), f"then {again}"]
    return _usual(error, surroundings)


def _locked(error: Exception, surroundings: Surroundings) -> list[str]:
    name = getattr(error, "name", None)
    return [
        surroundings.spell("show NAME", name),
        "to wait for the lock, add --lock-timeout 60; most commands take this option",
        f"if the holder hangs: {surroundings.spell('unlock NAME', name)}",
    ]


def _elsewhere(error: Exception, surroundings: Surroundings) -> list[str]:
    assert isinstance(error, environment_errors.OnAnotherMachine)
    return [
        f"on {error.host}: {surroundings.spell('show NAME', error.name)}",
        surroundings.spell("history NAME", error.name),
    ]


def _moved(error: Exception, surroundings: Surroundings) -> list[str]:
    assert isinstance(error, chart_errors.MovedAway)
    there = "--store" if "://" in error.to else "--data-dir"
    return [surroundings.spell(f"show NAME {there} {shell_word(error.to)}", error.name)]


def _copies_lost(error: Exception, surroundings: Surroundings) -> list[str]:
    return [surroundings.spell(words, name_in(error)) for words in ("update NAME", "show NAME")]


def _what_travels(_error: Exception, surroundings: Surroundings) -> list[str]:
    return [f"then repeat the command; the copies are shown by {surroundings.spell('show NAME')}"]


def _missing_provider(error: Exception, surroundings: Surroundings) -> list[str]:
    assert isinstance(error, environment_errors.UnknownProvider)
    if error.name is None:
        return [surroundings.spell("schema")]
    verb = "install" if error.reason is None else "repair or update"
    install = f"{verb} the package that provides {error.kind!r} beside envchart, then"
    return [
        f"{install} {surroundings.spell('show NAME', error.name)}",
        surroundings.spell("history NAME", error.name),
    ]


_SHOW = "envchart show NAME"
_BUG = _say("this is a bug in envchart: report it with the output of envchart --version")


def _of_the_file(error: Exception, surroundings: Surroundings) -> list[str]:
    assert isinstance(error, environment_errors.InvalidConfiguration)
    example = "init --help" if Path(error.source).name == WORKSPACE_FILE else "create --template"
    return [f"correct the values named above; for a valid example see {surroundings.spell(example)}"]


KINDS: dict[type[BaseException], _Kind[Surroundings]] = {
    # usage
    environment_errors.InvalidName: _Kind(
        ExitCode.USAGE,
        "invalid_name",
        lambda error, surroundings: [
            surroundings.spell("create NAME --app DIR", getattr(error, "suggestion", None)),
            surroundings.spell("list"),
        ],
    ),
    chart_errors.InvalidName: _Kind(ExitCode.USAGE, "invalid_name", _say("envchart list")),
    artifact_errors.CannotPack: _Kind(ExitCode.USAGE, "cannot_pack", _what_travels),
    artifact_errors.TooLarge: _Kind(ExitCode.USAGE, "too_large", _what_travels),
    environment_errors.InvalidConfiguration: _Kind(ExitCode.USAGE, "invalid_configuration", _of_the_file),
    environment_errors.InvalidCursor: _Kind(
        ExitCode.USAGE, "invalid_cursor", _say("envchart events --help")
    ),
    chart_errors.InvalidCursor: _Kind(ExitCode.USAGE, "invalid_cursor", _say("envchart events --help")),
    environment_errors.InvalidSelection: _Kind(ExitCode.USAGE, "invalid_selection", _say("envchart list")),
    environment_errors.UnknownLabel: _Kind(ExitCode.USAGE, "unknown_label", _say("envchart list")),
    environment_errors.UnknownProvider: _Kind(ExitCode.USAGE, "unknown_provider", _missing_provider),
    chart_errors.UnknownState: _Kind(ExitCode.USAGE, "unknown_state", _say("envchart diagram --format md")),
    chart_errors.UnknownEvent: _Kind(ExitCode.USAGE, "unknown_event", _say("envchart diagram --format md")),
    chart_errors.ChartNotFound: _Kind(ExitCode.USAGE, "chart_not_found", _say("envchart docs --help")),
    chart_errors.PageError: _Kind(
        ExitCode.USAGE, "page", _say("correct the page, then envchart docs check")
    ),
    chart_errors.PageErrors: _Kind(
        ExitCode.USAGE, "page", _say("correct the pages, then envchart docs check")
    ),
    chart_errors.NoSuchPath: _Kind(ExitCode.USAGE, "no_such_path", _say("envchart diagram --format md")),
    chart_errors.DiagramUnavailable: _Kind(
        ExitCode.USAGE, "diagram_unavailable", _say("envchart diagram --format svg")
    ),
    # not found, not allowed
    chart_errors.MovedAway: _Kind(ExitCode.NOT_FOUND, "moved_away", _moved),
    chart_errors.NotFound: _Kind(ExitCode.NOT_FOUND, "not_found", _nearest),
    environment_errors.NothingMatches: _Kind(ExitCode.NOT_FOUND, "not_found", _say("envchart list")),
    chart_errors.InvalidTransition: _Kind(ExitCode.NOT_ALLOWED, "invalid_transition", _usual),
    environment_errors.UnexpectedState: _Kind(ExitCode.NOT_ALLOWED, "unexpected_state", _usual),
    environment_errors.UnreachableTarget: _Kind(ExitCode.NOT_ALLOWED, "unreachable_target", _unreachable),
    environment_errors.ResourcesGone: _Kind(
        ExitCode.NOT_ALLOWED, "resources_gone", _say("envchart destroy NAME", "envchart up NAME --recreate")
    ),
    environment_errors.HostOutOfReach: _Kind(
        ExitCode.STEP_FAILED,
        "host_out_of_reach",
        _say("envchart drift NAME", "envchart up NAME", "envchart destroy NAME"),
    ),
    environment_errors.StateUnreachable: _Kind(ExitCode.NOT_ALLOWED, "state_unreachable", _usual),
    environment_errors.NotReached: _Kind(
        ExitCode.DIFFERENCE, "not_reached", _say("envchart watch NAME", "envchart why NAME")
    ),
    environment_errors.NothingToRetry: _Kind(ExitCode.NOT_ALLOWED, "nothing_to_retry", _usual),
    environment_errors.UnsupportedCommand: _Kind(ExitCode.NOT_ALLOWED, "unsupported_command", _usual),
    environment_errors.OnAnotherMachine: _Kind(ExitCode.NOT_ALLOWED, "on_another_machine", _elsewhere),
    environment_errors.CannotMove: _Kind(
        ExitCode.NOT_ALLOWED, "cannot_move", _say("envchart destroy NAME", "envchart move --help")
    ),
    artifact_errors.MachineLacks: _Kind(ExitCode.NOT_ALLOWED, "machine_lacks", _say("envchart show NAME")),
    artifact_errors.ArtifactProblem: _Kind(ExitCode.STORAGE, "artifact", _copies_lost),
    artifact_errors.ArtifactAltered: _Kind(ExitCode.STORAGE, "artifact_altered", _copies_lost),
    artifact_errors.ArtifactMissing: _Kind(ExitCode.STORAGE, "artifact_missing", _copies_lost),
    artifact_errors.FilesLost: _Kind(ExitCode.STORAGE, "files_lost", _copies_lost),
    environment_errors.NotDestroyed: _Kind(
        ExitCode.NOT_ALLOWED, "not_destroyed", _say("envchart destroy NAME", "envchart purge NAME")
    ),
    environment_errors.NotProvisioned: _Kind(
        ExitCode.NOT_ALLOWED, "not_provisioned", _say("envchart up NAME", "envchart why NAME")
    ),
    environment_errors.ProvisionNeeded: _Kind(
        ExitCode.NOT_ALLOWED,
        "provision_needed",
        _say("envchart destroy NAME", "envchart purge NAME", "envchart create --file FILE"),
    ),
    # conflict
    chart_errors.AlreadyExists: _Kind(ExitCode.CONFLICT, "already_exists", _taken),
    chart_errors.Locked: _Kind(ExitCode.CONFLICT, "locked", _locked),
    chart_errors.Stale: _Kind(ExitCode.CONFLICT, "stale", _say("envchart show NAME")),
    chart_errors.Diverged: _Kind(ExitCode.CONFLICT, "diverged", _say("envchart history NAME")),
    chart_errors.Conflict: _Kind(ExitCode.CONFLICT, "conflict", _say("envchart show NAME")),
    # a step failed, a command died
    environment_errors.CommandFailed: _Kind(ExitCode.STEP_FAILED, "step_failed", _after_failure),
    environment_errors.Unrecorded: _Kind(
        ExitCode.STORAGE,
        "unrecorded",
        _say("keep the records printed above, free some space, then envchart destroy NAME"),
    ),
    environment_errors.Stopped: _Kind(ExitCode.STEP_FAILED, "cancelled", _usual),
    environment_errors.NotStarted: _Kind(ExitCode.STEP_FAILED, "not_started", _usual),
    environment_errors.StepFailed: _Kind(ExitCode.STEP_FAILED, "step_failed", _say("envchart list")),
    environment_errors.OperationInterrupted: _Kind(
        ExitCode.INTERRUPTED,
        "operation_interrupted",
        _say("envchart recover NAME", "envchart why NAME", "envchart destroy NAME"),
    ),
    environment_errors.StepInDoubt: _Kind(
        ExitCode.USAGE,
        "step_in_doubt",
        _say(
            "check whether the step is done; if not: envchart recover NAME --assume not-done --because WHY",
            "if so: envchart recover NAME --assume done --because WHY",
            "envchart why NAME",
        ),
    ),
    environment_errors.NoSuchMoment: _Kind(ExitCode.USAGE, "no_such_moment", _say("envchart history NAME")),
    chart_errors.NoSuchMoment: _Kind(ExitCode.USAGE, "no_such_moment", _say("envchart history NAME")),
    environment_errors.NotHeld: _Kind(ExitCode.NOT_ALLOWED, "not_held", _usual),
    environment_errors.CannotUnlock: _Kind(
        ExitCode.CONFLICT, "cannot_unlock", _say("end the process on its own host, then envchart show NAME")
    ),
    # storage
    chart_errors.NotDamaged: _Kind(ExitCode.NOT_ALLOWED, "not_damaged", _usual),
    chart_errors.DamagedNames: _Kind(ExitCode.STORAGE, "damaged_names", _say("envchart verify")),
    chart_errors.CorruptHistory: _Kind(
        ExitCode.STORAGE,
        "corrupt_history",
        _at(
            ["envchart recover NAME --rebase", "restore its files from a backup, then envchart show NAME"],
            [
                "envchart recover NAME --rebase",
                "restore the database from a backup, then envchart show NAME",
            ],
        ),
    ),
    chart_errors.UnusableSegment: _Kind(
        ExitCode.STORAGE,
        "unusable_segment",
        _at(
            ["undo its compression or restore it from a backup, then envchart verify NAME", _SHOW],
            ["restore the database from a backup, then envchart verify NAME", _SHOW],
        ),
    ),
    chart_errors.MissingSegment: _Kind(
        ExitCode.STORAGE,
        "missing_segment",
        _at(
            ["put the file back, then envchart verify NAME", _SHOW],
            ["restore the database from a backup, then envchart verify NAME", _SHOW],
        ),
    ),
    chart_errors.NewerSchema: _Kind(
        ExitCode.STORAGE,
        "newer_schema",
        _say("update this program; for its version see envchart --version"),
    ),
    chart_errors.OnNetwork: _Kind(
        ExitCode.STORAGE,
        "on_network",
        _say(
            "use a local --data-dir, then envchart list",
            "if no other machine writes there: ENVCHART_ALLOW_NETWORK_FILESYSTEM=1 envchart list",
        ),
    ),
    chart_errors.NotOurs: _Kind(
        ExitCode.STORAGE,
        "not_ours",
        _at(
            ["move the file away or use another --data-dir, then envchart list"],
            ["restore the database from a backup, then envchart list"],
        ),
    ),
    chart_errors.LeaseLost: _Kind(
        ExitCode.STORAGE,
        "lease_lost",
        _at(
            ["restore the removed files, then envchart show NAME"],
            [_SHOW, "if its command was interrupted: envchart recover NAME"],
        ),
    ),
    chart_errors.CommitUncertain: _Kind(ExitCode.STORAGE, "commit_uncertain", _say("envchart show NAME")),
    chart_errors.StorageError: _Kind(ExitCode.STORAGE, "storage", of_the_storage),
    **DATABASE_KINDS,
    OSError: _Kind(ExitCode.STORAGE, "storage", of_the_system),
    ValidationError: _Kind(
        ExitCode.STORAGE, "corrupt_history", _say("restore the files from a backup, then envchart list")
    ),
    # bugs
    chart_errors.ChartDefinitionError: _Kind(ExitCode.UNEXPECTED, "unexpected", _BUG),
    # of charts with states within states, and of documents, neither of which the lifecycle is
    chart_errors.DocumentRefused: _Kind(ExitCode.UNEXPECTED, "unexpected", _BUG),
    chart_errors.IllegalConfiguration: _Kind(ExitCode.UNEXPECTED, "unexpected", _BUG),
    chart_errors.InternalEvent: _Kind(ExitCode.UNEXPECTED, "unexpected", _BUG),
    chart_errors.Unexplored: _Kind(ExitCode.UNEXPECTED, "unexpected", _BUG),
    chart_errors.Unstable: _Kind(ExitCode.UNEXPECTED, "unexpected", _BUG),
    chart_errors.UnfitValue: _Kind(ExitCode.UNEXPECTED, "unexpected", _BUG),
    chart_errors.NestedFire: _Kind(ExitCode.UNEXPECTED, "unexpected", _BUG),
    chart_errors.ReservedPayload: _Kind(ExitCode.UNEXPECTED, "unexpected", _BUG),
    chart_errors.UnknownPayload: _Kind(ExitCode.UNEXPECTED, "unexpected", _BUG),
    chart_errors.InvalidPayload: _Kind(ExitCode.UNEXPECTED, "unexpected", _BUG),
    chart_errors.MissingPayload: _Kind(ExitCode.UNEXPECTED, "unexpected", _BUG),
    chart_errors.NotCopyable: _Kind(ExitCode.UNEXPECTED, "unexpected", _BUG),
    chart_errors.InvalidValue: _Kind(ExitCode.UNEXPECTED, "unexpected", _BUG),
    chart_errors.MigrationFailed: _Kind(ExitCode.UNEXPECTED, "unexpected", _BUG),
}
"""The report of each class of errors; a class without an entry has that of its nearest base."""


def kind_of(error: type[BaseException]) -> _Kind[Surroundings] | None:
    """Return the entry of a class of errors or its nearest base, or None for an unexpected error."""
    return nearest_kind(KINDS, error)


def report(error: BaseException, surroundings: Surroundings) -> Report | None:
    """Return the report of an expected error, or None for an unexpected error."""
    if isinstance(error, UsageRefused):
        steps = error.next if error.is_spelled else tuple(_say(*error.next)(error, surroundings))
        return Report(error.exit_code, error.code, str(error), steps)
    kind = kind_of(type(error))
    if kind is None or kind.exit_code is ExitCode.UNEXPECTED or not isinstance(error, Exception):
        return None
    message = strip_control_codes(_message(error))
    return Report(
        kind.exit_code, kind.code, message, tuple(kind.advice(error, surroundings)), _detail(error)
    )


def _message(error: Exception) -> str:
    if isinstance(error, environment_errors.InvalidConfiguration):
        return f"{error.source} can't be used:" + "".join(f"\n  {problem}" for problem in error.problems)
    if isinstance(error, environment_errors.CommandFailed):
        return f"{error} ({error.failure.cause})"
    if isinstance(error, chart_errors.InvalidTransition):
        return str(_typeable(error))
    if isinstance(error, ValidationError):
        return f"the stored data can't be read: {first_problem(error)}"
    if isinstance(error, OSError) and kind_of(type(error)) is KINDS[OSError]:
        return of_the_system_in_words(error)
    return summary(error)


def _typeable(error: chart_errors.InvalidTransition) -> chart_errors.InvalidTransition:
    """Return the error with those allowed events that are commands: no person can type an outcome."""
    if error.chart != LIFECYCLE:
        return error
    return chart_errors.InvalidTransition(
        chart=error.chart,
        event=error.event,
        subject=error.subject,
        state=error.state,
        allowed=[event for event in error.allowed if event in COMMANDS],
        reason=error.reason,
        tried=zip(error.targets, error.reasons, strict=True) if error.targets else (),
    )


def _detail(error: Exception) -> str:
    cause = error.__cause__
    if not isinstance(cause, environment_errors.StepFailed):
        return ""
    if isinstance(error, environment_errors.CommandFailed):
        # A tool may have printed a secret of the environment.
        return clean(cause.detail, redactor(error.environment.spec))
    return strip_control_codes(cause.detail)
