"""The steps that create infrastructure by OpenTofu or Terraform."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import JsonValue

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.model.steps import Probed, Step, StepContext, StepOutputs
from environments.providers.common.steps import provider_step
from environments.providers.terraform.layout import Layout
from environments.providers.terraform.remote.connection import url_of
from environments.providers.terraform.tofu import module
from environments.providers.terraform.tofu.declarations import Declarations
from environments.providers.terraform.tofu.outputs import (
    Outputs,
    host_address,
    host_key,
    is_blank,
    require_planned,
)
from environments.providers.terraform.tofu.state import PLANNED, binary_of, require_own_state, require_saved
from environments.system.cancellation import in_thread

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.providers.terraform.settings import TerraformSettings


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
        provider_step(spec, apply_infrastructure, probe_infrastructure, inputs=inputs, timeout=times.apply),
        provider_step(spec, read_outputs, probe_outputs, inputs=inputs, has_effect=False),
    )


def _inputs(spec: TerraformSettings, environment: AnyEnvironment) -> dict[str, JsonValue]:
    # A module that is missing, or that can't be copied, is reported by the step that needs it.
    try:
        digest = module.Module(spec.directory).digest()
    except (StepFailed, OSError):
        digest = ""
    settings = spec.model_dump(mode="json", include={"binary", "variables", "outputs"})
    return {"lineage": environment.lineage, "module": digest, **settings}


def _files(spec: TerraformSettings, context: StepContext) -> dict[str, bytes]:
    """Return the rendered files of the module.

    Raises:
        StepFailed: The module is missing, or a template can't be rendered.
    """
    if not spec.directory.is_dir():
        summary = f"directory: {spec.directory} is not there: put the module back, then try again"
        raise StepFailed(FailureCause.CONFIGURATION, summary)
    environment = context.environment
    facts = {
        "name": environment.name,
        "instance_name": environment.spec.instance_name,
        "variables": spec.plain_variables,
    }
    return module.Module(spec.directory).render(facts)


def _variables(
    spec: TerraformSettings, context: StepContext, files: Mapping[str, bytes]
) -> dict[str, JsonValue]:
    environment = context.environment
    ours = {"name": environment.name, "instance_name": environment.spec.instance_name}
    declared = Declarations.of(files)
    # A file that only Terraform understands may declare them; a value too many is but a warning.
    given = {key: value for key, value in ours.items() if key in declared.names("variable")}
    return {**(given if declared.complete else ours), **spec.plain_variables}


async def render_module(spec: TerraformSettings, context: StepContext) -> None:
    """Copy the module, with templates rendered, to Terraform's working directory."""
    layout = Layout.at(context)
    files = await in_thread(lambda: _files(spec, context))
    variables = await in_thread(lambda: _variables(spec, context, files))
    await in_thread(lambda: module.write(files, variables, layout.prepare(layout.module)))
    context.report(f"{len(files)} file{'s' * (len(files) != 1)} in {layout.module}")


async def probe_module(spec: TerraformSettings, context: StepContext) -> Probed:
    """Check whether the rendered module is up to date."""
    layout = Layout.at(context)
    lacking = await in_thread(lambda: module.holds(_files(spec, context), layout.module))
    return Probed.not_done(lacking) if lacking else Probed.done(f"{layout.module} is as declared")


async def initialise(spec: TerraformSettings, context: StepContext) -> None:
    """Fetch the providers and modules that the module needs."""
    layout = Layout.at(context)
    noted = await in_thread(layout.backend.exists)
    await binary_of(spec, context).run(context, "init", "-json", "-input=false")
    await in_thread(lambda: require_own_state(layout, initialised_now=not noted))
    context.report("providers and modules are there")


async def probe_initialised(spec: TerraformSettings, context: StepContext) -> Probed:
    """Check whether the module is valid with the fetched providers and modules."""
    return await probe_valid(spec, context)


async def validate(spec: TerraformSettings, context: StepContext) -> None:
    """Validate the module."""
    await binary_of(spec, context).document(context, "validate", "-json")
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
    """Report the planned changes, and record that resources may exist from now on."""
    # With a state that was not saved, the plan would create existing resources once more.
    await in_thread(lambda: require_saved(Layout.at(context)))
    await in_thread(Layout.at(context).begin_state)
    said = await binary_of(spec, context).run(context, "plan", "-json", "-input=false")
    await in_thread(lambda: _require_outputs(spec, context, said.outputs))
    context.report(said.summary or "nothing to change")
    for line in (*said.drift, *said.changes):
        context.progress(line)
    return {"details": {PLANNED: True}}


def _require_outputs(spec: TerraformSettings, context: StepContext, planned: Collection[str]) -> None:
    names = [name for _, name in spec.outputs if name is not None]
    if not planned:
        # No output at all, or a version that does not name them in a plan.
        declared = module.Module(Layout.at(context).module).declarations()
        planned = declared.names("output") if declared.complete else names
    require_planned(planned, names)


async def probe_plan(_spec: TerraformSettings, context: StepContext) -> Probed:
    """Check whether a plan is recorded."""
    if context.environment.outputs.details.get(PLANNED):
        return Probed.done("planned", details={PLANNED: True})
    return Probed.not_done("nothing was planned")


async def apply_infrastructure(spec: TerraformSettings, context: StepContext) -> None:
    """Create and change the declared resources."""
    # Waits a little for the lock: another command may be about to release it.
    said = await binary_of(spec, context).run(
        context, "apply", "-json", "-input=false", "-auto-approve", "-lock-timeout=10s"
    )
    context.report(said.summary or "nothing to change")


async def probe_infrastructure(spec: TerraformSettings, context: StepContext) -> Probed:
    """Check whether a plan has no changes left; a locked state leaves that unknown."""
    layout = Layout.at(context)
    if not layout.state.exists():
        return Probed.not_done("no resource was created: there is no Terraform state")
    # With the lock: while another Terraform is at work, a plan would be out of date at once.
    said = await binary_of(spec, context).run(context, "plan", "-json", "-input=false")
    if said.changes or said.drift:
        return Probed.not_done(f"still to do: {'; '.join([*said.drift, *said.changes][:5])}")
    return Probed.done("all declared resources are there")


async def read_outputs(spec: TerraformSettings, context: StepContext) -> StepOutputs:
    """Read the outputs: the host's address, and the host key if the module has it."""
    # A host may get its address after it was created: only a refresh then brings it into the state.
    if is_blank(await _outputs(spec, context), spec.outputs.instance_ip):
        context.report("the address is not there yet: refreshing")
        await binary_of(spec, context).run(
            context, "apply", "-refresh-only", "-json", "-input=false", "-auto-approve", "-lock-timeout=10s"
        )
    return _described(spec, context, await _outputs(spec, context))


async def _outputs(spec: TerraformSettings, context: StepContext) -> Outputs:
    found: Outputs = await binary_of(spec, context).document(context, "output", "-json")
    return found


def _described(spec: TerraformSettings, context: StepContext, found: Outputs) -> StepOutputs:
    address = host_address(found, spec.outputs.instance_ip)
    key = host_key(found, spec.outputs.ssh_host_key)
    context.report(f"the host is at {address}")
    details: dict[str, JsonValue] = {"ssh_host_key": key} if key else {}
    return {
        "instance_ip": address,
        "port": spec.service.port,
        "url": url_of(address, spec.service.port),
        "owned": True,
        "details": details,
    }


async def probe_outputs(spec: TerraformSettings, context: StepContext) -> Probed:
    """Read the outputs once more, without a refresh."""
    described = _described(spec, context, await _outputs(spec, context))
    return Probed.done("the outputs are there", **described)
