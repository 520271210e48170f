"""The steps that take infrastructure down, see it gone, and only then forget it."""

from __future__ import annotations

from collections.abc import Sequence
from operator import not_
from typing import TYPE_CHECKING

from pydantic import JsonValue

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.model.steps import Probed, Step, StepContext, StepOutputs, Verdict
from environments.providers.common import ssh
from environments.providers.common.steps import provider_step
from environments.providers.terraform.layout import Layout
from environments.providers.terraform.remote.connection import REACHED, host_target
from environments.providers.terraform.tofu.state import PLANNED, binary_of, may_be_there, resources
from environments.system.cancellation import in_thread
from environments.system.files import remove_tree
from environments.system.waiting import until

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.providers.terraform import TerraformProvider

_VANISHING = 15.0
_PAUSE = 0.5
_ABSENT: dict[str, JsonValue] = {"details": {PLANNED: False}}
"""What is known once nothing is left: from here on, a state that is gone is not a lost one."""


def teardown_steps(spec: TerraformProvider, environment: AnyEnvironment) -> Sequence[Step]:
    """Return the steps that take the infrastructure away, see it gone, and only then forget it."""
    inputs: dict[str, JsonValue] = {"lineage": environment.lineage}
    times = spec.timeouts
    if not environment.outputs.owned:
        return (provider_step(spec, clean_up, probe_cleaned, inputs=inputs),)
    return (
        provider_step(spec, destroy_infrastructure, probe_destroyed, inputs=inputs, timeout=times.destroy),
        provider_step(
            spec, verify_absence, probe_absence, inputs=inputs, timeout=times.plan, has_effect=False
        ),
        provider_step(spec, clean_up, probe_cleaned, inputs=inputs),
    )


async def destroy_infrastructure(spec: TerraformProvider, context: StepContext) -> None:
    """Take everything away that Terraform's state holds."""
    if not await in_thread(lambda: may_be_there(context)):
        context.report("nothing was ever made")
        return
    binary = binary_of(spec, context)
    said = await binary.run(
        context, "destroy", "-json", "-input=false", "-auto-approve", "-lock-timeout=10s"
    )
    context.report(said.summary or "nothing was left to destroy")


async def probe_destroyed(spec: TerraformProvider, context: StepContext) -> Probed:
    """Look whether Terraform's state holds anything still."""
    left = await resources(spec, context)
    if left:
        return Probed.not_done(f"still there: {', '.join(left[:5])}{' …' * (len(left) > 5)}")
    return Probed.done("Terraform's state holds no resource")


async def verify_absence(spec: TerraformProvider, context: StepContext) -> StepOutputs:
    """Make sure that nothing is left in Terraform's state, and that the host does not answer.

    That a destroy succeeded is a claim: a resource whose creation failed is forgotten without its
    provisioners being run. So the host is asked, for a while, whether it still lets us in.
    """
    found = await probe_destroyed(spec, context)
    if found.verdict is not Verdict.DONE:
        raise StepFailed(FailureCause.INFRASTRUCTURE, f"not all is gone: {found.reason}; destroy again")
    answers = await until(
        lambda: _still_answers(spec, context), within=_VANISHING, every=_PAUSE, satisfied=not_
    )
    if answers:
        address = context.environment.outputs.instance_ip
        summary = f"Terraform says that all is destroyed, and the host at {address} still lets us in"
        raise StepFailed(FailureCause.INFRASTRUCTURE, f"{summary}: remove it by hand, then destroy again")
    context.report(f"{found.reason}, and no host answers")
    return _ABSENT


async def probe_absence(spec: TerraformProvider, context: StepContext) -> Probed:
    """Look, once, for all that `verify_absence` looks for."""
    found = await probe_destroyed(spec, context)
    if found.verdict is not Verdict.DONE:
        return found
    if await _still_answers(spec, context):
        return Probed.not_done("the host still lets us in")
    return Probed.done(f"{found.reason}, and no host answers", **_ABSENT)


async def _still_answers(spec: TerraformProvider, context: StepContext) -> bool:
    """Return whether the host lets us in by its key; another one at its address is somebody else's."""
    if context.environment.outputs.instance_ip is None:
        return False
    try:
        async with ssh.connect(host_target(spec, context)):
            return True
    except StepFailed as failed:
        if failed.cause in (FailureCause.NETWORK, FailureCause.TIMEOUT, FailureCause.AUTHENTICATION):
            return False
        raise


async def clean_up(_spec: TerraformProvider, context: StepContext) -> StepOutputs:
    """Remove the rendered module with Terraform's state: what it led to is gone, which is on record."""
    build = Layout.at(context).build
    await in_thread(lambda: remove_tree(build))
    context.report(f"{build} removed")
    return _forgotten()


async def probe_cleaned(_spec: TerraformProvider, context: StepContext) -> Probed:
    """Look whether the files are gone."""
    build = Layout.at(context).build
    if build.exists():
        return Probed.not_done(f"{build} is still there")
    return Probed.done("no files are left", **_forgotten())


def _forgotten() -> dict[str, JsonValue]:
    gone = ("instance_ip", "port", "url", "release", "serving", "previous")
    return {**dict.fromkeys(gone), "details": {"ssh_host_key": None, REACHED: None}}
