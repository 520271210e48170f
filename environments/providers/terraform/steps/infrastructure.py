"""The steps that create infrastructure by OpenTofu or Terraform."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from socket import gethostname
from typing import TYPE_CHECKING

from pydantic import JsonValue

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.model.steps import Probed, Step, StepContext, StepOutputs
from environments.providers.common.addresses import url_of
from environments.providers.common.steps import provider_step
from environments.providers.terraform.layout import Layout
from environments.providers.terraform.remote.connection import PINNED, REACHED
from environments.providers.terraform.steps import replacement
from environments.providers.terraform.steps.replacement import HOST, REPLACED, host_resources, was_replaced
from environments.providers.terraform.tofu import module, state
from environments.providers.terraform.tofu.answers import StateValues, not_understood
from environments.providers.terraform.tofu.backends.completed import is_cut_off
from environments.providers.terraform.tofu.backends.declared import BACKEND
from environments.providers.terraform.tofu.carried.mirror import stored
from environments.providers.terraform.tofu.declarations import Declarations
from environments.providers.terraform.tofu.outputs import host_address, host_key, is_blank, require_planned
from environments.providers.terraform.tofu.program import LOCK
from environments.providers.terraform.tofu.state import binary_of
from environments.providers.terraform.tofu.state_file import (
    LINEAGE,
    PLANNED,
    SERIAL,
    RecordedState,
    StateFile,
    begin_state,
    serial_of,
)
from environments.providers.terraform.tofu.working_copy import WorkingCopy
from statechart.following.cancellation import in_thread

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.providers.terraform.settings import TerraformSettings

_KILLED = {FailureCause.COMMAND_EXECUTION, FailureCause.CANCELLED}


def infrastructure_steps(spec: TerraformSettings, environment: AnyEnvironment) -> Sequence[Step]:
    """Return the steps that apply the module and read the host's address."""
    inputs = _inputs(spec, environment)
    times = spec.timeouts
    return (
        provider_step(spec, render_module, probe_module, inputs=inputs),
        provider_step(spec, initialise, probe_initialised, inputs=inputs, timeout=times.init),
        provider_step(spec, validate, probe_valid, inputs=inputs, timeout=times.plan, has_effect=False),
        # Not a mere look: the plan makes the file for Terraform's state, and takes its lock.
        provider_step(spec, plan_infrastructure, probe_plan, inputs=inputs, timeout=times.plan),
        provider_step(
            spec,
            apply_infrastructure,
            probe_infrastructure,
            inputs=inputs,
            timeout=times.apply,
            # What a cut-off apply has created may be missing in a backend: a person has to look.
            idempotent=not environment.outputs.details.get(BACKEND),
        ),
        provider_step(spec, read_outputs, probe_outputs, inputs=inputs, has_effect=False),
    )


def _inputs(spec: TerraformSettings, environment: AnyEnvironment) -> dict[str, JsonValue]:
    # A module that is missing, or that can't be copied, is reported by the step that needs it.
    try:
        digest = module.Module(spec.directory).digest()
    except (StepFailed, OSError):
        digest = ""
    settings = spec.model_dump(mode="json", include={"binary", "variables", "outputs"})
    return {"lineage": environment.lineage, "directory": digest, **settings}


async def render_module(spec: TerraformSettings, context: StepContext) -> None:
    """Copy the module, with templates rendered, to Terraform's working directory."""
    copy = WorkingCopy(spec, context)
    files = await in_thread(copy.source)
    await in_thread(lambda: copy.write_again(files))
    written = f"{len(files)} file{'s' * (len(files) != 1)} in {copy.layout.module}"
    overridden = await in_thread(lambda: copy.overridden(files))
    wins = f"; the spec's variables win over {', '.join(overridden)}" if overridden else ""
    context.report(f"{written}{wins}")


async def probe_module(spec: TerraformSettings, context: StepContext) -> Probed:
    """Check whether the rendered module is up to date."""
    copy = WorkingCopy(spec, context)
    lacking = await in_thread(lambda: module.holds(copy.source(), copy.layout.module))
    return Probed.not_done(lacking) if lacking else Probed.done(f"{copy.layout.module} is as declared")


