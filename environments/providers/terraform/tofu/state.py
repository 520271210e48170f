"""Questions to OpenTofu or Terraform about the infrastructure, which is not changed by them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.model.steps import StepContext
from environments.providers.terraform.layout import Layout
from environments.providers.terraform.tofu.answers import (
    ShownState,
    StateValues,
    not_understood,
    read_shown,
)
from environments.providers.terraform.tofu.carried.mirror import mirrored
from environments.providers.terraform.tofu.program import Binary
from environments.providers.terraform.tofu.state_file import RecordedState, StateFile, require_local
from environments.providers.terraform.tofu.working_copy import WorkingCopy
from environments.secrets.references import SecretRef
from environments.system.files import remove_tree
from statechart.following.cancellation import in_thread

if TYPE_CHECKING:
    from environments.providers.terraform.settings import TerraformSettings

ResultT = TypeVar("ResultT")
_ENDINGS = {FailureCause.CANCELLED, FailureCause.FILE_SYSTEM}


def binary_of(spec: TerraformSettings, context: StepContext) -> Binary:
    """Return the program for an environment's module, with the module's secrets."""
    secrets = {
        name: value.resolve() for name, value in spec.variables.items() if isinstance(value, SecretRef)
    }
    layout = Layout.at(context)
    layout.require_unlinked()
    return Binary(
        configured=spec.binary,
        directory=Path(layout.module),
        secrets=secrets,
        around=partial(mirrored, spec),
    )


async def initialise(spec: TerraformSettings, context: StepContext) -> None:
    """Fetch the providers and modules that the module needs.

    Raises:
        StepFailed: Something can't be fetched, or the module keeps its state elsewhere.
    """
    layout = Layout.at(context)
    # Else a backend that was removed from the module would still be in use.
    await in_thread(lambda: remove_tree(layout.backend))
    await binary_of(spec, context).run(context, "init", "-json", "-input=false")
    await in_thread(lambda: require_local(spec, layout))


async def may_hold_resources(spec: TerraformSettings, context: StepContext) -> bool:
    """Return whether resources may exist, by the state that the environment's record speaks of.

    Raises:
        StepFailed: They may, and the state is lost, damaged or another.
    """
    del spec  # it will tell where the state is kept
    return await in_thread(RecordedState(context).may_hold_resources)


async def asked(
    spec: TerraformSettings, context: StepContext, question: Callable[[Binary], Awaitable[ResultT]]
) -> ResultT:
    """Ask the program, with the module rendered and initialised first if it is not.

    Without the module, its providers and its destroy-time provisioners, an answer would be wrong.
    """
    binary = binary_of(spec, context)
    if await require_module(spec, context):
        return await question(binary)
    try:
        await in_thread(lambda: require_local(spec, Layout.at(context)))
        return await question(binary)
    except StepFailed as failed:
        if failed.cause in _ENDINGS:
            raise
        # Only the program knows whether all that it needs is there, so it is asked again after init.
        try:
            await initialise(spec, context)
        except StepFailed as hindrance:
            raise _both(failed, hindrance) from failed
        return await question(binary)


async def require_module(spec: TerraformSettings, context: StepContext) -> bool:
    """Render and initialise the module if it is not there, and return whether that was done.

    Raises:
        StepFailed: The module can't be rendered or initialised, or nothing was ever created by it.
    """
    copy = WorkingCopy(spec, context)
    lacking = await in_thread(copy.lacking)
    if not lacking:
        return False
    if not await may_hold_resources(spec, context):
        raise StepFailed(FailureCause.INFRASTRUCTURE, f"nothing was created: {lacking}")
    context.progress(f"{lacking}: the module is rendered and initialised again")
    await in_thread(lambda: copy.write(copy.source()))
    await initialise(spec, context)
    return True


def _both(failed: StepFailed, hindrance: StepFailed) -> StepFailed:
    if hindrance.summary == failed.summary or hindrance.cause is FailureCause.CANCELLED:
        return hindrance
    summary = f"{failed.summary}; and init failed: {hindrance.summary}"
    return StepFailed(hindrance.cause, summary, f"{failed.detail}\n\n{hindrance.detail}".strip())


async def shown(spec: TerraformSettings, context: StepContext) -> StateValues:
    """Return the content of the state, as the program shows it.

    Raises:
        StepFailed: The answer is not understood, or is not about this environment's state.
    """
    document = await asked(spec, context, lambda binary: binary.document(context, "show", "-json"))
    values = read_shown(ShownState, document).values
    layout = Layout.at(context)
    found = await in_thread(lambda: StateFile.read(layout.state))
    if found is not None and found.holds_resources and not any(values.root_module.managed()):
        raise not_understood("show", f"it names no resource, and {layout.state} lists some")
    return values


async def resources(spec: TerraformSettings, context: StepContext) -> list[str]:
    """Return the addresses of the resources in Terraform's state."""
    if not await may_hold_resources(spec, context):
        return []
    return sorted((await shown(spec, context)).root_module.managed())


async def differences(spec: TerraformSettings, context: StepContext) -> list[str]:
    """Return the differences between state and reality, and the failures of the module's checks.

    Neither the state nor its lock is touched. Planned updates are not reported.
    """
    # Many modules have a resource that every plan would update, so updates prove no drift.
    words = ("plan", "-json", "-input=false", "-lock=false")
    said = await asked(spec, context, lambda binary: binary.run(context, *words))
    drifted = {line.partition(":")[0] for line in said.drift}
    lost = [line for line in said.changes if _is_lost(line) and line.partition(":")[0] not in drifted]
    return [*said.drift, *lost, *said.failed_checks]


def _is_lost(change: str) -> bool:
    return change.endswith((": create", ": replace", ": delete"))
