"""The plan of a teardown, made before anything is removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.terraform.tofu.answers import ShownPlan, read_shown
from environments.providers.terraform.tofu.program import LOCK, Binary
from environments.providers.terraform.tofu.state import asked, binary_of, initialise
from environments.providers.terraform.tofu.working_copy import WorkingCopy
from statechart.following.cancellation import in_thread

if TYPE_CHECKING:
    from environments.model.steps import StepContext
    from environments.providers.terraform.settings import TerraformSettings

_PLAN = ("-destroy", "-json", "-input=false")
_FINAL = {FailureCause.CANCELLED, FailureCause.FILE_SYSTEM}
_MENDABLE = {FailureCause.INFRASTRUCTURE, FailureCause.CONFIGURATION}


@dataclass(frozen=True, slots=True)
class TeardownPlan:
    """Plans the teardown of an environment, by the module as applied and by the module as it is now."""

    spec: TerraformSettings
    context: StepContext

    @property
    def copy(self) -> WorkingCopy:
        """The copy of the module in which the program works."""
        return WorkingCopy(self.spec, self.context)

    async def make(self) -> str:
        """Return the number of changes.

        Raises:
            StepFailed: The teardown is refused; nothing was removed.
        """
        # First as applied: the state fits that module. But after a failed teardown, and after a
        # refusal, the module may have been mended for this.
        begun = self._begun()
        refusals: list[StepFailed] = []
        for plan in (
            (self._as_it_is_now, self.as_applied) if begun else (self.as_applied, self._as_it_is_now)
        ):
            try:
                if planned := await plan():
                    return planned
            except StepFailed as refused:
                if refused.cause in _FINAL:
                    raise
                refusals.append(refused)
        raise self._advised(refusals)

    def _begun(self) -> bool:
        operation = self.context.environment.operation
        return operation is not None and operation.effects_begun

    def is_outdated(self) -> bool:
        """Return whether the module has changed since it was applied, and is to be taken as it is now."""
        return self._begun() and self.spec.directory.is_dir() and not self.copy.is_current()

    async def as_applied(self) -> str:
        """Plan by the copy of the module, and return the number of changes.

        Raises:
            StepFailed: The teardown is refused.
        """
        return await asked(self.spec, self.context, self._plan)

    async def _as_it_is_now(self) -> str:
        """Plan by the module as it is now; an empty string means that it has not changed."""
        copy = self.copy
        if not self.spec.directory.is_dir() or await in_thread(copy.is_current):
            return ""
        source, before = await in_thread(copy.source), await in_thread(copy.files)
        applied = await in_thread(copy.is_applied)
        await in_thread(lambda: copy.write(source))
        try:
            await initialise(self.spec, self.context)
            summary = await self._plan(binary_of(self.spec, self.context))
        except BaseException:
            copy.write(before, applied=applied)
            raise
        return f"{summary}, by the module as it is now in {self.spec.directory}"

    async def _plan(self, binary: Binary) -> str:
        """Plan, by a module that declares all resources.

        Raises:
            StepFailed: It does not, and Terraform would leave out their destroy-time provisioners.
        """
        layout = self.copy.layout
        # A mere look takes no lock, but another process's lock would refuse the teardown.
        locked = await in_thread(lambda: layout.lock.exists() or layout.backend.exists())
        words = (*_PLAN, LOCK if locked else "-lock=false")
        if await in_thread(self.copy.is_applied):
            return (await binary.run(self.context, "plan", *words)).summary
        async with binary.planned(self.context, layout.teardown_plan, *words) as (said, document):
            shown = read_shown(ShownPlan, document)
        if undeclared := shown.undeclared():
            summary = (
                f"the module in {self.spec.directory} no longer declares {', '.join(undeclared[:5])}, "
                "whose destroy-time provisioners would not run: put that back"
            )
            raise StepFailed(FailureCause.CONFIGURATION, summary)
        return said.summary

    def _advised(self, refusals: Sequence[StepFailed]) -> StepFailed:
        first, *others = refusals
        said = [first.summary, *(each.summary for each in others if each.summary != first.summary)]
        summary = "; ".join([*(text.rstrip(".") for text in said), "this destroy removed nothing"])
        directory = self.spec.directory
        is_there = directory.is_dir()
        if _MENDABLE & {refused.cause for refused in refusals} and (is_there or not self.copy.lacking()):
            place = directory if is_there else self.copy.layout.module
            summary += f"; if the module is the reason, change it in {place}, then destroy again"
        detail = "\n\n".join(refused.detail for refused in refusals if refused.detail)
        return StepFailed(first.cause, summary, detail)