async def initialise(spec: TerraformSettings, context: StepContext) -> None:
    """Fetch the providers and modules that the module needs."""
    await state.initialise(spec, context, settle=True)
    context.report("providers and modules are there")


async def probe_initialised(spec: TerraformSettings, context: StepContext) -> Probed:
    """Check whether the module is valid with the fetched providers and modules."""
    return await probe_valid(spec, context)


async def validate(spec: TerraformSettings, context: StepContext) -> None:
    """Validate the module."""
    found = await binary_of(spec, context).document(context, "validate", "-json")
    if found.get("valid") is not True:
        raise not_understood("validate", "it does not say that the module is valid")
    context.report("the module is valid")


async def probe_valid(spec: TerraformSettings, context: StepContext) -> Probed:
    """Check whether the module is valid."""
    if not Layout.at(context).module.is_dir():
        return Probed.not_done("the module is not rendered")
    try:
        await validate(spec, context)
    except StepFailed as failed:
        return Probed.not_done(failed.summary)
    return Probed.done("the module is valid")


async def plan_infrastructure(spec: TerraformSettings, context: StepContext) -> StepOutputs:
    """Report the planned changes, and record that resources may exist from now on.

    Raises:
        StepFailed: The plan would replace or remove a host that is in use.
    """
    # With a state that was lost or not saved, the plan would create existing resources once more.
    kept = await state.claimed(spec, context)
    lineage = None if kept else await in_thread(lambda: _state_to_use(context))
    said = await replacement.plan(spec, context)
    await in_thread(lambda: _require_outputs(spec, context, said.outputs))
    context.report(said.summary or "nothing to change")
    for line in (*said.drift, *said.changes):
        context.progress(line)
    # The note of a holder of the lock was out of date if the plan got the lock.
    if not kept:
        lineage = lineage or await in_thread(lambda: begin_state(Layout.at(context)))
        await stored(spec, context)
        kept = {LINEAGE: lineage}
        if BACKEND in context.environment.outputs.details:  # the state was brought home
            kept[BACKEND] = None
    return {
        "owned": True,
        "details": {PLANNED: True, **kept, **await _host_before(spec, context)},
    }


async def _host_before(spec: TerraformSettings, context: StepContext) -> dict[str, JsonValue]:
    """Return the detail that tells later whether the host was replaced, unless that is recorded."""
    outputs = context.environment.outputs
    if outputs.instance_ip is None or outputs.details.get(HOST):
        return {}
    return {HOST: host_resources(await state.shown(spec, context), outputs.instance_ip)}


def _state_to_use(context: StepContext) -> str | None:
    """Return the lineage of the recorded state, or of a new state if none is recorded."""
    recorded = RecordedState(context)
    recorded.may_hold_resources()
    details, layout = context.environment.outputs.details, Layout.at(context)
    if not details.get(PLANNED):
        return begin_state(layout)
    found = StateFile.read(layout.state)  # empty only in environments of an earlier version
    return found.lineage if found is not None else begin_state(layout)


def _require_outputs(spec: TerraformSettings, context: StepContext, planned: Collection[str]) -> None:
    names = [name for _, name in spec.outputs if name is not None]
    if not planned:
        # No output at all, or a version that does not name them in a plan.
        declared = Declarations.of(WorkingCopy(spec, context).source())
        planned = declared.names("output") if declared.complete else names
    require_planned(planned, names)


async def probe_plan(_spec: TerraformSettings, context: StepContext) -> Probed:
    """Check whether a plan is recorded, and no apply was cut off since."""
    if await in_thread(lambda: is_cut_off(context)):
        return Probed.not_done("an apply was cut off, and its report has to be compared with the state")
    if context.environment.outputs.details.get(PLANNED):
        return Probed.done("planned", details={PLANNED: True})
    return Probed.not_done("nothing was planned")


