"""The plan of a teardown, made before anything is removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.terraform.tofu.messages import Messages
from environments.providers.terraform.tofu.state import asked, binary_of, initialise
from environments.providers.terraform.tofu.working_copy import WorkingCopy
from environments.system.cancellation import in_thread

if TYPE_CHECKING:
    from environments.model.steps import StepContext
    from environments.providers.terraform.settings import TerraformSettings

_PLAN = ("plan", "-destroy", "-json", "-input=false", "-lock-timeout=10s")
_LOOK = ("plan", "-json", "-input=false", "-lock=false", "-refresh=false")
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
        raise self._advised(refusals[0 if begun else -1])

    def _begun(self) -> bool:
        operation = self.context.environment.operation
        return operation is not None and operation.effects_begun

    def is_outdated(self) -> bool:
        """Return whether the module has changed since it was applied, and is to be taken as it is now."""
        return self._begun() and self.spec.directory.is_dir() and not self.copy.is_current()

    async def as_applied(self) -> str:
        """Plan by the module as it was applied, and return the number of changes.

        Raises:
            StepFailed: The teardown is refused.
        """
        said = await asked(self.spec, self.context, lambda binary: binary.run(self.context, *_PLAN))
        return said.summary

    async def _as_it_is_now(self) -> str:
        """Plan by the module as it is now; an empty string means that it has not changed."""
        copy = self.copy
        if not self.spec.directory.is_dir() or await in_thread(copy.is_current):
            return ""
        source, before = await in_thread(copy.source), await in_thread(copy.files)
        await in_thread(lambda: copy.write(source))
        try:
            await initialise(self.spec, self.context)
            said = await binary_of(self.spec, self.context).run(self.context, *_PLAN)
            await self._require_declared()
        except BaseException:
            copy.write(before)
            raise
        return f"{said.summary}, by the module as it is now in {self.spec.directory}"

    async def _require_declared(self) -> None:
        """Check that the module still declares all resources.

        Raises:
            StepFailed: It does not, and Terraform would leave out their destroy-time provisioners.
        """
        messages = Messages()
        try:
            await binary_of(self.spec, self.context).run(self.context, *_LOOK, messages=messages)
        except StepFailed as failed:  # a module may be unfit for anything but a teardown
            if failed.cause is FailureCause.CANCELLED:
                raise
        if messages.undeclared:
            named = ", ".join(messages.undeclared[:5])
            summary = (
                f"the module in {self.spec.directory} no longer declares {named}, "
                "whose destroy-time provisioners would not run: put that back"
            )
            raise StepFailed(FailureCause.CONFIGURATION, summary)

    def _advised(self, refused: StepFailed) -> StepFailed:
        summary = f"{refused.summary.rstrip('.')}; this destroy removed nothing"
        if refused.cause in _MENDABLE:
            directory = self.spec.directory
            place = directory if directory.is_dir() else self.copy.layout.module
            summary += f"; if the module is the reason, change it in {place}, then destroy again"
        return StepFailed(refused.cause, summary, refused.detail)
