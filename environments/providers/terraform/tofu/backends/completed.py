"""The resources that an apply has reported complete, for backends that have the state only at its end.

Terraform writes the state in a backend when an apply ends. If Terraform is killed, this list is all that
tells of the resources that the apply has created until then.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from environments.providers.terraform.layout import Layout
from environments.system.files import read_own, remove_tree, replace_file

if TYPE_CHECKING:
    from collections.abc import Collection

    from environments.model.steps import StepContext
    from environments.providers.terraform.tofu.backends.store import PulledState

APPLYING = "apply_infrastructure"
"""The step that creates resources."""

_SHOWN = 10


class _Creation(BaseModel, frozen=True):
    """A resource that was about to be created, and its id once it was."""

    address: str
    complete: bool = False
    id: str | None = None

    def __str__(self) -> str:
        if not self.complete:
            return f"{self.address} (begun)"
        return f"{self.address} (complete{f', id {self.id}' if self.id else ''})"


class _Report(BaseModel, frozen=True):
    """The creations of an apply; `lineage` is the environment's, and `ended` an end in order."""

    lineage: str
    ended: bool = False
    creations: tuple[_Creation, ...] = ()

    def missing(self, there: Collection[str]) -> tuple[_Creation, ...]:
        """Return the creations that a state with these addresses does not list."""
        return tuple(each for each in self.creations if each.address not in there)


@dataclass(slots=True)
class CompletedLog:
    """Keeps the report of an apply in a file, which is stored with the record if a database has that.

    Attributes:
        context: The step that applies.
    """

    context: StepContext
    _creations: dict[str, _Creation] = field(default_factory=dict)

    def begin(self) -> None:
        """Begin the report of an apply; the report of an earlier one is settled by then."""
        self._creations.clear()
        self._write(ended=False)

    def take(self, line: bytes) -> None:
        """Read a line of the apply's output, and write down what it reports."""
        if b'"apply_' not in line and b'"change_summary"' not in line:
            return
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            return
        kind, hook = message.get("type"), message.get("hook")
        if kind == "change_summary":
            self._write(ended=True)
        elif isinstance(hook, dict) and hook.get("action") == "create":
            self._take(str(kind), hook)

    def _take(self, kind: str, hook: dict[str, Any]) -> None:
        resource = hook.get("resource")
        address = str(resource.get("addr")) if isinstance(resource, dict) else ""
        if not address or kind not in ("apply_start", "apply_complete"):
            return
        identity, complete = hook.get("id_value"), kind == "apply_complete"
        known = None if identity is None else str(identity)
        self._creations[address] = _Creation(address=address, complete=complete, id=known)
        self._write(ended=False)

    def _write(self, *, ended: bool) -> None:
        context = self.context
        report = _Report(
            lineage=context.environment.lineage, ended=ended, creations=tuple(self._creations.values())
        )
        content = f"{report.model_dump_json()}\n".encode()
        # Not flushed to the disk: it has to survive the end of this process, and an apply is not to wait.
        replace_file(Layout.at(context).completed, content, durable=False)

    def end(self) -> None:
        """Forget the report: the apply has ended in order, so its state was saved."""
        self._creations.clear()
        remove_tree(Layout.at(self.context).completed)


def is_in_doubt(context: StepContext) -> bool:
    """Return whether an apply of this environment was cut off, and no one has settled that since."""
    operation = context.environment.operation
    return operation is not None and any(step.name == APPLYING for step in operation.in_doubt)


def doubt(context: StepContext, found: PulledState, serial: int) -> str:
    """Return why the state in a backend may lack resources after an apply that was cut off.

    Args:
        context: The step that asks.
        found: The state.
        serial: The serial on record.

    Returns:
        An empty string if the state certainly has all that the apply has created.
    """
    report = _report(context)
    if report is None:
        operation = context.environment.operation
        host = f" on {operation.holder.host}" if operation is not None else ""
        return (
            f"Terraform was cut off{host}, and the backend has a state only from the end of an apply: "
            f"resources may exist that the state lacks. {Layout.at(context).completed.name}, the list of "
            "those, is not here: recover there, or look for them"
        )
    if report.ended:
        return ""
    if missing := report.missing(found.addresses()):
        return _told(context, missing)
    if found.serial > serial:  # saved after all that is known
        return ""
    return (
        "Terraform was cut off before it saved its state in the backend, so a resource that it was about "
        "to create may exist without being in the state: look for it"
    )


def is_cut_off(context: StepContext) -> bool:
    """Return whether the last apply has left a report, and so did not end in order."""
    report = _report(context)
    return report is not None and not report.ended


def lost(context: StepContext, found: PulledState) -> str:
    """Return the resources that a cut-off apply has created and the state lacks, or an empty string.

    A resource that was only begun may never have come to exist: to ask about it is for recovery.
    """
    report = _report(context)
    if report is None or report.ended:
        return ""
    missing = report.missing(found.addresses())
    if not any(each.complete for each in missing):
        return ""
    return _told(context, missing)


def _told(context: StepContext, missing: tuple[_Creation, ...]) -> str:
    layout = Layout.at(context)
    complete = next((each for each in missing if each.id), None)
    example = f"'{complete.address}' {complete.id}" if complete else "ADDRESS ID"
    more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
    return (
        f"Terraform was cut off before it saved its state in the backend, which lacks "
        f"{', '.join(map(str, missing[:_SHOWN]))}{more}. Look which of them exist, and take those "
        f"into the state, in {layout.module}, by: terraform import {example}; or remove them by hand, and "
        f"then {layout.completed}"
    )


def _report(context: StepContext) -> _Report | None:
    """Return the report of the last apply, or None if this machine has none."""
    try:
        report = _Report.model_validate_json(read_own(Layout.at(context).completed))
    except (FileNotFoundError, ValidationError):
        return None
    return report if report.lineage == context.environment.lineage else None