async def apply_infrastructure(spec: TerraformSettings, context: StepContext) -> StepOutputs:
    """Create and change the declared resources."""
    await state.may_hold_resources(context)
    await in_thread(WorkingCopy(spec, context).mark_applied)
    try:
        said = await replacement.apply(spec, context)
    except StepFailed as failed:
        if failed.cause in _KILLED and (note := await in_thread(lambda: _cut_off(context))):
            raise StepFailed(failed.cause, f"{failed.summary}; {note}", failed.detail) from failed
        raise
    context.report(said.summary or "nothing to change")
    return {"details": await _saved(spec, context)}


async def _saved(
    spec: TerraformSettings, context: StepContext, *, settle: bool = True
) -> dict[str, JsonValue]:
    """Return the details that identify the state after an apply."""
    return await state.demanded(spec, context, settle=settle) or {
        SERIAL: await in_thread(lambda: serial_of(Layout.at(context)))
    }


def _cut_off(context: StepContext) -> str:
    """Return a warning if the last run of Terraform was killed, and left its lock behind."""
    # A provider answers only after the creation, so until then no state lists the resource.
    if not Layout.at(context).lock.exists():
        return ""
    note = (
        "Terraform itself was cut off, so a resource that it was about to create may exist without being "
        "in its state: look for it, since destroy can't find it"
    )
    operation = context.environment.operation
    if context.carried is None or operation is None or operation.holder.host == gethostname():
        return note
    host = operation.holder.host
    return f"{note}. Its last changes may be known on {host} alone: if that machine is up, go on there"


async def probe_infrastructure(spec: TerraformSettings, context: StepContext) -> Probed:
    """Check whether a plan has no changes left; a locked state leaves that unknown."""
    if not await state.may_hold_resources(context):
        return Probed.not_done("no resource was created: there is no Terraform state")
    note = await in_thread(lambda: _cut_off(context))
    # With the lock: while another Terraform is at work, a plan would be out of date at once.
    said = await state.asked(
        spec, context, lambda binary: binary.run(context, "plan", "-json", "-input=false", LOCK)
    )
    if said.changes or said.drift:
        if doubt := await state.doubt(spec, context):
            return Probed.unknown(doubt)
        left = f"still to do: {'; '.join([*said.drift, *said.changes][:5])}"
        return Probed.not_done(f"{left}; {note}" if note else left)
    saved = await _saved(spec, context, settle=False)
    return Probed.done("all declared resources are there", details=saved)


async def read_outputs(spec: TerraformSettings, context: StepContext) -> StepOutputs:
    """Read the outputs: the host's address, and the host key if the module has it."""
    # A host may get its address after it was created: only a refresh then brings it into the state.
    values = await state.shown(spec, context)
    if is_blank(values.outputs, spec.outputs.instance_ip):
        context.report("the address is not there yet: refreshing")
        await binary_of(spec, context).run(
            context, "apply", "-refresh-only", "-json", "-input=false", "-auto-approve", LOCK
        )
        values = await state.shown(spec, context)
    return _described(spec, context, values)


def _described(spec: TerraformSettings, context: StepContext, values: StateValues) -> StepOutputs:
    address = host_address(values.outputs, spec.outputs.instance_ip)
    key = host_key(values.outputs, spec.outputs.ssh_host_key)
    # A module that manages nothing only knows the host, which then has to stay, like a registered host.
    owned = any(values.root_module.managed())
    made = "" if owned else "; the module manages no resource, so the host will be left alone"
    present = host_resources(values, address)
    replaced = was_replaced(context, address, present)
    context.report(f"the {'new ' * replaced}host is at {address}{made}")
    details: dict[str, JsonValue] = {"ssh_host_key": key} if key else {}
    # Nothing of the old host is on the new one.
    lost = dict.fromkeys(("release", "serving", "served", "previous")) if replaced else {}
    if replaced:
        details = {"ssh_host_key": key or None, REACHED: None, PINNED: None, REPLACED: True}
    return {
        **lost,
        "instance_ip": address,
        "port": spec.service.port,
        "url": url_of(address, spec.service.port),
        "owned": owned,
        "details": {**details, HOST: present},
    }


async def probe_outputs(spec: TerraformSettings, context: StepContext) -> Probed:
    """Read the outputs once more, without a refresh."""
    described = _described(spec, context, await state.shown(spec, context))
    return Probed.done("the outputs are there", **described)
