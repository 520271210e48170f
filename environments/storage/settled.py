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
from environments.storage.own_specs import OWN_SPECS
from statechart.storage.forms import read_form
from statechart.storage.layout import Layout
from statechart.storage.projection import is_free, settled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statechart.storage.projection import Line

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


def settled_entries(layout: Layout, name: str) -> Iterator[StoredEntry] | None:
    """Return the records of an environment, one at a time, if its files are sound and current.

    Raises:
        ValueError: From the iterator, for a record that does not fit its form.
    """
    found = settled(layout, name, SCHEMA_VERSION)
    return (_entry(line, name) for line in found.lines()) if found is not None and found.is_whole else None


def _environment(value: dict[str, Any], name: str) -> StoredEnvironment:
    environment = read_form(StoredEnvironment, value)
    if not environment.name == environment.spec.name == name:
        raise ValueError
    provider = environment.spec.provider
    if provider.kind not in OWN_SPECS:
        raise ValueError
    # Another version's spec may lack a field, which the model fills in, or have one that it refuses.
    read_form(OWN_SPECS[provider.kind], provider.plain)
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
