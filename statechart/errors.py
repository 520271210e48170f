"""The errors of charts and of their storage::

    StatechartError
    ├── ChartDefinitionError (TypeError)   a chart that can't be committed once per event
    │   └── DocumentRefused (ValueError)   a document that can't become a chart, with the line
    ├── UnknownEvent (LookupError)         no event has this name; the nearest is named
    │   └── InternalEvent                  an event that only the chart itself raises
    ├── UnknownState (LookupError)         no state has this name; the nearest is named
    │   └── IllegalConfiguration           states that can't be active together, or not in this chart
    ├── Unstable (RuntimeError)            an event whose microsteps do not end; nothing was committed
    ├── Unexplored (LookupError)           a chart has too many configurations to find a path
    ├── InvalidTransition                  the chart does not allow the event in this state
    ├── NestedFire (RuntimeError)          an event fired from inside a hook of another
    ├── ReservedPayload (TypeError)        a payload keyword that the engine would drop
    ├── UnknownPayload (TypeError)         a payload keyword that nothing takes; the nearest is named
    ├── InvalidPayload (TypeError, ValueError)   a payload of another type than a guard or hook declares
    ├── MissingPayload (TypeError)         a guard or hook needs a payload keyword that was not given
    ├── NotCopyable (TypeError)            a machine that commits can't be copied or pickled
    ├── NoSuchPath (LookupError)           an event can't follow the events before it
    ├── InvalidCursor (ValueError)         a text says not from where to tell changes, or of another store
    ├── NoSuchMoment (LookupError)         a value did not exist at that revision or time
    ├── ChartNotFound (LookupError)        `module:Chart` leads to no chart; says where, and why
    ├── DiagramUnavailable                 a format needs a program that is not installed
    ├── PageError                          a page of documentation that can't be checked or written
    ├── PageErrors                         several page errors
    └── StorageError                       the storage failed; its cause is kept
        ├── InvalidValue (ValueError, TypeError)   a value that could not be read again, and was not written
        ├── InvalidName (ValueError)       the name is not allowed
        ├── NotFound (LookupError)         the name does not exist
        │   └── MovedAway                  the name was moved to another store
        ├── OnNetwork                      the directory is on a network file system, where locks don't hold
        ├── NotOurs                        files of another program are in the way
        ├── Conflict                       another process was faster
        │   ├── AlreadyExists (FileExistsError)   the name is taken
        │   ├── Stale                      the value was changed since it was read
        │   ├── Diverged                   a history that moves here left with other records earlier
        │   └── Locked (TimeoutError)      another holder has the lock
        ├── LeaseLost                      the lock, lease or journal of a session is lost
        ├── CommitUncertain                the last append may or may not be durable
        ├── MigrationFailed                a migration raised an error, which is its cause
        ├── DamagedNames                   some of many values can't be read; the others are in the error
        ├── NotDamaged                     a history is sound, and there is no need to rebase
        ├── CorruptHistory                 journal and document contradict each other, or are damaged
        ├── UnusableSegment                an ended segment of a history can't be read; later records can
        │   └── MissingSegment (LookupError)   an ended segment is not where it belongs
        └── NewerSchema                    written by a newer version of the program

`ChartWarning (UserWarning)` tells of a declaration that is accepted, and may be meant otherwise.

All are built from facts, which stay readable as attributes, and survive pickling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from statechart.wording import counted, listed, nearest

if TYPE_CHECKING:
    from statechart.holder import Holder


Where: TypeAlias = "str | Path"
"""A place in a store: the path of a file or directory, or the URL of a database, without its password."""


class StatechartError(Exception):
    """The root of this package's errors.

    Subclasses are built from facts, which stay readable as attributes and survive pickling.
    """

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
        return _restore, (type(self), self.args), self.__dict__


def _restore(kind: type[StatechartError], args: tuple[Any, ...]) -> StatechartError:
    error = kind.__new__(kind, *args)
    error.args = args
    return error


class ChartWarning(UserWarning):
    """A chart may not do what its declaration seems to say; the message names the place.

    Filter it as any warning, once what it tells is meant.
    """


class ChartDefinitionError(StatechartError, TypeError):
    """A chart whose declaration can't be committed once per event."""


