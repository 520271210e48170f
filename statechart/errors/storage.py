"""Errors of the storage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from statechart.errors.base import StatechartError, Where
from statechart.wording import counted, listed

if TYPE_CHECKING:
    from statechart.holder import Holder


class StorageError(StatechartError):
    """The storage could not do its work. The operating system's error is `__cause__`."""


class InvalidName(StorageError, ValueError):
    """The name is not allowed."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"{name!r} can't be a name: use 1 to 100 letters (a-z, A-Z), digits, dots, dashes and "
            "underscores, and begin with a letter or a digit"
        )


class InvalidValue(StorageError, ValueError, TypeError):
    """A value that could not be read again; nothing was written.

    Attributes:
        problem: The problem, with the field.
    """

    def __init__(self, name: str, problem: str) -> None:
        self.name = name
        self.problem = problem
        super().__init__(f"{name!r} can't be saved: {problem}; nothing was written")


class NotFound(StorageError, LookupError):
    """The name does not exist."""

    def __init__(self, name: str, where: str) -> None:
        self.name = name
        self.where = where
        super().__init__(f"there is no {name!r} in {where}")


class MovedAway(NotFound):
    """A name was moved to another store.

    Attributes:
        name: The name.
        where: The store that it left.
        to: The store that it was moved to.
    """

    def __init__(self, name: str, where: str, to: str) -> None:
        super().__init__(name, where)
        self.to = to
        self.args: tuple[Any, ...] = (f"{name!r} is not in {where} any more: it was moved to {to}",)


class _AtPlace(StorageError):
    where: Where

    @property
    def path(self) -> Path:
        """The file or directory; only of a store in files."""
        return Path(self.where)


class OnNetwork(StorageError):
    """A directory is on a network file system, where a lock does not keep other machines out.

    Attributes:
        path: The directory.
        kind: The type of the file system.
    """

    def __init__(self, path: Path, kind: str) -> None:
        self.path = path
        self.kind = kind
        super().__init__(
            f"{path} is on a network file system ({kind}), where a lock does not keep other machines out: "
            "two of them could change the same value at once, and one change would be lost. "
            "Use a local directory, or allow it (allow_network_filesystem) if no other machine ever "
            "writes there"
        )


class NotOurs(_AtPlace):
    """A path holds files of another program, which were left untouched."""

    def __init__(self, where: Where, problem: str) -> None:
        self.where: Where = where
        self.problem = problem
        super().__init__(f"{where} {problem}; nothing was touched")


class Conflict(StorageError):
    """Another process was faster; nothing was written."""


class AlreadyExists(Conflict, FileExistsError):
    """The name is taken."""

    def __init__(self, name: str, where: str) -> None:
        self.name = name
        self.where = where
        StorageError.__init__(self, f"{name!r} already exists in {where}")

    def __str__(self) -> str:
        return str(self.args[0])


class Stale(Conflict):
    """The value was changed, or replaced by another of the same name, since it was read."""

    def __init__(self, name: str, *, expected: int, actual: int, replaced: bool = False) -> None:
        self.name = name
        self.expected = expected
        self.actual = actual
        self.replaced = replaced
        what = (
            f"{name!r} was purged and created again since it was read"
            if replaced
            else f"{name!r} is at revision {actual}, not {expected}: it was changed since it was read"
        )
        super().__init__(f"{what}; load it again")


class Diverged(Conflict):
    """A history that moves to a store was there earlier, and left with records that it does not have.

    Attributes:
        name: The name.
        where: The store.
    """

    def __init__(self, name: str, where: str) -> None:
        self.name = name
        self.where = where
        super().__init__(
            f"{name!r} left {where} earlier, with records that the arriving history does not have: both "
            "went on, and nothing was moved. Decide which of the two is right"
        )


class Locked(Conflict, TimeoutError):
    """Another holder has the lock.

    Attributes:
        holder: The holder, as recorded in the lock file; None if unreadable.
        doing: The holder's present activity, in words, or None if unknown.
    """

    def __init__(self, name: str, holder: Holder | None, doing: str | None = None) -> None:
        self.name = name
        self.holder = holder
        self.doing = doing
        by = f": {holder.describe()}" if holder else " by another process"
        at = f", now {doing}" if doing else ""
        own = (
            "; this process has it open: use that session, or close it" if holder and holder.is_own else ""
        )
        StorageError.__init__(self, f"{name!r} is locked{by}{at}{own}")

    def __str__(self) -> str:
        return str(self.args[0])


class LeaseLost(_AtPlace):
    """A session holds its value no longer: the lease is over, files were replaced, or it was closed.

    Attributes:
        where: The file or the place in a database that shows the loss.
        problem: The change of that file, lease or session.
        is_recorded: Whether the end of the work was still recorded.
    """

    def __init__(
        self,
        name: str,
        where: Where,
        problem: str = "was removed or replaced",
        *,
        is_recorded: bool = False,
    ) -> None:
        self.name = name
        self.where: Where = where
        self.problem = problem
        self.is_recorded = is_recorded
        then = "the work was ended, which is recorded" if is_recorded else "nothing more was written"
        super().__init__(f"{where} {problem} while {name!r} was being changed; {then}; open it again")


class CommitUncertain(StorageError):
    """An append failed and could not be undone, so the last change may or may not be durable."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"it is uncertain whether the last change of {name!r} was saved; "
            "open it again: the record then decides"
        )


