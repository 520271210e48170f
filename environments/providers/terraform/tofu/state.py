"""Questions to OpenTofu or Terraform about the infrastructure, which is not changed by them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import JsonValue

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
from environments.providers.terraform.tofu.backends.completed import (
    doubt as doubt_about,
    is_cut_off,
    is_in_doubt,
    lost,
)
from environments.providers.terraform.tofu.backends.declared import BACKEND, require_supported, uses_backend
from environments.providers.terraform.tofu.backends.demands import Demands, StateRefused
from environments.providers.terraform.tofu.backends.moved import require_moved
from environments.providers.terraform.tofu.carried.mirror import mirrored
from environments.providers.terraform.tofu.program import Binary
from environments.providers.terraform.tofu.state_file import PLANNED, SERIAL, RecordedState, StateFile
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
    backend = {
        name: value.resolve() if isinstance(value, SecretRef) else value
        for name, value in spec.backend_env.items()
    }
    layout = Layout.at(context)
    layout.require_unlinked()
    return Binary(
        configured=spec.binary,
        directory=Path(layout.module),
        secrets=secrets,
        backend=backend,
        around=partial(mirrored, spec),
    )


async def initialise(spec: TerraformSettings, context: StepContext, *, settle: bool = False) -> None:
    """Fetch the providers and modules that the module needs, and check the state in its backend.

    With `settle`, a state that Terraform could not save is pushed there.

    Raises:
        StepFailed: Something can't be fetched, the module's backend can't be used, or the state there is
            not the latest of this environment.
    """
    layout, binary = Layout.at(context), binary_of(spec, context)
    await in_thread(lambda: require_moved(context))
    # Else a backend that was removed from the module would still be in use.
    await in_thread(lambda: remove_tree(layout.backend))
    await binary.run(context, "init", "-json", "-input=false")
    await in_thread(lambda: require_supported(layout))
    if demands := await Demands.of(binary, context):
        await demands.pull(settle=settle)


async def may_hold_resources(context: StepContext) -> bool:
    """Return whether resources may exist, by the state that the environment's record speaks of.

    Raises:
        StepFailed: They may, and the state is lost, damaged or another.
    """
    # The state of a backend is checked right before each question that is asked about it.
    if await in_thread(lambda: uses_backend(context)):
        return bool(context.environment.outputs.details.get(PLANNED))
    return await in_thread(RecordedState(context).may_hold_resources)


async def demanded(
    spec: TerraformSettings, context: StepContext, *, settle: bool = True
) -> dict[str, JsonValue]:
    """Return the details of the state in the module's backend.

    Args:
        spec: The settings of the environment.
        context: The step that asks.
        settle: Whether to push a state that Terraform could not save.

    Returns:
        Nothing if the state lies beside the module.

    Raises:
        StepFailed: The state is lost, another environment's or an earlier version, or the backend can't
            be reached.
    """
    demands = await Demands.of(binary_of(spec, context), context)
    return await demands.details(settle=settle) if demands else {}


async def claimed(spec: TerraformSettings, context: StepContext) -> dict[str, JsonValue]:
    """Return the details of the state in the module's backend, claimed for this environment if it is new.

    Raises:
        StepFailed: The state is another environment's, or as for `demanded`.
    """
    demands = await Demands.of(binary_of(spec, context), context)
    if demands is None:
        return {}
    if not context.environment.outputs.details.get(PLANNED):
        return await demands.begin()
    details = await demands.details(settle=True)
    await _require_none_lost(demands, context)
    return details


async def require_known(spec: TerraformSettings, context: StepContext) -> dict[str, JsonValue]:
    """Check before a teardown that the state lists all that a cut-off apply has reported.

    Returns:
        The details of the state in the module's backend; nothing if the state lies beside the module.

    Raises:
        StepFailed: A backend lacks resources, or as for `demanded`.
    """
    details = await asked(spec, context, lambda _binary: demanded(spec, context), settle=True)
    if demands := await Demands.of(binary_of(spec, context), context):
        await _require_none_lost(demands, context)
    return details


async def _require_none_lost(demands: Demands, context: StepContext) -> None:
    # A plan would create them once more, and a teardown would leave them behind.
    if await in_thread(lambda: is_cut_off(context)):
        found = await demands.pull()
        if missing := await in_thread(lambda: lost(context, found)):
            raise StepFailed(FailureCause.INFRASTRUCTURE, missing)


async def release(spec: TerraformSettings, context: StepContext) -> str:
    """Leave an empty state in the module's backend for a later environment.

    Returns:
        The reason if that is not done, or an empty string. An environment is gone without it, too.
    """
    try:
        return await asked(spec, context, lambda binary: _released(binary, context))
    except StepFailed as failed:
        if failed.cause is FailureCause.CANCELLED:
            raise
        return failed.summary


async def _released(binary: Binary, context: StepContext) -> str:
    demands = await Demands.of(binary, context)
    return await demands.release() if demands else ""


async def doubt(spec: TerraformSettings, context: StepContext) -> str:
    """Return why a module's backend may lack resources after an apply that was cut off, or nothing."""
    demands = await Demands.of(binary_of(spec, context), context)
    if demands is None or not is_in_doubt(context):
        return ""
    found = await demands.pull()
    serial = context.environment.outputs.details.get(SERIAL)
    return await in_thread(lambda: doubt_about(context, found, serial if isinstance(serial, int) else 0))