class DocumentRefused(ChartDefinitionError, ValueError):
    """A document that can't become a chart.

    Attributes:
        where: The file, or `the document` for text.
        problem: The problem, and what to do about it.
        line: The line, counted from 1, or None.
        place: The path to the key in JSON and YAML, or None.
    """

    def __init__(
        self, where: str, problem: str, *, line: int | None = None, place: str | None = None
    ) -> None:
        self.where = where
        self.problem = problem
        self.line = line
        self.place = place
        at = ", ".join(each for each in (where, line and f"line {line}", place) if each)
        super().__init__(f"{at}: {problem}")


class _UnknownName(StatechartError, LookupError):
    kind = "name"

    def __init__(self, chart: str, name: str, known: Iterable[str]) -> None:
        self.chart = chart
        self.name = name
        self.known: tuple[str, ...] = tuple(known)
        self.nearest: str | None = nearest(name, self.known)
        hint = f"did you mean {self.nearest!r}?" if self.nearest else f"known are {listed(self.known)}"
        if name in self.known:  # by its text: states have values of many types
            hint = f"its {name} is a value of another type"
        super().__init__(f"{chart} has no {self.kind} {name!r}: {hint}")


class UnknownEvent(_UnknownName):
    """The chart has no event of this name."""

    kind = "event"


class UnknownState(_UnknownName):
    """The chart has no state of this name.

    Attributes:
        recorded: The name of the value that is recorded in this state, or None.
    """

    kind = "state"

    def __init__(self, chart: str, name: str, known: Iterable[str], recorded: str | None = None) -> None:
        super().__init__(chart, name, known)
        self.recorded = recorded
        if recorded is not None:
            needs = "is recorded in a state that needs a migration (statechart.stored.migrations)"
            self.args: tuple[Any, ...] = (f"{recorded!r} {needs}: {self.args[0]}",)


class IllegalConfiguration(UnknownState):
    """A chart can't be in such a configuration, since its states contradict each other or the chart.

    Attributes:
        problem: The problem, as a clause.
    """

    def __init__(self, chart: str, configuration: str, problem: str, recorded: str | None = None) -> None:
        StatechartError.__init__(self, f"{chart} can't be in {configuration}: {problem}")
        self.chart = chart
        self.name = configuration
        self.known: tuple[str, ...] = ()
        self.nearest: str | None = None
        self.problem = problem
        self.recorded = recorded
        if recorded is not None:
            needs = "is recorded in a configuration that needs a migration (statechart.stored.migrations)"
            self.args: tuple[Any, ...] = (f"{recorded!r} {needs}: {self.args[0]}",)


class InternalEvent(UnknownEvent):
    """An event that the chart raises itself was fired from outside."""

    def __init__(self, chart: str, name: str, known: Iterable[str]) -> None:
        StatechartError.__init__(
            self, f"{chart} raises {name} itself: it can't be fired; events that can: {listed(known)}"
        )
        self.chart = chart
        self.name = name
        self.known: tuple[str, ...] = tuple(known)
        self.nearest: str | None = None


class Unstable(StatechartError, RuntimeError):
    """An event did not come to rest: its microsteps lead from one to the next without an end.

    Attributes:
        microsteps: The number after which the chart gave up; nothing was committed.
        events: The events of the last microsteps, `always` for transitions without an event.
    """

    def __init__(self, chart: str, event: str, microsteps: int, events: Iterable[str]) -> None:
        self.chart = chart
        self.event = event
        self.microsteps = microsteps
        self.events: tuple[str, ...] = tuple(events)
        super().__init__(
            f"{event} of {chart} does not come to rest after {microsteps} microsteps, the last by "
            f"{listed(dict.fromkeys(self.events))}: nothing was committed; give one of these a guard"
        )


class Unexplored(StatechartError, LookupError):
    """A chart has more configurations than were to be looked at, and no path was found among these.

    Attributes:
        chart: The chart's class name.
        target: The configuration that a path was to lead to.
        limit: The most configurations that were looked at.
    """

    def __init__(self, chart: str, target: str, limit: int) -> None:
        self.chart = chart
        self.target = target
        self.limit = limit
        super().__init__(
            f"{chart} has no path to {target!r} among its nearest {limit:,} configurations, and there are "
            "more: give a greater limit"
        )