class CorruptHistory(_AtPlace):
    """Journal and document contradict each other, or are damaged; nothing was changed.

    Attributes:
        where: The damaged file.
        line: The damaged line, counted from 1, or None.
        problem: The damage.
    """

    def __init__(self, name: str, where: Where, problem: str, line: int | None = None) -> None:
        self.name = name
        self.where: Where = where
        self.problem = problem
        self.line = line
        place = f"{where}, line {line}" if line else str(where)
        super().__init__(f"the history of {name!r} is damaged ({place}): {problem}; nothing was touched")


class UnfitValue(CorruptHistory):
    """The value of a chart is recorded as its model no longer takes it; nothing was changed."""

    def __init__(self, name: str, where: Where, problem: str, line: int | None = None) -> None:
        super().__init__(name, where, problem, line)
        place = f"{where}, line {line}" if line else str(where)
        self.args: tuple[Any, ...] = (
            f"the history of {name!r} can't be read by this program ({place}): {problem}; nothing was "
            "touched: if the model or the chart has changed, it needs a migration "
            "(statechart.stored.migrations)",
        )


class MigrationFailed(_AtPlace):
    """A migration could not convert a record; its error is `__cause__`. The files are unchanged.

    Attributes:
        where: The file of the record.
        line: The record's line, counted from 1.
        version: The schema version that the migration converts.
        problem: The error of the migration.
        record: The number of the record: more than that of the line in a later segment.
    """

    def __init__(
        self, name: str, where: Where, line: int, version: int, problem: str, record: int | None = None
    ) -> None:
        self.name = name
        self.where: Where = where
        self.line = line
        self.record: int = line if record is None else record
        self.version = version
        self.problem = problem
        super().__init__(
            f"record {self.record} of {name!r} ({where}, line {line}) can't be migrated from schema "
            f"version {version} to {version + 1}: {problem}; nothing was touched: "
            f"correct migrations[{version}]"
        )


_SHOWN = 5  # names in a message


class DamagedNames(StorageError):
    """Some of many values can't be read.

    Attributes:
        found: The names that were asked for, of the values that can be read.
        errors: The error of each other name.
    """

    def __init__(self, where: str, found: Iterable[str], errors: Mapping[str, StatechartError]) -> None:
        self.where = where
        self.found: tuple[str, ...] = tuple(found)
        self.errors: dict[str, StatechartError] = dict(errors)
        names = [*self.errors][:_SHOWN]
        more = f" and {counted(len(self.errors) - _SHOWN, 'other')}" if len(self.errors) > _SHOWN else ""
        super().__init__(
            f"{counted(len(self.errors), 'value')} in {where} can't be read: {listed(names)}{more}; "
            f"the first: {next(iter(self.errors.values()), None)}"
        )


class NotDamaged(StorageError):
    """A history is sound, so there is no need to rebase."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"the history of {name!r} is sound: there is nothing to rebase")


class UnusableSegment(_AtPlace):
    """An ended segment of a history can't be read. The present value, and later records, can.

    Attributes:
        where: The file.
        first_seq: The number of its first record.
        last_seq: The number of its last record.
        problem: The reason.
    """

    def __init__(self, name: str, where: Where, first_seq: int, last_seq: int, problem: str) -> None:
        self.name = name
        self.where: Where = where
        self.first_seq = first_seq
        self.last_seq = last_seq
        self.problem = problem
        super().__init__(
            f"records {first_seq} to {last_seq} of {name!r} can't be read ({where}): {problem}; "
            "later records are not affected"
        )


class MissingSegment(UnusableSegment, LookupError):
    """An ended segment of a history is not where it belongs."""

    def __str__(self) -> str:
        return str(self.args[0])


class NewerSchema(_AtPlace):
    """A newer version of the program wrote a file."""

    def __init__(self, name: str, where: Where, found: int, known: int) -> None:
        self.name = name
        self.where: Where = where
        self.found = found
        self.known = known
        super().__init__(
            f"{where} has schema version {found}, but this program reads versions up to {known}: "
            "update the program"
        )