async def asked(
    spec: TerraformSettings,
    context: StepContext,
    question: Callable[[Binary], Awaitable[ResultT]],
    *,
    settle: bool = False,
) -> ResultT:
    """Ask the program, with the module rendered and initialised first if it is not.

    Without the module, its providers and its destroy-time provisioners, an answer would be wrong, and so
    it would be about another state than this environment's. With `settle`, a state that Terraform could
    not save is pushed first.
    """
    binary, layout = binary_of(spec, context), Layout.at(context)
    if await require_module(spec, context, settle=settle):
        return await question(binary)
    try:
        await in_thread(lambda: require_supported(layout))
        if demands := await Demands.of(binary, context):
            await demands.pull(settle=settle)
        return await question(binary)
    except StepFailed as failed:
        if failed.cause in _ENDINGS or (isinstance(failed, StateRefused) and layout.backend.exists()):
            raise
        # Only the program knows whether all that it needs is there, so it is asked again after init.
        try:
            await initialise(spec, context, settle=settle)
        except StepFailed as hindrance:
            raise _both(failed, hindrance) from failed
        return await question(binary)


async def require_module(spec: TerraformSettings, context: StepContext, *, settle: bool = False) -> bool:
    """Render and initialise the module if it is not there, and return whether that was done.

    Raises:
        StepFailed: The module can't be rendered or initialised, or nothing was ever created by it.
    """
    copy = WorkingCopy(spec, context)
    lacking = await in_thread(copy.lacking)
    if not lacking:
        return False
    known = context.environment.outputs.details.get(BACKEND)
    if not known and not await may_hold_resources(context):
        raise StepFailed(FailureCause.INFRASTRUCTURE, f"nothing was created: {lacking}")
    context.progress(f"{lacking}: the module is rendered and initialised again")
    await in_thread(lambda: copy.write(copy.source()))
    await initialise(spec, context, settle=settle)
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
    found = await in_thread(lambda: StateFile.read(layout.state) if layout.state.exists() else None)
    if found is not None and found.holds_resources and not any(values.root_module.managed()):
        raise not_understood("show", f"it names no resource, and {layout.state} lists some")
    return values


async def resources(spec: TerraformSettings, context: StepContext) -> list[str]:
    """Return the addresses of the resources in Terraform's state."""
    if not await may_hold_resources(context):
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
