"""Fast reading of settled environments: no command is under way, and all files are sound and current.

All other environments yield None, and are left to FileRepository, which reports problems.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from environments.model.stored import (
    SCHEMA_VERSION,
    StoredAmended,
    StoredChange,
    StoredCreated,
    StoredEntry,
    StoredEnvironment,
    StoredRebased,
    StoredRecord,
    StoredStepRecord,
    StoredTransition,
)
from statechart.storage.forms import read_form
from statechart.storage.layout import Layout
from statechart.storage.projection import is_free, settled

if TYPE_CHECKING:
    from statechart.storage.projection import Line

# Other providers need the slow scan of all packages: without theirs, environments can't be read.
_OWN_PROVIDERS = ("local", "terraform")

_FORMS: dict[str, type[StoredRecord]] = {
    "created": StoredCreated,
    "transition": StoredTransition,
    "operation": StoredChange,
    "amended": StoredAmended,
    "rebased": StoredRebased,
    "step": StoredStepRecord,
}
# The data of a first record also begin the chain, which the typed record does not contain.
_FIRST: dict[str, tuple[str, ...]] = {"created": (), "rebased": ("damaged", "damaged_sha256", "reason")}


def settled_environment(layout: Layout, name: str) -> StoredEnvironment | None:
    """Return an environment if it is settled and no process holds it, or None."""
    try:
        found = settled(layout, name, SCHEMA_VERSION)
        environment = _environment(found.value, name) if found is not None else None
    except ValueError:
        return None
    if environment is None or (environment.operation is not None and environment.operation.is_active):
        return None
    return environment if is_free(layout, name) else None


def settled_history(layout: Layout, name: str) -> list[StoredEntry] | None:
    """Return all records of an environment if its files are sound and current, or None."""
    try:
        found = settled(layout, name, SCHEMA_VERSION)
        return [_entry(line, name) for line in found.lines] if found is not None else None
    except ValueError:
        return None


def _environment(value: dict[str, Any], name: str) -> StoredEnvironment:
    environment = read_form(StoredEnvironment, value)
    if not environment.name == environment.spec.name == name:
        raise ValueError
    if environment.spec.provider.kind not in _OWN_PROVIDERS:
        raise ValueError
    return environment


def _entry(line: Line, name: str) -> StoredEntry:
    form = _FORMS.get(line.type)
    if form is None or (form is StoredStepRecord) is not (line.value is None):
        raise ValueError
    own = _FIRST.get(line.type, tuple(line.data))
    said = {key: line.data[key] for key in own if line.data.get(key) is not None}
    record = read_form(form, {"type": line.type, **said}, sparse=True)
    if line.value is not None:
        vars(record)["environment"] = _environment(line.value, name)
    envelope = {
        "seq": line.seq,
        "revision": line.revision,
        "at": line.plain["at"],
        "actor": line.actor,
        "operation_id": line.operation,
    }
    return StoredEntry(line.seq, line.revision, line.at, line.actor, line.operation, record, envelope)
