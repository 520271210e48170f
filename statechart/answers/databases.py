"""Databases: the exit code, the code and the next commands of each error of a store in a database."""

from __future__ import annotations

from typing import Any, Final

from statechart.storage.sql import errors
from statechart.terminal.program.kinds import Kind
from statechart.terminal.report import ExitCode
from statechart.terminal.settings import Spells, shell_word


def _steps(error: Exception, spelling: Spells) -> list[str]:
    """Return the steps that an error names, as this program is called."""
    assert isinstance(error, errors.DatabaseFailed)
    steps = [step.replace("envchart store", f"{spelling.program} store") for step in error.next]
    look = f"{spelling.program} store check --store {shell_word(error.where)}"
    return steps if any(" store " in step for step in steps) else [*steps, look]


def _address(error: Exception, spelling: Spells) -> list[str]:
    assert isinstance(error, errors.InvalidUrl)
    return [f"{spelling.program} store check --store {shell_word(error.instead)}"]


def _packages(error: Exception, spelling: Spells) -> list[str]:
    assert isinstance(error, errors.DriverMissing)
    look = f"{spelling.program} store check --store {shell_word(error.where)}"
    return [f"pip install 'envchart[sql]', then {look}"]


_CODES: Final[dict[type[errors.DatabaseFailed], str]] = {
    errors.DatabaseFailed: "database",
    errors.StoreUnreachable: "store_unreachable",
    errors.TooManyConnections: "too_many_connections",
    errors.StoreBusy: "store_busy",
    errors.WrongCredentials: "wrong_credentials",
    errors.NoSuchDatabase: "no_such_database",
    errors.NotADatabase: "not_a_database",
    errors.WrongEncoding: "wrong_encoding",
    errors.NotPermitted: "not_permitted",
    errors.ReadOnlyStore: "read_only_store",
    errors.StoreFull: "store_full",
    errors.HistoryProtected: "history_protected",
    errors.SchemaMissing: "schema_missing",
    errors.SchemaOlder: "schema_older",
    errors.SchemaNewer: "schema_newer",
}

DATABASE_KINDS: Final[dict[type[BaseException], Kind[Any]]] = {  # Any: of each program
    errors.InvalidUrl: Kind(ExitCode.USAGE, "invalid_url", _address),
    errors.DriverMissing: Kind(ExitCode.USAGE, "driver_missing", _packages),
    **{kind: Kind(ExitCode.STORAGE, code, _steps) for kind, code in _CODES.items()},
}
"""The report of each class of errors of a database; to be taken over by each program."""


def summary(error: Exception) -> str:
    """Return the message of an error whose next steps are told apart from it."""
    return error.summary if isinstance(error, errors.DatabaseFailed) else str(error)