class InvalidTransition(StatechartError):
    """The chart does not allow an event in the present state.

    Attributes:
        chart: The chart's class name.
        event: The event that was refused.
        subject: The name of the chart's subject, or None.
        state: The state, unchanged.
        allowed: The events that the state and the guards allow now.
        reasons: The reason of each transition of the event that was tried, in order; empty if the chart
            declares none from this state. If several states without states within them are active, the
            reason of each of these that refused.
        targets: The states that these transitions lead to.
        leaves: The active states that refused, beside `reasons`; empty if only one state is active.
        reason: The first of the reasons, or None.
    """

    def __init__(
        self,
        *,
        chart: str,
        event: str,
        subject: str | None,
        state: str,
        allowed: Iterable[str],
        reason: str | None = None,
        tried: Iterable[tuple[str, str]] = (),
        leaves: Iterable[str] = (),
    ) -> None:
        tried = tuple(tried)
        self.chart = chart
        self.event = event
        self.subject = subject
        self.state = state
        self.allowed: tuple[str, ...] = tuple(allowed)
        self.targets: tuple[str, ...] = tuple(target for target, _ in tried)
        self.reasons: tuple[str, ...] = tuple(why for _, why in tried) or ((reason,) if reason else ())
        reason = next(iter(self.reasons), None)
        self.reason = reason
        self.leaves: tuple[str, ...] = tuple(leaves)
        what = f"{event} {subject!r}" if subject is not None else event
        places = [f"in {leaf}" for leaf in self.leaves] or [f"to {target}" for target in self.targets]
        pairs = zip(places, self.reasons, strict=False)
        told = [f"{place}: {why}" for place, why in pairs] if len(set(self.reasons)) > 1 else []
        why = "".join(f"{each}; " for each in told or self.reasons[:1])
        verb = "is" if len(self.allowed) < 2 else "are"
        super().__init__(f"cannot {what} in state {state}: {why}allowed now {verb} {listed(self.allowed)}")


class NestedFire(StatechartError, RuntimeError):
    """An event was fired while another event was being committed."""

    def __init__(self, chart: str, event: str) -> None:
        self.chart = chart
        self.event = event
        super().__init__(
            f"{event} was sent to {chart} past fire(), or from inside a hook: events are committed one at "
            f"a time; call fire({chart}.{event}, ...), after the previous fire() has returned, or "
            f"raise_({event!r}) in the hook"
        )


class ReservedPayload(StatechartError, TypeError):
    """Payload keywords that the engine reserves for itself, and would silently drop."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names: tuple[str, ...] = tuple(names)
        super().__init__(f"reserved payload names: {listed(self.names)}; choose others")


class UnknownPayload(StatechartError, TypeError):
    """A payload keyword that nothing takes: it looks like a misspelt one, or the record leaves it out.

    Attributes:
        nearest: The keyword that was probably meant, or None.
    """

    def __init__(
        self, chart: str, event: str, name: str, meant: str | None, known: Iterable[str] = ()
    ) -> None:
        self.chart = chart
        self.event = event
        self.name = name
        self.nearest = meant
        lost = f", and record_payload leaves it out of the record: known are {listed(known)}"
        hint = f": did you mean {meant!r}?" if meant is not None else lost
        super().__init__(f"{event} of {chart} takes no payload {name!r}{hint}")


class InvalidPayload(StatechartError, TypeError, ValueError):
    """A payload keyword has a value that a guard or hook does not take, by the annotation of its parameter.

    Attributes:
        needed_by: The guard or hook, such as `guard is_enough`.
        problem: The problem, in pydantic's words.
    """

    def __init__(
        self, chart: str, event: str, name: str, given: object, needed_by: str, problem: str
    ) -> None:
        self.chart = chart
        self.event = event
        self.name = name
        self.needed_by = needed_by
        self.problem = problem
        # Not the value: a secret may have been given as a string.
        kind = type(given).__name__
        super().__init__(
            f"{event} of {chart} can't take a payload {name!r} of the type {kind}: {problem}, "
            f"as its {needed_by} declares"
        )


class MissingPayload(StatechartError, TypeError):
    """A guard or hook of an event needs payload keywords that were not given.

    Attributes:
        needed_by: The guard or hook, such as `guard is_enough`.
        names: The missing keywords.
        within: The part of the event that needs them, such as `the raised event tick`; None if it is the
            event itself.
    """

    def __init__(
        self,
        chart: str,
        event: str,
        needed_by: str,
        names: Iterable[str],
        given: Iterable[str] = (),
        *,
        within: str | None = None,
    ) -> None:
        self.chart = chart
        self.event = event
        self.needed_by = needed_by
        self.names: tuple[str, ...] = tuple(names)
        self.within = within
        call = ", ".join(f"{name}=..." for name in self.names)
        if within is not None:
            super().__init__(
                f"{within}, which follows from {event} of {chart}, does not have its payload: "
                f"{needed_by} takes {listed(self.names)}, so give a default value"
            )
            return
        meant = next((near for name in self.names if (near := nearest(name, given))), None)
        instead = f" instead of {meant}" if meant is not None else ""
        super().__init__(
            f"{event} of {chart} lacks the payload {listed(self.names)}, which its {needed_by} takes: "
            f"fire it with {call}{instead}"
        )


class NotCopyable(StatechartError, TypeError):
    """A machine that commits, or that is firing an event, can't be copied or pickled."""

    def __init__(self, chart: str, event: str | None = None) -> None:
        self.chart = chart
        self.event = event
        commits = (
            f"a machine of {chart} that commits can't be copied or pickled, as both would commit to one "
            f"record: copy its model, and build another machine: {chart}(model)"
        )
        fires = (
            f"a machine of {chart} can't be copied or pickled while it fires {event}, as its model is a "
            "draft: copy the machine after fire() has returned"
        )
        super().__init__(commits if event is None else fires)


