"""A session: exclusive access to a name, until the session is closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Generic
from uuid import uuid4

from statechart.errors import InvalidValue, Stale, StorageError
from statechart.holder import Holder
from statechart.log import warn
from statechart.storage.chain import CREATED, Head, origin
from statechart.storage.record import Draft, Line, Record, line_after
from statechart.storage.segments.size import DEFAULT, Segment
from statechart.storage.values.codec import ChecksStates, Codec, Loaded, Migration, ModelT
from statechart.storage.values.held import Held, LeaseWatcher
from statechart.storage.values.secrecy import secrets_in

__all__ = ["ChecksStates", "Codec", "Loaded", "Migration", "ModelT", "Session", "secrets_in", "written"]


def written(head: Head, draft: Draft, name: str) -> Line:
    """Return the line of a draft behind a head.

    Raises:
        InvalidValue: The draft's data could not be read from JSON again.
    """
    try:
        return line_after(head, draft)
    except ValueError as error:
        raise InvalidValue(name, f"JSON can't hold the data of its record ({error})") from error


def created(
    codec: Codec[ModelT],
    name: str,
    value: ModelT,
    content: bytes,
    *,
    actor: str,
    lineage: str | None,
    operation: str | None,
    data: Mapping[str, object] | None,
    at: datetime | None = None,
) -> Line:
    """Return the first line of a history.

    Args:
        codec: The codec of the value.
        name: The name.
        value: The value, as `Codec.reading` returned it.
        content: The JSON of the value, likewise.
        actor: The author of the record.
        lineage: The incarnation; by default a new one.
        operation: The operation that the creation is part of.
        data: Further content of the record.
        at: The time of the record; by default the present.

    Raises:
        InvalidValue: The data could not be read from JSON again.
        UnknownState: The value is in a state that the chart does not have.
    """
    lineage = lineage or uuid4().hex
    said = {**(data or {}), "lineage": lineage, "name": name}
    draft = codec.draft(CREATED, actor, said, operation=operation, name=name, value=value, known=content)
    return written(origin(lineage, name), draft if at is None else replace(draft, at=at), name)


class Session(Generic[ModelT]):
    """Exclusive access to a name: other processes can't change the value until the session is closed.

    Every change is durable when the call returns, and a call that raises has changed nothing, with two
    exceptions. After CommitUncertain the session refuses every call. After an interruption
    (KeyboardInterrupt and the like), `head` and `value` tell whether the change was made.

    Attributes:
        name: The name that is held.
        holder: This session's holder.
        crashed: The previous holder, if it ended without releasing the lock.
        released_by: The previous holder, if it released the lock.
        notes: Damage that was found and repaired when the session was opened.
    """

    def __init__(
        self,
        name: str,
        value: ModelT,
        held: Held,
        codec: Codec[ModelT],
        *,
        segment: Segment = DEFAULT,
        actor: str | None = None,
    ) -> None:
        self.name = name
        self.holder: Holder = held.holder
        self.crashed: Holder | None = held.crashed
        self.released_by: Holder | None = held.released_by
        self.notes: tuple[str, ...] = held.notes
        self._held = held
        self._codec = codec
        self._actor = actor or held.holder.user
        self._values = {held.head.seq: value}
        self._first = held.head
        self._reading: tuple[bytes, ModelT] | None = None  # of the value that was read last
        self._read: bytes | None = None  # JSON of a value that was readable
        self._segment = segment
        self._full_at = 0
        self._end_segment()

    @property
    def head(self) -> Head:
        """The end of the history."""
        return self._held.head

    @property
    def value(self) -> ModelT:
        """The recorded value, with the records that keep the revision folded in."""
        return self._values[self._held.head.seq]

    def as_read(self, value: ModelT) -> ModelT:
        """Return a value as a reader of its record will find it, validated by the model.

        Raises:
            InvalidValue: The value can't be read from JSON again.
        """
        self._reading = self._codec.reading(value, self.name)
        return self._reading[1]

    def check(self) -> None:
        """Check that this session may still write.

        Raises:
            LeaseLost: The session was closed, or its lock or journal was removed or replaced.
            CommitUncertain: It is uncertain whether the last change was saved.
        """
        self._held.check()

    def watch(self, watcher: LeaseWatcher) -> None:
        """Have a watcher told how long the name is held, if the store lends it for a time only."""
        self._held.watch(watcher)

    def commit(
        self,
        type: str,
        value: ModelT,
        *,
        expected: int,
        data: Mapping[str, object] | None = None,
        operation: str | None = None,
        at: datetime | None = None,
    ) -> Record:
        """Record the next revision, durably.

        Args:
            type: The kind of change.
            value: The value after the change.
            expected: The revision that the value was made from.
            data: Further content of the record.
            operation: The operation that the change is part of.
            at: The time of the record; by default the present.

        Raises:
            Stale: The recorded revision is another; nothing was written.
            InvalidValue: The value could not be read again; nothing was written.
            LeaseLost: The session holds the name no longer; nothing was written.
            StorageError: The record could not be written.
            CommitUncertain: The record may or may not have been written.
        """
        if expected != self.head.revision:
            raise Stale(self.name, expected=expected, actual=self.head.revision)
        # A value that comes from `as_read` is not read a second time.
        content, read = self._reading if self._reading is not None else (None, None)
        draft = self._codec.draft(
            type,
            self._actor,
            data or {},
            operation=operation,
            name=self.name,
            value=value,
            known=content if read is value else None,
            before=self._read,
        )
        self._read = draft.value
        record, head = self._append(draft if at is None else replace(draft, at=at), value)
        self._show(record, head)
        self._end_segment()
        return record

    def append(self, type: str, data: Mapping[str, object], *, operation: str | None = None) -> Record:
        """Append a record that keeps the revision, durably, and fold it into the value.

        Raises:
            LeaseLost: The session holds the name no longer; nothing was written.
            StorageError: The record could not be written.
            CommitUncertain: The record may or may not have been written.
        """
        draft = self._codec.draft(type, self._actor, data, operation=operation, name=self.name)
        record, _ = self._append(draft, None)
        self._end_segment()
        return record

    def _append(self, draft: Draft, value: ModelT | None) -> tuple[Record, Head]:
        before = self._held.head
        line = written(before, draft, self.name)
        after = self._codec.fold(self.value, line.record) if value is None else value
        # Both values are kept: the head moves at the commit point, and selects the valid one.
        self._values = {before.seq: self.value, line.head.seq: after}
        self._held.append(line, lambda: draft.value or self._codec.stored(after, self.name))
        return line.record, line.head

    def _show(self, record: Record, head: Head) -> None:
        try:
            self._held.show(record, head, self._codec.schema_version)
        except StorageError as problem:
            warn(f"Projection behind: {self.name!r} is saved, but {problem}", name=self.name)

    def _end_segment(self) -> None:
        """Begin another segment if the present segment is full; if that fails, it goes on."""
        before = self._held.head
        if before.seq < self._full_at or not self._segment.is_full(self._held.records, before.size):
            return
        value = self.value
        try:
            version = self._codec.schema_version
            content = self._codec.stored(value, self.name)
            line, ended = self._held.checkpoint(self._actor, content, version)
            # Kept for both heads, as in `_append`: the beginning of the segment selects the head.
            self._values = {before.seq: value, line.head.seq: value}
            self._held.begin(line, ended)
        except StorageError as problem:
            self._full_at = before.seq + self._segment.records
            warn(f"Segment goes on: all of {self.name!r} is saved, but {problem}", name=self.name)
            return
        if self._first == before:
            self._first = line.head  # a checkpoint records nothing new
        self._show(line.record, line.head)

    def close(self) -> None:
        """Let the name go. Later calls have no effect."""
        # Whoever let go last is asked about the operation that stays open: a session that recorded
        # nothing leaves that to the holder before it.
        self._held.close(undo=self.released_by is not None and self._held.is_still(self._first))

    def __enter__(self) -> Session[ModelT]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
