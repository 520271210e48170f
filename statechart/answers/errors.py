"""Errors: the exit code, the code and the next commands of each error about a chart or its values."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress

from pydantic import ValidationError

from statechart import errors
from statechart.answers import databases
from statechart.answers.spelling import ANY_CHART, Spelling
from statechart.reference import find_attribute
from statechart.stored.repository import ChartRepository
from statechart.terminal.control_codes import strip_control_codes
from statechart.terminal.program.kinds import (
    Kind,
    name_in,
    nearest_kind,
    of_the_storage,
    of_the_system,
    of_the_system_in_words,
    say,
)
from statechart.terminal.refusal import UsageRefused
from statechart.terminal.report import ExitCode, Report
from statechart.terminal.settings import Spells, shell_word
from statechart.wording import first_problem, nearest

_LIST = "python -m statechart list"
_SHOW = "python -m statechart show NAME"
_TABLE = "python -m statechart diagram --format md"


def report(error: BaseException, spelling: Spells) -> Report | None:
    """Return the report of an expected error, or None for an unexpected error."""
    if isinstance(error, UsageRefused):
        return Report(error.exit_code, error.code, str(error), error.next)
    kind = nearest_kind(KINDS, type(error))
    if isinstance(error, errors.UnknownState) and error.recorded is not None:
        known = not isinstance(error, errors.IllegalConfiguration)
        kind = _UNKNOWN_RECORDED if known else _ILLEGAL_RECORDED
    if kind is None or not isinstance(error, Exception):
        return None
    message = strip_control_codes(_message(error))
    return Report(kind.exit_code, kind.code, message, tuple(kind.advice(error, spelling)))


def _message(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return f"the stored data can't be read: {first_problem(error)}"
    if isinstance(error, OSError) and not isinstance(error, errors.StatechartError):
        return of_the_system_in_words(error)
    return databases.summary(error)


def _nearest(error: Exception, spelling: Spells) -> list[str]:
    assert isinstance(error, errors.NotFound)
    try:
        with os.scandir(error.where) as entries:
            names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    except OSError:
        names = []
    near = nearest(error.name, names)
    meant = [f"did you mean {near!r}? {spelling.spell('show NAME', near)}"] if near else []
    return [*meant, spelling.spell("list"), spelling.spell("create NAME KEY=VALUE", error.name)]


def _moved(error: Exception, spelling: Spells) -> list[str]:
    assert isinstance(error, errors.MovedAway)
    reference = getattr(spelling, "reference", ANY_CHART)
    model = getattr(spelling, "model_reference", None) or getattr(spelling, "model", None)
    with suppress(errors.StatechartError):
        named = None if reference == ANY_CHART else find_attribute(reference)
        if isinstance(named, ChartRepository):
            show = spelling.spell("show NAME", error.name)
            return [f"give {reference} the store {shell_word(error.to)} in the program, then {show}"]
    return [Spelling(reference, model, error.to).spell("show NAME", error.name)]


def _locked(error: Exception, spelling: Spells) -> list[str]:
    assert isinstance(error, errors.Locked)
    return [spelling.spell("show NAME", error.name), "to wait for the lock, add --lock-timeout 60"]


def _refused(error: Exception, spelling: Spells) -> Sequence[str]:
    assert isinstance(error, errors.InvalidTransition)
    name = name_in(error)
    events = [spelling.spell(f"fire NAME {event}", name) for event in error.allowed]
    return [*events, spelling.spell("allowed NAME", name)]


def _payload(error: Exception, spelling: Spells) -> Sequence[str]:
    names = getattr(error, "names", ())
    event = getattr(error, "event", "EVENT")
    return [spelling.spell(" ".join([f"fire NAME {event}", *(f"{name}=VALUE" for name in names)]))]


def _refused_document(error: Exception, spelling: Spells) -> Sequence[str]:
    assert isinstance(error, errors.DocumentRefused)
    correct = f"correct the document, then {spelling.spell('diagram')}"
    if error.missing is None:
        return [correct]
    loaded = f"chart = statechart.load({error.where!r}, methods={{{error.missing!r}: ...}})"
    return [f"write {loaded} in a module, and name it as MODULE:chart", correct]


def _damaged(error: Exception, spelling: Spells) -> Sequence[str]:
    name = getattr(error, "name", "NAME")
    return [
        f"restore its files from a backup, then {spelling.spell('verify NAME', name)}",
        "to go on from the last record that can be read, see JsonFileRepository.rebase",
    ]


_WITH_MIGRATIONS = (
    "give a ChartRepository the migration, and name it instead of the chart: MODULE:REPOSITORY"
)


def _unfit(error: Exception, spelling: Spells) -> Sequence[str]:
    return [_WITH_MIGRATIONS, spelling.spell("verify NAME", getattr(error, "name", "NAME"))]


def _migration(error: Exception, spelling: Spells) -> Sequence[str]:
    assert isinstance(error, errors.UnknownState)
    return [
        spelling.spell("verify NAME", error.recorded),
        _WITH_MIGRATIONS,
    ]


_UNKNOWN_RECORDED: Kind[Spells] = Kind(ExitCode.STORAGE, "unknown_state", _migration)
"""A state that was not typed, but recorded."""

_ILLEGAL_RECORDED: Kind[Spells] = Kind(ExitCode.STORAGE, "illegal_configuration", _migration)
"""A configuration that was not typed, but recorded."""

KINDS: dict[type[BaseException], Kind[Spells]] = {
    # usage
    errors.InvalidName: Kind(ExitCode.USAGE, "invalid_name", say(_LIST)),
    errors.InvalidValue: Kind(ExitCode.USAGE, "invalid_value", say(_SHOW)),
    errors.ChartNotFound: Kind(ExitCode.USAGE, "chart_not_found", say("python -m statechart --help")),
    errors.ChartDefinitionError: Kind(
        ExitCode.USAGE, "chart_definition", say("correct the chart, then python -m statechart diagram")
    ),
    errors.DocumentRefused: Kind(ExitCode.USAGE, "document_refused", _refused_document),
    errors.InvalidCursor: Kind(ExitCode.USAGE, "invalid_cursor", say("python -m statechart events --json")),
    errors.UnknownState: Kind(ExitCode.USAGE, "unknown_state", say(_TABLE)),
    errors.IllegalConfiguration: Kind(ExitCode.USAGE, "illegal_configuration", say(_TABLE)),
    errors.UnknownEvent: Kind(ExitCode.USAGE, "unknown_event", say(_TABLE)),
    errors.InternalEvent: Kind(ExitCode.USAGE, "internal_event", say(_TABLE)),
    errors.Unstable: Kind(
        ExitCode.USAGE, "unstable", say("correct the chart, then python -m statechart simulate")
    ),
    errors.ReservedPayload: Kind(ExitCode.USAGE, "payload", _payload),
    errors.UnknownPayload: Kind(ExitCode.USAGE, "payload", _payload),
    errors.InvalidPayload: Kind(ExitCode.USAGE, "payload", _payload),
    errors.MissingPayload: Kind(ExitCode.USAGE, "payload", _payload),
    errors.Unexplored: Kind(ExitCode.USAGE, "unexplored", say(_TABLE)),
    errors.NoSuchPath: Kind(ExitCode.USAGE, "no_such_path", say(_TABLE)),
    errors.NoSuchMoment: Kind(ExitCode.USAGE, "no_such_moment", say("python -m statechart history NAME")),
    errors.DiagramUnavailable: Kind(
        ExitCode.USAGE, "diagram_unavailable", say("python -m statechart diagram --format svg")
    ),
    errors.PageError: Kind(
        ExitCode.USAGE, "page", say("correct the page, then python -m statechart docs check")
    ),
    errors.PageErrors: Kind(
        ExitCode.USAGE, "page", say("correct the pages, then python -m statechart docs check")
    ),
    # not found, not allowed, conflict
    errors.MovedAway: Kind(ExitCode.NOT_FOUND, "moved_away", _moved),
    errors.NotFound: Kind(ExitCode.NOT_FOUND, "not_found", _nearest),
    errors.InvalidTransition: Kind(ExitCode.NOT_ALLOWED, "invalid_transition", _refused),
    errors.AlreadyExists: Kind(ExitCode.CONFLICT, "already_exists", say(_SHOW)),
    errors.Locked: Kind(ExitCode.CONFLICT, "locked", _locked),
    errors.Conflict: Kind(ExitCode.CONFLICT, "conflict", say(_SHOW)),
    errors.Stale: Kind(ExitCode.CONFLICT, "stale", say(_SHOW)),
    errors.Diverged: Kind(ExitCode.CONFLICT, "diverged", say(_SHOW)),
    # storage
    errors.CorruptHistory: Kind(ExitCode.STORAGE, "corrupt_history", _damaged),
    errors.UnfitValue: Kind(ExitCode.STORAGE, "unfit_value", _unfit),
    errors.UnusableSegment: Kind(
        ExitCode.STORAGE,
        "unusable_segment",
        say(
            "undo its compression or restore it from a backup, then python -m statechart verify NAME", _SHOW
        ),
    ),
    errors.MissingSegment: Kind(
        ExitCode.STORAGE,
        "missing_segment",
        say("put the file back, then python -m statechart verify NAME", _SHOW),
    ),
    errors.DamagedNames: Kind(ExitCode.STORAGE, "damaged_names", say("python -m statechart verify")),
    errors.NewerSchema: Kind(
        ExitCode.STORAGE,
        "newer_schema",
        say("name the ChartRepository with its schema_version instead of the chart: MODULE:REPOSITORY"),
    ),
    errors.MigrationFailed: Kind(ExitCode.STORAGE, "migration_failed", say("python -m statechart verify")),
    errors.OnNetwork: Kind(
        ExitCode.STORAGE,
        "on_network",
        say("if no other machine writes there, set STATECHART_ALLOW_NETWORK_FILESYSTEM=1"),
    ),
    errors.NotOurs: Kind(
        ExitCode.STORAGE, "not_ours", say(f"move the file away or use another --store, then {_LIST}")
    ),
    errors.LeaseLost: Kind(ExitCode.STORAGE, "lease_lost", say(_SHOW)),
    errors.CommitUncertain: Kind(ExitCode.STORAGE, "commit_uncertain", say(_SHOW)),
    errors.NotDamaged: Kind(ExitCode.NOT_ALLOWED, "not_damaged", say(_SHOW)),
    errors.StorageError: Kind(ExitCode.STORAGE, "storage", of_the_storage),
    OSError: Kind(ExitCode.STORAGE, "storage", of_the_system),
    **databases.DATABASE_KINDS,
    ValidationError: Kind(
        ExitCode.STORAGE, "corrupt_history", say("restore the files from a backup, then " + _LIST)
    ),
}
"""The report of each class of errors; a class without an entry has that of its nearest base."""
