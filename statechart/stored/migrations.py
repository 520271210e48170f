"""Migrations: convert the records of an earlier declaration, when they are read.

The files stay as written. Each function returns a migration for `ChartRepository(migrations=...)`::

    ChartRepository("orders", OrderChart, schema_version=3, migrations={
        1: rename_state("packed", "ready"),
        2: steps(rename_field("sum", "price"), add_field("currency", "EUR")),
    })

The events and states in the records of transitions are converted, too, so that a history, its coverage and
its verification speak of today's chart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import JsonValue

from statechart.configuration import JOINED, Configuration
from statechart.storage.chain import TRANSITION
from statechart.storage.record import Record
from statechart.storage.session import Migration
from statechart.wording import plain, state_text

if TYPE_CHECKING:
    from statechart.chart import Chart

__all__ = [
    "Fields",
    "add_field",
    "change_value",
    "nest_states",
    "remove_field",
    "rename_event",
    "rename_field",
    "rename_payload",
    "rename_state",
    "split_field",
    "split_state",
    "steps",
]

Fields: TypeAlias = dict[str, JsonValue]
"""The value of a record, as JSON."""


def steps(*migrations: Migration) -> Migration:
    """Return the migration that does several, in order."""

    def migrate(record: Record) -> Record:
        for migration in migrations:
            record = migration(record)
        return record

    return migrate


def change_value(change: Callable[[Fields], Fields]) -> Migration:
    """Return the migration that changes the value of each record with a value.

    `change` is called with a copy, which it may change in place and must return.
    """

    def migrate(record: Record) -> Record:
        if record.value is None:
            return record
        return record.model_copy(update={"value": change(deepcopy(record.value))})

    return migrate


def rename_state(old: object, new: object) -> Migration:
    """Return the migration that renames a state, in values and in transitions.

    Args:
        old: The state's value before, such as `"packed"`.
        new: The value of the state in today's chart.
    """
    split = split_state(old, by=lambda _fields: new)

    def migrate(record: Record) -> Record:
        left = record.type == TRANSITION and record.data.get("from_state") == state_text(old)
        renamed = split(record)
        return _with_data(renamed, from_state=state_text(new)) if left else renamed

    return migrate


def split_state(old: object, *, by: Callable[[Fields], object]) -> Migration:
    """Return the migration that puts each value in a state into one of several others.

    Args:
        old: The state's value before.
        by: Returns the value of today's state, from the fields of a value in the old state. It may return
            `old` for values that stay.
    """

    def changed(fields: Fields) -> Fields:
        if fields.get("state") == plain(old):
            into: Any = plain(by(deepcopy(fields)))  # Any: a string or a number, as states have
            fields["state"] = into
        return fields

    def migrate(record: Record) -> Record:
        migrated = change_value(changed)(record)
        if migrated.value is None or record.to_state != state_text(old):
            return migrated
        return _with_data(migrated, to_state=state_text(migrated.value.get("state")))

    return migrate


def nest_states(
    chart: type[Chart], into: Mapping[object, object | Sequence[object]] | None = None
) -> Migration:
    """Return the migration to a chart with states within states, or with timers.

    The state of each value becomes the configuration that is entered with it, and so do the states of
    transitions. No timer runs in it: those of a state begin when it is entered the next time.

    Args:
        chart: Today's chart.
        into: The states of today's chart, or several that are active together, by the value of the state
            before; several are a sequence, or a text such as `paid + packing`. By default, the state is
            still there, perhaps with states within it.

    Raises:
        UnknownState: The chart has no such state. By the migration, if the state is not in `into`.
        IllegalConfiguration: States of `into` can't be active together.
    """
    named = {state_text(state): _together(chart, states) for state, states in (into or {}).items()}

    def entered(state: object) -> Configuration:
        text = state_text(state)
        return named.get(text) or Configuration.of(chart, text)

    def migrate(record: Record) -> Record:
        if record.value is not None and not isinstance(record.value.get("state"), (dict, type(None))):
            state = entered(record.value["state"]).model_dump(mode="json")
            record = record.model_copy(update={"value": {**record.value, "state": state}})
        told = {
            name: str(entered(record.data[name]))
            for name in ("from_state", "to_state")
            if record.type == TRANSITION and name in record.data
        }
        return _with_data(record, **told) if told else record

    return migrate


def _together(chart: type[Chart], states: object | Sequence[object]) -> Configuration:
    if isinstance(states, str):
        return Configuration.of(chart, *(part.strip() for part in states.split(JOINED)))
    return Configuration.of(chart, *(states if isinstance(states, (list, tuple)) else (states,)))


def rename_event(old: str, new: str) -> Migration:
    """Return the migration that renames an event in transitions."""

    def migrate(record: Record) -> Record:
        return _with_data(record, event=new) if record.event == old else record

    return migrate


def rename_payload(event: str, old: str, new: str) -> Migration:
    """Return the migration that renames a keyword of the recorded payload of an event."""

    def migrate(record: Record) -> Record:
        if record.event != event or old not in record.payload:
            return record
        return _with_data(record, payload=_renamed(dict(record.payload), old, new))

    return migrate


def rename_field(old: str, new: str) -> Migration:
    """Return the migration that renames a field of the values; values without it stay as they are.

    Raises:
        ValueError: By the migration, if a value has both fields.
    """
    return change_value(lambda fields: _renamed(fields, old, new))


def split_field(old: str, *, by: Callable[[Any], Mapping[str, JsonValue]]) -> Migration:
    """Return the migration that puts others in the place of a field; values without it stay as they are.

    Args:
        old: The field.
        by: Returns the other fields, from the JSON of the old field.

    Raises:
        ValueError: By the migration, if a value has a new field already.
    """

    def changed(fields: Fields) -> Fields:
        if old not in fields:
            return fields
        others = by(fields.pop(old))
        for name in others.keys() & fields.keys():
            raise ValueError(f"there is {name!r} beside {old!r}")
        return {**fields, **others}

    return change_value(changed)


def add_field(name: str, value: JsonValue | Callable[[Fields], JsonValue]) -> Migration:
    """Return the migration that adds a field to the values that lack it.

    Args:
        name: The field.
        value: Its value, or a function that makes it from the other fields.
    """

    def changed(fields: Fields) -> Fields:
        if name not in fields:
            fields[name] = value(deepcopy(fields)) if callable(value) else deepcopy(value)
        return fields

    return change_value(changed)


def remove_field(name: str) -> Migration:
    """Return the migration that removes a field from the values."""
    return change_value(lambda fields: {key: value for key, value in fields.items() if key != name})


def _renamed(fields: dict[str, Any], old: str, new: str) -> dict[str, Any]:  # Any: JSON
    if old in fields and new in fields:
        raise ValueError(f"there is {new!r} beside {old!r}")
    return {new if key == old else key: value for key, value in fields.items()}


def _with_data(record: Record, **data: JsonValue) -> Record:
    return record.model_copy(update={"data": {**record.data, **data}})
