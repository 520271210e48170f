"""A session: exclusive access to a name, until the session is closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields as fields_of, is_dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from pydantic import BaseModel, JsonValue, Secret, SecretBytes, SecretStr, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from statechart.errors import CorruptHistory, InvalidValue, MigrationFailed, Stale, StorageError
from statechart.holder import Holder
from statechart.log import warn
from statechart.storage import document
from statechart.storage.chain import RESERVED, Head
from statechart.storage.disk import replace_file, translated
from statechart.storage.journal import Journal
from statechart.storage.layout import DOCUMENT
from statechart.storage.lock import Lock
from statechart.storage.record import Draft, Line, Record, line_after
from statechart.storage.segments.rotation import DEFAULT, Segment, next_segment
from statechart.wording import first_problem, nearest, unread

ModelT = TypeVar("ModelT", bound=BaseModel)

Migration: TypeAlias = Callable[[Record], Record]
"""Converts a record of one schema version to the next: its type, its data, its value."""


@dataclass(frozen=True, slots=True)
class Loaded(Generic[ModelT]):
    """A recorded value; `notes` tell about parts that were ignored or missing on disk."""

    value: ModelT
    head: Head
    notes: tuple[str, ...]


class ChecksStates(Protocol):
    """A chart, as the storage knows it."""

    def check_state(self, value: object) -> None:
        """Raise UnknownState if the chart has no state of this value."""
        ...


@dataclass(frozen=True, slots=True)
class Codec(Generic[ModelT]):
    """Convert values of a model to records, and records to values."""

    model: type[ModelT]
    fold: Callable[[ModelT, Record], ModelT]
    schema_version: int
    migrations: Mapping[int, Migration] = field(default_factory=dict)
    chart: ChecksStates | None = None
    context: object = None

    def upgraded(self, record: Record, path: Path, name: str, *, before: int = 0) -> Record:
        """Return a record in the present schema; the file is not changed.

        `before` is the number of the last record before the file.

        Raises:
            MigrationFailed: A migration raised an error, or returned something else than a record.
        """
        line = record.seq - before
        while record.schema_version < self.schema_version:
            migrate = self.migrations.get(record.schema_version)
            version = record.schema_version
            try:
                migrated = migrate(record) if migrate else record
            except Exception as error:  # by code of the caller's, which is to be found from the record
                problem = f"{type(error).__name__}: {error}"
                raise MigrationFailed(
                    name, path, record.seq - before, version, problem, record.seq
                ) from error
            if not isinstance(migrated, Record):
                problem = f"it returned a {type(migrated).__name__}, not a Record"
                raise MigrationFailed(name, path, line, version, problem, record.seq)
            record = migrated.model_copy(update={"schema_version": version + 1})
        return record

    def upgrading(self, name: str) -> Callable[[Record, Path, int], Record]:
        """Return a function that converts the records of a history, given in order.

        Besides the record, the function takes its file, and the number of the last record before the file.

        A migration sees one record at a time, but the state that a transition left is in the record before:
        it is taken from there where a migration changed it.
        """
        before: tuple[object, object] = (None, None)

        def upgrade(record: Record, path: Path, earlier: int) -> Record:
            nonlocal before
            upgraded = self.upgraded(record, path, name, before=earlier)
            written, present = before
            if written != present and record.data.get("from_state") == written:
                upgraded = upgraded.model_copy(update={"data": {**upgraded.data, "from_state": present}})
            if record.value is not None and upgraded.value is not None:
                before = _state_of(record.value), _state_of(upgraded.value)
            return upgraded

        return upgrade

    def draft(
        self,
        type: str,
        actor: str,
        data: Mapping[str, object],
        *,
        name: str,
        operation: str | None,
        value: ModelT | None = None,
        known: bytes | None = None,
    ) -> Draft:
        """Return the draft of a record, with or without a value.

        `known` is JSON that was read as this value: if it is the value's own, it is not read once more.

        Raises:
            InvalidValue: The value is of another class, has a key that the document reserves, or can't be
                read from JSON again.
            UnknownState: The value is in a state that the chart does not have.
        """
        content = None if value is None else self._json(value, name)
        if content is not None:
            read = value if content == known else self._read(content, name)
            if self.chart is not None:
                self.chart.check_state(getattr(read, "state", None))
        return Draft(type, actor, data, operation, content, self.schema_version)

    def reading(self, value: ModelT, name: str) -> tuple[bytes, ModelT]:
        """Return the JSON of a value, and the value as a reader of its record will find it.

        Raises:
            InvalidValue: As `draft`.
        """
        content = self._json(value, name)
        read = self._read(content, name)
        lost = unread(value, read)
        if lost is not None:
            raise InvalidValue(name, lost)
        return content, read

    def stored(self, value: ModelT, name: str) -> bytes:
        """Return the JSON of a recorded value, in the present schema.

        Raises:
            InvalidValue: The value can't be read from JSON again.
        """
        content = self._json(value, name)
        self._read(content, name)
        return content

    def _json(self, value: ModelT, name: str) -> bytes:
        if not isinstance(value, self.model):
            problem = f"this repository stores {self.model.__name__}, not {value.__class__.__name__}"
            raise InvalidValue(name, problem)
        taken = RESERVED.intersection(value.model_extra or ())
        if taken:
            raise InvalidValue(
                name, f"its document reserves these keys of the value: {', '.join(sorted(taken))}"
            )
        # A copy with other fields is not validated, and pydantic leaves out the fields that it lacks.
        for field_ in vars(value).keys() - type(value).model_fields.keys():
            if not hasattr(type(value), field_):  # as a cached property
                near = nearest(field_, type(value).model_fields)
                hint = f": did you mean {near!r}?" if near else ""
                raise InvalidValue(name, f"{type(value).__name__} has no field {field_!r}{hint}")
        try:
            # Without warnings: a copy with other fields may not have been validated yet.
            content = value.model_dump_json(warnings=False, by_alias=False, round_trip=True).encode()
        except PydanticSerializationError as error:
            raise InvalidValue(name, f"JSON can't hold it ({error})") from error
        if _MASK in content and any(secrets_in(value)):
            hidden = ", ".join(field for field in type(value).model_fields if any(secrets_in(value, field)))
            raise InvalidValue(name, f"pydantic writes asterisks instead of a secret ({hidden}); {_HIDDEN}")
        return content

    def _read(self, content: bytes, name: str) -> ModelT:
        try:
            return self._validated(content)
        except ValidationError as error:
            problem = f"it is not a valid {self.model.__name__} ({first_problem(error)})"
            raise InvalidValue(name, problem) from error

    def _validated(self, content: bytes) -> ModelT:
        # By its name, as fields are written: a field with an alias would get its default instead.
        return self.model.model_validate_json(content, context=self.context, by_alias=True, by_name=True)

    def value(self, records: Sequence[Record], path: Path, name: str, *, before: int = 0) -> ModelT:
        """Return the value of the first record, with the later records folded in.

        `before` is the number of the last record before the file.

        Raises:
            CorruptHistory: The value does not fit the model.
            MigrationFailed: As `upgraded`.
        """
        first, *rest = (self.upgraded(record, path, name, before=before) for record in records)
        line = first.seq
        try:
            value = self._validated(to_json(first.value))
            for record in rest:
                line = record.seq
                value = self.fold(value, record)
        except ValidationError as error:
            what = "its value is not a valid" if line == first.seq else "it can't be applied to a"
            problem = f"{what} {self.model.__name__} ({first_problem(error)})"
            raise CorruptHistory(name, path, problem, line - before) from error
        except ValueError as error:  # from the fold, for a record that does not fit the value before
            raise CorruptHistory(name, path, str(error), line - before) from error
        return value


def _state_of(value: Mapping[str, JsonValue]) -> str | None:
    """Return the text of the state of a value whose state is one, as with the values of a chart."""
    state = value.get("state")
    return None if state is None or isinstance(state, (dict, list)) else str(state)


_MASK = b'"**********"'
_HIDDEN = "store the place where it is kept, or give the field a serializer"


def secrets_in(value: object, *fields: str) -> Iterator[Secret[Any] | SecretStr | SecretBytes]:
    """Yield the secrets of pydantic's in a value, or in some of its fields."""
    match value:
        case Secret() | SecretStr() | SecretBytes():
            yield value
        case BaseModel():
            parts = dict(iter(value))  # dict(value) would call a field `keys`
            yield from secrets_in([parts[field] for field in fields or parts])
        case Mapping():
            yield from secrets_in([*value, *value.values()])
        case list() | tuple() | set() | frozenset():
            for part in value:
                yield from secrets_in(part)
        case _ if is_dataclass(value):
            yield from secrets_in([getattr(value, field_.name, None) for field_ in fields_of(value)])


