"""A name that is held in a database: a row with a lease, and a fence that every write compares."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from copy import copy
from typing import Final

from statechart.errors import CommitUncertain, LeaseLost, StorageError
from statechart.holder import Holder
from statechart.log import warn
from statechart.storage.chain import Head
from statechart.storage.record import Line, Record
from statechart.storage.segments.size import checkpoint
from statechart.storage.sql.leases.outcome import PATIENCE, answered, has_begun, is_unsure, read_back
from statechart.storage.sql.leases.statements import (
    APPEND,
    APPEND_AND_SHOW,
    LET_GO,
    MOVE,
    MOVE_AND_SHOW,
    PUT,
    STILL,
)
from statechart.storage.sql.reading import Lease, Names, Present, Rows, record_of, segment_of
from statechart.storage.sql.threads.heartbeat import first_due
from statechart.storage.values.deadlines import earliest
from statechart.storage.values.held import LeaseWatcher

_WORK: Final = 2 / 3
"""The part of a lease in which work goes on; the rest is for ending it."""

_TAKEN: Final = "was taken over by another holder"


class HeldRow:
    """A name whose row this process has; see `statechart.storage.values.held.Held`.

    Attributes:
        lineage: The incarnation of the name.
        text: The holder, as the row has it.
        fence: The number that every write compares with the row's.
        ttl: The seconds of a lease.
        due: The time of the next renewal, by `lease_time`.
        until: The time until which work may go on.
        rows: The row of the name and the lines of its present segment, if they were read with the taking.
        keep: Called at the end of a session with the name and its lease for the next one, if it is kept.
        trouble: The reason why the last renewal did not succeed so far, or an empty text.
    """

    rows: Rows | None = None
    keep: Callable[[str, HeldRow], None] | None = None

    def __init__(
        self, names: Names, name: str, holder: Holder, before: Lease, *, fence: int, ttl: float, at: float
    ) -> None:
        self.holder: Holder = holder
        self.crashed: Holder | None = before.holder
        self.released_by: Holder | None = None
        if before.holder is None and before.released_by is not None:
            self.released_by = Holder.model_validate_json(before.released_by)
        self.notes: tuple[str, ...] = ()
        self.lineage: str = before.lineage
        self.fence: int = fence
        self.ttl: float = ttl
        self.due: float = first_due(at, ttl)
        self.until: float = at + ttl * _WORK
        self._names = names
        self._name = name
        self._before = before
        self.text: str = holder.model_dump_json()
        self._released_by: str | None = None  # the last holder that closed a session; with one that is kept
        self._pid = os.getpid()
        self.trouble: str = ""
        self._lost = ""
        self._end: tuple[Head, int] | None = None  # the head, and the first record of its segment
        self._pending: Line | None = None
        self._watchers: list[LeaseWatcher] = []
        self._has_told = False
        names.database.let_go.pop(before.lineage, None)
        names.database.leases.add(names.database.changed, self)

    def begin_at(self, present: Present) -> None:
        """Take note of the end of the history, once it is read."""
        self._end = (present.head, present.opening.seq)

    @property
    def head(self) -> Head:
        """The end of the history."""
        assert self._end is not None
        return self._end[0]

    @property
    def records(self) -> int:
        """The number of records in the present segment."""
        assert self._end is not None
        head, first = self._end
        return head.seq - first + 1

    def is_still(self, head: Head) -> bool:
        """Return whether the history certainly ends with a head."""
        return self.head == head and not self._is_unsettled

    def check(self) -> None:
        """Check in the database that the name is still held."""
        self._require_usable()
        mine = self._names.rows(STILL, {"of": self.lineage, "me": self.text})
        if [row.fence for row in mine] != [self.fence]:
            self._lose(_TAKEN)

    def append(self, line: Line, shown: Callable[[], bytes]) -> None:
        """Append a line, with the value after it, in a transaction."""
        assert self._end is not None
        value, version = shown().decode(), line.record.schema_version
        self._write(line, self._end[1], value=value, schema_version=version, due=earliest(value))

    def show(self, record: Record, head: Head, version: int) -> None:
        """Do nothing: the row was changed with the append."""

    def checkpoint(self, actor: str, value: bytes, version: int) -> tuple[Line, str]:
        """Return the line that begins the next segment, and a file name for the present segment."""
        self._require_usable()
        assert self._end is not None
        head, first = self._end
        content = segment_of(self._names.database, self.lineage, first)
        if len(content) != head.size:
            raise StorageError(f"{self._place} is not as it was written")
        file = f"history.{first:08}-{head.seq:08}.jsonl"
        line = checkpoint(
            content,
            head,
            first_seq=first,
            file=file,
            name=self._name,
            actor=actor,
            value=value,
            version=version,
        )
        return line, file

    def begin(self, line: Line, ended: str) -> None:  # noqa: ARG002 (rows have no files)
        """Begin the next segment with its first line."""
        self._write(line, line.head.seq)

    def watch(self, watcher: LeaseWatcher) -> None:
        """Tell a watcher each renewal, the last at once, and the loss."""
        self._watchers.append(watcher)
        watcher.renewed(self.until)
        if self._has_told:
            watcher.lost(self._why)
        self._names.database.leases.watch(self._names.database.changed, self)

    @property
    def is_lost(self) -> bool:
        """Whether the name is known to be lost, or was let go."""
        return bool(self._lost) or self._pid != os.getpid()

    def close(self, *, undo: bool) -> None:
        """Let the name go; if the database is away, the lease ends by itself, and here at once."""
        if self.is_lost:
            return
        if not undo:
            self._released_by = self.holder.model_dump_json()
        if self.keep is not None and not self._is_unsettled:
            self.keep(self._name, self._for_next(undo=undo))
            return
        self._lost = "was closed"
        database = self._names.database
        database.leases.discard(self)
        text = self._before.text if self._released_by is None else None
        letting_go = {
            "of": self.lineage,
            "me": self.text,
            "next_holder": text,
            "until": 0.0 if text else None,
            "by": self._released_by,
            # So that it does not land behind another holder's look.
            "more": 1 if self._is_unsettled else 0,
        }
        # Twice: the connection may have died.
        for _ in range(2):
            with suppress(StorageError):
                if database.changed(LET_GO, letting_go):
                    self._names.tell(self._name)
                break
        else:
            database.let_go[self.lineage] = self.text
        with database.released:
            database.released.notify_all()

    def _for_next(self, *, undo: bool) -> HeldRow:
        """Return the same lease for another session, and be of no more use."""
        following = copy(self)
        following.crashed = None
        if not undo:
            following.released_by = self.holder
        following._watchers = []
        following._has_told = False
        leases = self._names.database.leases
        leases.add(self._names.database.changed, following)
        self._lost = "was closed"
        leases.discard(self)
        return following

    @property
    def is_watched(self) -> bool:
        """Whether a watcher has still to be told a loss."""
        return bool(self._watchers) and not self._has_told

    def renewed(self, at: float) -> None:
        """Take note of a renewal at a time, by `lease_time`."""
        if self._lost:
            return  # it was let go while the heartbeat asked
        self.until = at + self.ttl * _WORK
        if not self._has_told:
            for watcher in self._watchers:
                watcher.renewed(self.until)

    def taken_over(self) -> None:
        """Take note that another holder has the name."""
        if self._lost:
            return  # it was let go while the heartbeat asked
        self._lost = _TAKEN
        self.trouble = "another holder has taken it over"
        self._names.database.leases.discard(self)
        self.tell_lost()

    def tell_lost(self) -> None:
        """Tell the watchers once that the time is over."""
        if not self._has_told:
            self._has_told = True
            for watcher in self._watchers:
                watcher.lost(self._why)

    @property
    def _why(self) -> str:
        return self.trouble or "this process, or its machine, was held up for longer than the lease"

    @property
    def _place(self) -> str:
        return self._names.place(self._name)

    @property
    def _is_unsettled(self) -> bool:
        # The head is compared, since an interruption may come between two assignments.
        return self._pending is not None and self._pending.head != self.head

    def _require_usable(self) -> None:
        if self._pid != os.getpid():
            raise LeaseLost(self._name, self._place, "is held by the process that this one was forked from")
        if self._lost:
            raise LeaseLost(self._name, self._place, self._lost)
        if self._is_unsettled:
            raise CommitUncertain(self._name)

    def _lose(self, problem: str) -> None:
        self._lost = self._lost or problem
        self._names.database.leases.discard(self)
        raise LeaseLost(self._name, self._place, self._lost)

    def _write(self, line: Line, first: int, **shown: object) -> None:
        """Append a line in a segment, once, whatever happens to the connection or interrupts."""
        self._require_usable()
        self._pending = line
        try:
            if not self._is_written(line, first, shown):
                self._pending = None
                self._lose(_TAKEN)
        except (CommitUncertain, LeaseLost):
            raise
        except StorageError:
            self._pending = None  # refused as a whole
            raise
        except BaseException:
            self._settle(line, first)
            raise
        self._end = (line.head, first)
        self._pending = None
        self._names.tell(self._name)

    def _is_written(self, line: Line, first: int, shown: dict[str, object]) -> bool:
        """Append a line; return False if the row is another holder's."""
        deadline = time.monotonic() + PATIENCE
        begun = False
        while True:
            try:
                return self._attempt(line, first, shown)
            except StorageError as error:
                if not is_unsure(error):
                    raise
                begun = begun or has_begun(error)
                problem = error
            try:
                fence, is_there = answered(self._name, lambda: self._read_back(line), deadline)
            except CommitUncertain:
                if begun:
                    raise
                raise problem from None
            if is_there or fence is None:
                return is_there

    def _attempt(self, line: Line, first: int, shown: dict[str, object]) -> bool:
        before, after = self.head, line.head
        moved = {
            "of": self.lineage,
            "before": before.seq,
            "hash_before": before.hash,
            "mine": self.fence,
            "seq": after.seq,
            "revision": after.revision,
            "hash": after.hash,
            "size": after.size,
            "segment": first,
            **shown,
        }
        database = self._names.database
        if database.file is None:
            append = APPEND_AND_SHOW if shown else APPEND
            return bool(database.changed(append, {**moved, "line": line.content}))
        with database.writing() as connection:
            if connection.execute(MOVE_AND_SHOW if shown else MOVE, moved).rowcount != 1:
                return False
            connection.execute(PUT, record_of(line, first))
        return True

    def _read_back(self, line: Line) -> tuple[int | None, bool]:
        """Move the fence, and return it with whether a line is on record."""
        fence, is_there = read_back(self._names.database, self.lineage, self.text, line, self.ttl)
        if fence is not None:
            self.fence = fence
        elif is_there:
            warn(f"Taken over: the last change of {self._name!r} is saved", name=self._name)
        return fence, is_there

    def _settle(self, line: Line, first: int) -> None:
        """Find out what became of an append that was interrupted; if that fails, every call raises."""
        with suppress(StorageError):
            _, is_there = self._read_back(line)
            if is_there:
                self._end = (line.head, first)
                self._names.tell(self._name)
            self._pending = None
