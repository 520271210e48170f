"""Convert values of a model to records, and records to values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeAlias, TypeVar

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from statechart.errors import CorruptHistory, InvalidValue, MigrationFailed, UnfitValue, Where
from statechart.storage.chain import RESERVED, Head
from statechart.storage.record import Draft, Record
from statechart.storage.values.partly import partly_read
from statechart.storage.values.secrecy import secrets_in
from statechart.wording import JOINED, first_problem, nearest, unread

ModelT = TypeVar("ModelT", bound=BaseModel)

Migration: TypeAlias = Callable[[Record], Record]
"""Converts a record of one schema version to the next: its type, its data, its value."""


PlaceOf: TypeAlias = "Callable[[str, int], tuple[Where, int]]"
"""Returns the place of a record of a name, and the number of the last record before that place."""


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

    def upgraded(self, record: Record, where: Where, name: str, *, before: int = 0) -> Record:
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
                    name, where, record.seq - before, version, problem, record.seq
                ) from error
            if not isinstance(migrated, Record):
                problem = f"it returned a {type(migrated).__name__}, not a Record"
                raise MigrationFailed(name, where, line, version, problem, record.seq)
            record = migrated.model_copy(update={"schema_version": version + 1})
        return record

    def upgraded_at(self, record: Record, where: Where, name: str, place_of: PlaceOf) -> Record:
        """Return a record in the present schema, and name its place exactly if that fails."""
        try:
            return self.upgraded(record, where, name)
        except MigrationFailed:
            # Once more, since finding the place takes long.
            place, before = place_of(name, record.seq)
            return self.upgraded(record, place, name, before=before)

    def read(self, record: Record, where: Where, name: str, place_of: PlaceOf) -> ModelT:
        """Return the value that a record carries, and name its place exactly if that fails.

        Raises:
            CorruptHistory: The value does not fit the model.
            MigrationFailed: As `upgraded`.
        """
        try:
            return self.value([record], where, name)
        except (CorruptHistory, MigrationFailed):
            place, before = place_of(name, record.seq)
            return self.value([record], place, name, before=before)

    def upgrading(self, name: str) -> Callable[[Record, Where, int], Record]:
        """Return a function that converts the records of a history, given in order.

        Besides the record, the function takes its file, and the number of the last record before the file.

        A migration sees one record at a time, but the state that a transition left is in the record before:
        it is taken from there where a migration changed it.
        """
        before: tuple[object, object] = (None, None)

        def upgrade(record: Record, where: Where, earlier: int) -> Record:
            nonlocal before
            upgraded = self.upgraded(record, where, name, before=earlier)
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
        before: bytes | None = None,
    ) -> Draft:
        """Return the draft of a record, with or without a value.

        `known` is JSON that was read as this value: if it is the value's own, it is not read once more.
        `before` is JSON of an earlier value that was read.

        Raises:
            InvalidValue: The value is of another class, has a key that the document reserves, or can't be
                read from JSON again.
            UnknownState: The value is in a state that the chart does not have.
        """
        content = None if value is None else self._json(value, name)
        if content is not None:
            is_read = content == known or (before is not None and self._is_read_partly(content, before))
            read = value if is_read else self._read(content, name)
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

    def _is_read_partly(self, content: bytes, before: bytes) -> bool:
        # A chart is asked about the value as it is read.
        partly = partly_read(self.model) if self.chart is None else None
        return partly is not None and partly.reads(content, before, self.context)

    def _read(self, content: bytes, name: str) -> ModelT:
        try:
            return self._validated(content)
        except ValidationError as error:
            problem = f"it is not a valid {self.model.__name__} ({first_problem(error)})"
            raise InvalidValue(name, problem) from error

    def _validated(self, content: bytes) -> ModelT:
        # By its name, as fields are written: a field with an alias would get its default instead.
        return self.model.model_validate_json(content, context=self.context, by_alias=True, by_name=True)

    def value(self, records: Sequence[Record], where: Where, name: str, *, before: int = 0) -> ModelT:
        """Return the value of the first record, with the later records folded in.

        `before` is the number of the last record before the file.

        Raises:
            CorruptHistory: The value does not fit the model: `UnfitValue` if it is a chart's.
            MigrationFailed: As `upgraded`.
        """
        first, *rest = (self.upgraded(record, where, name, before=before) for record in records)
        line = first.seq
        try:
            value = self._validated(to_json(first.value))
            for record in rest:
                line = record.seq
                value = self.fold(value, record)
        except ValidationError as error:
            what = "its value is not a valid" if line == first.seq else "it can't be applied to a"
            problem = f"{what} {self.model.__name__} ({first_problem(error)})"
            kind = CorruptHistory if self.chart is None else UnfitValue
            raise kind(name, where, problem, line - before) from error
        except ValueError as error:  # from the fold, for a record that does not fit the value before
            raise CorruptHistory(name, where, str(error), line - before) from error
        return value


def _state_of(value: Mapping[str, JsonValue]) -> str | None:
    """Return the text of the state of a value whose state is one, as with the values of a chart."""
    state = value.get("state")
    if isinstance(state, dict):
        active = state.get("active")  # of a configuration
        return JOINED.join(map(str, active)) if isinstance(active, list) else None
    return None if state is None or isinstance(state, list) else str(state)


_MASK = b'"**********"'
_HIDDEN = "store the place where it is kept, or give the field a serializer"