def written(head: Head, draft: Draft, name: str) -> Line:
    """Return the line of a draft behind a head.

    Raises:
        InvalidValue: The draft's data could not be read from JSON again.
    """
    try:
        return line_after(head, draft)
    except ValueError as error:
        raise InvalidValue(name, f"JSON can't hold the data of its record ({error})") from error


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
        journal: Journal,
        lock: Lock,
        codec: Codec[ModelT],
        *,
        segment: Segment = DEFAULT,
        notes: tuple[str, ...] = (),
        actor: str | None = None,
    ) -> None:
        assert lock.holder is not None
        self.name = name
        self.holder: Holder = lock.holder
        self.crashed: Holder | None = lock.crashed
        self.released_by: Holder | None = lock.released_by
        self.notes = notes
        self._journal = journal
        self._lock = lock
        self._codec = codec
        self._actor = actor or lock.holder.user
        self._document = journal.place.parent / DOCUMENT
        self._values = {journal.head.seq: value}
        self._first = journal.head
        self._reading: tuple[bytes, ModelT] | None = None  # of the value that was read last
        self._segment = segment
        self._full_at = 0
        self._end_segment()

    @property
    def head(self) -> Head:
        """The end of the journal."""
        return self._journal.head

    @property
    def value(self) -> ModelT:
        """The recorded value, with the records that keep the revision folded in."""
        return self._values[self._journal.head.seq]

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
        self._journal.check()
        self._lock.check()

    def commit(
        self,
        type: str,
        value: ModelT,
        *,
        expected: int,
        data: Mapping[str, object] | None = None,
        operation: str | None = None,
    ) -> Record:
        """Record the next revision, durably.

        Args:
            type: The kind of change.
            value: The value after the change.
            expected: The revision that the value was made from.
            data: Further content of the record.
            operation: The operation that the change is part of.

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
        )
        record, head = self._append(draft, value)
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
        before = self._journal.head
        line = written(before, draft, self.name)
        after = self._codec.fold(self.value, line.record) if value is None else value
        self.check()
        # Both values are kept: the journal's head moves at the commit point, and selects the valid one.
        self._values = {before.seq: self.value, line.head.seq: after}
        self._journal.append(line)
        return line.record, line.head

    def _show(self, record: Record, head: Head) -> None:
        # Committed: whatever happens to the document now, the journal can rebuild it.
        assert record.value is not None
        try:
            shown = document.encode(record.value, head, self._codec.schema_version)
            with translated("replace", self._document):
                replace_file(self._document, shown, durable=False)
        except StorageError as problem:
            warn(f"Projection behind: {self.name!r} is saved, but {problem}", name=self.name)

    def _end_segment(self) -> None:
        """Begin another segment if the present one is full; if that fails, the present one goes on."""
        before = self._journal.head
        if before.seq < self._full_at or not self._segment.is_full(self._journal.records, before.size):
            return
        value = self.value
        try:
            self.check()
            version = self._codec.schema_version
            content = self._codec.stored(value, self.name)
            line, file = next_segment(self._journal, self.name, self._actor, content, version)
            # Kept for both heads, as in `_append`: the rename of the new file selects the head.
            self._values = {before.seq: value, line.head.seq: value}
            self._journal.begin(line, file)
        except StorageError as problem:
            self._full_at = before.seq + self._segment.records
            warn(f"Segment goes on: all of {self.name!r} is saved, but {problem}", name=self.name)
            return
        if self._first == before:
            self._first = line.head  # a checkpoint records nothing new
        self._show(line.record, line.head)

    def close(self) -> None:
        """Release the lock. Later calls have no effect."""
        self._journal.close()
        # Whoever let go last is asked about the operation that stays open: a session that recorded
        # nothing leaves that to the holder before it.
        self._lock.release(undo=self.released_by is not None and self._journal.is_still(self._first))

    def __enter__(self) -> Session[ModelT]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
