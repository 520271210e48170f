"""The demands on the state in a module's backend: that it is this environment's, and its latest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import JsonValue

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.terraform.layout import Layout
from environments.providers.terraform.tofu.backends.declared import BACKEND, in_use
from environments.providers.terraform.tofu.backends.store import BackendState, PulledState
from environments.providers.terraform.tofu.backends.unsaved import settle_unsaved
from environments.providers.terraform.tofu.program import LOCK
from environments.providers.terraform.tofu.state_file import LINEAGE, PLANNED, SERIAL, RecordedState
from environments.system.files import write_private
from statechart.following.cancellation import in_thread

if TYPE_CHECKING:
    from environments.model.steps import StepContext
    from environments.providers.terraform.tofu.program import Binary

RELEASED = "envchart-released-"
"""The beginning of the lineage of an empty state whose environment was destroyed: anyone may take it."""

_UNUSED = 1
"""The highest serial of a state that never held resources: a program chose a lineage, and no more."""


class StateRefused(StepFailed):
    """The state in the backend is not this environment's latest; to initialise again would not help."""


@dataclass(frozen=True, slots=True)
class Demands:
    """Checks the state in the backend of an environment's module against the environment's record.

    Attributes:
        state: The state in the backend.
    """

    state: BackendState

    @classmethod
    async def of(cls, binary: Binary, context: StepContext) -> Demands | None:
        """Return the demands on the backend that is in use, or None if the state lies beside the module.

        Raises:
            StepFailed: The record names a backend, and the module has none any more.
        """
        kind = await in_thread(lambda: in_use(Layout.at(context)))
        if kind is not None:
            return cls(BackendState(binary, context, kind))
        if recorded := context.environment.outputs.details.get(BACKEND):
            await in_thread(lambda: _require_brought_home(context, str(recorded)))
        return None

    @property
    def context(self) -> StepContext:
        """The step that makes the demands."""
        return self.state.context

    @property
    def _details(self) -> dict[str, JsonValue]:
        return self.context.environment.outputs.details

    async def pull(self, *, settle: bool = False) -> PulledState:
        """Return the state, which is this environment's latest if resources may exist.

        Args:
            settle: Whether to push a state that Terraform could not save, which changes the backend.

        Raises:
            StateRefused: The state is lost, another environment's, or an earlier version.
            StepFailed: The backend can't be reached.
        """
        found = await self.state.pull()
        if not self._details.get(PLANNED):
            return found
        lineage = self._require_lineage(found)
        found = await settle_unsaved(self.state, found, lineage, push=settle)
        serial = self._details.get(SERIAL)
        if isinstance(serial, int) and found.serial < serial:
            raise self._refused(
                f"is an earlier version of the state, which may lack resources: its serial is "
                f"{found.serial} instead of at least {serial}. Put the latest version back from a backup, "
                f"with 'terraform state push -force FILE' in {self._place}"
            )
        return found

    async def details(self, *, settle: bool = False) -> dict[str, JsonValue]:
        """Return the details of the outputs that identify the state; raises like `pull`."""
        found = await self.pull(settle=settle)
        return {LINEAGE: found.lineage, SERIAL: found.serial, BACKEND: self.state.kind}

    def _require_lineage(self, found: PulledState) -> str:
        """Return the lineage that the record demands, which the state has."""
        recorded = self._details.get(LINEAGE)
        if not found.lineage:
            known = f"lineage {recorded}" if recorded else "resources may exist"
            raise self._refused(
                f"holds no state, and the record knows one ({known}): it was removed there, or another "
                f"database, schema or address is named now. {self._changed}Name the right one in "
                "backend_env or in the module; or put the state back from a backup, with 'terraform state "
                f"push FILE' in {self._place}. Nothing counts as destroyed"
            )
        if recorded is None:
            # Recorded by an earlier version, which asked no backend for a lineage.
            self.context.report(
                f"the state in the backend '{self.state.kind}', lineage {found.lineage}, serial "
                f"{found.serial}, is taken as this environment's from now on"
            )
            return found.lineage
        if found.lineage != recorded:
            raise self._refused(
                f"is not the state of this environment: its lineage is {found.lineage} instead of "
                f"{recorded}. {self._changed}Name the right place in backend_env or in the module; or put "
                "the right state back from a backup, with 'terraform state push -force FILE' in "
                f"{self._place}"
            )
        return found.lineage

    @property
    def _changed(self) -> str:
        """The advice for a backend that was changed, since no state is migrated silently."""
        return (
            "If the backend was changed, move the state yourself: with the old block 'terraform state pull "
            ">FILE', with the new block 'terraform init -reconfigure' and 'terraform state push FILE'. "
        )

    @property
    def _place(self) -> str:
        return str(Layout.at(self.context).module)

    def _refused(self, problem: str) -> StateRefused:
        before = self._details.get(BACKEND)
        changed = f", which was '{before}'," if before and before != self.state.kind else ""
        summary = f"the backend '{self.state.kind}'{changed} {problem}"
        return StateRefused(FailureCause.INFRASTRUCTURE, summary)

    async def begin(self) -> dict[str, JsonValue]:
        """Claim the state for this environment at its first plan, and return the details to record.

        The lineage is the environment's own, so that a claim that was not recorded is known again, and
        a second environment with the same backend finds another's lineage.

        Raises:
            StateRefused: The backend holds another's state.
            StepFailed: The backend can't be reached, or its lock is held.
        """
        lineage, found = self.context.environment.lineage, await self.state.pull()
        if found.lineage != lineage:
            self._require_free(found)
            # If this process dies before the claim is recorded, a destroy has to free the state.
            claim = Layout.at(self.context).claim
            await in_thread(lambda: write_private(claim, f"{self.state.kind}\n"))
            # Where nothing is stored, the first push only makes Terraform choose a lineage of its own.
            for _ in range(2):
                await self.state.push_empty(lineage, max(found.serial, _UNUSED) + 1)
                found = await self.state.pull()
                if found.lineage == lineage:
                    break
            else:
                self._require_free(found)
                raise self._refused("was taken by another program at the same time: try again")
        elif found.addresses():
            self.context.progress(
                f"the state in the backend '{self.state.kind}' is adopted: it has this environment's "
                f"lineage, and lists {len(found.addresses())} resources"
            )
        return {LINEAGE: lineage, SERIAL: found.serial, BACKEND: self.state.kind}

    def _require_free(self, found: PulledState) -> None:
        """Check that the backend holds nothing, or a state that no one uses."""
        if not found.lineage:
            return
        if found.is_empty and (found.lineage.startswith(RELEASED) or found.serial <= _UNUSED):
            return
        ours, lists = self.context.environment.lineage, len(found.addresses())
        raise self._refused(
            f"holds the state of something else (lineage {found.lineage}, {lists} "
            f"resource{'s' * (lists != 1)}): another environment with this module, or another project. "
            "Choose another key, schema, address or path for this environment, for example with "
            "{{ name }} in a file that ends in .j2. To adopt that state instead, run in "
            f"{self._place}: terraform state pull | sed 's/{found.lineage}/{ours}/' | "
            f"terraform state push {LOCK} -force -"
        )

    async def release(self) -> str:
        """Leave an empty state that a later environment may take; return the reason if that is not done."""
        found = await self.state.pull()
        if found.lineage not in (self.context.environment.lineage, self._details.get(LINEAGE)):
            return ""
        if not found.is_empty:
            return f"the backend '{self.state.kind}' still lists outputs or data sources"
        await self.state.push_empty(RELEASED + self.context.environment.lineage, found.serial + 1)
        return ""


def _require_brought_home(context: StepContext, kind: str) -> None:
    """Check that the state lies beside the module now, where the record says that a backend has it."""
    layout = Layout.at(context)
    if layout.state.exists() and RecordedState(context).may_hold_resources():
        return
    summary = (
        f"the record says that Terraform's state is in the module's backend '{kind}', and the module has "
        "no backend any more: put its block back. Or, to keep the state with the environment, run "
        f"'terraform state pull' with the block in place, and put the answer into {layout.state}"
    )
    raise StateRefused(FailureCause.CONFIGURATION, summary)