class NoSuchPath(StatechartError, LookupError):
    """An event can't follow the events before it.

    Attributes:
        allowed: The events that can.
    """

    def __init__(self, chart: str, event: str, state: str, allowed: Iterable[str]) -> None:
        self.chart = chart
        self.event = event
        self.state = state
        self.allowed: tuple[str, ...] = tuple(allowed)
        what = f"in {chart}, {event} does not leave {state}"
        super().__init__(f"{what}; events that do: {listed(self.allowed)}")


class InvalidCursor(StatechartError, ValueError):
    """A text is not a cursor, not the whole of one, or that of another store.

    Attributes:
        text: The text.
        problem: The problem.
    """

    def __init__(
        self, text: str, problem: str = "copy the whole cursor of the last change that you have seen"
    ) -> None:
        self.text: str = str(text)
        self.problem = problem
        shown = self.text if len(self.text) <= _LONGEST else f"{self.text[:_LONGEST]}…"
        super().__init__(f"{shown!r} is not a cursor of this store: {problem}")


_LONGEST = 40  # characters of a cursor that are repeated


class NoSuchMoment(StatechartError, LookupError):
    """A value did not exist at a revision or time."""

    def __init__(self, name: str, moment: str, known: str) -> None:
        self.name = name
        self.moment = moment
        self.known = known
        super().__init__(f"{name!r} did not exist at {moment}: {known}")


class ChartNotFound(StatechartError, LookupError):
    """A reference leads to no chart. The message says why, and what to write instead.

    Attributes:
        reference: The reference, as given.
        place: The file and line to mend, as `FILE:LINE`, or None.
    """

    def __init__(self, reference: str, reason: str, place: str | None = None) -> None:
        self.reference = reference
        self.place = place
        super().__init__(f"{place}: {reason}" if place else f"{reference!r}: {reason}")


class DiagramUnavailable(StatechartError):
    """A format needs a program that is not installed or fails; the message names the program."""


class PageError(StatechartError):
    """A page can't be checked or written. The message begins with its file and line.

    Attributes:
        path: The page.
        line: The line, counted from 1, or None for the whole file.
    """

    def __init__(self, path: Path, line: int | None, what: str) -> None:
        self.path = path
        self.line = line
        place = f"{path}:{line}" if line is not None else str(path)
        super().__init__(f"{place}: {what}")


class PageErrors(StatechartError):
    """The problems of several pages.

    Attributes:
        problems: A line for each problem, beginning with the place.
    """

    def __init__(self, errors: Iterable[PageError]) -> None:
        self.problems: tuple[str, ...] = tuple(map(str, errors))
        super().__init__("\n".join(self.problems))


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
