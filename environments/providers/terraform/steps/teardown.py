"""The steps that destroy infrastructure and verify that it is gone."""

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
from environments.providers.terraform.remote.connection import PINNED, REACHED, host_target
from environments.providers.terraform.steps.replacement import HOST, REPLACED
from environments.providers.terraform.tofu.backends.declared import BACKEND, uses_backend
from environments.providers.terraform.tofu.program import LOCK
from environments.providers.terraform.tofu.state import (
    binary_of,
    demanded,
    may_hold_resources,
    release,
    require_known,
    require_module,
    resources,
)
from environments.providers.terraform.tofu.state_file import LINEAGE, PLANNED, SERIAL
from environments.providers.terraform.tofu.teardown_plan import TeardownPlan
from environments.system.files import OwnPath, read_own, remove_tree
from environments.system.waiting import until
from statechart.following.cancellation import in_thread

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.providers.terraform.settings import TerraformSettings

_VANISHING = 15.0
_PAUSE = 0.5


def check_steps(spec: TerraformSettings, environment: AnyEnvironment) -> Sequence[Step]:
    """Return the step that finds what would refuse a teardown, before anything is removed."""
    if not environment.outputs.owned:
        return ()
    inputs: dict[str, JsonValue] = {"lineage": environment.lineage}
    within = spec.timeouts.init + spec.timeouts.plan
    return (
        provider_step(
            spec, check_teardown, probe_teardown, inputs=inputs, timeout=within, has_effect=False
        ),
    )


def teardown_steps(spec: TerraformSettings, environment: AnyEnvironment) -> Sequence[Step]:
    """Return the steps that destroy the infrastructure, verify that, and remove the files."""
    inputs: dict[str, JsonValue] = {"lineage": environment.lineage}
    times = spec.timeouts
    if not environment.outputs.owned:  # a registered host stays
        return (provider_step(spec, clean_up, probe_cleaned, inputs=inputs),)
    return (
        provider_step(spec, destroy_infrastructure, probe_destroyed, inputs=inputs, timeout=times.destroy),
        provider_step(
            spec, verify_absence, probe_absence, inputs=inputs, timeout=times.plan, has_effect=False
        ),
        provider_step(spec, clean_up, probe_cleaned, inputs=inputs),
    )


async def check_teardown(spec: TerraformSettings, context: StepContext) -> StepOutputs:
    """Plan the teardown, so that a refusal is known while the service still runs."""
    if not await may_hold_resources(context):
        context.report("no resource was ever created")
        return {}
    # Only a plan of the teardown with all that was created is one.
    details = await require_known(spec, context) if await in_thread(lambda: uses_backend(context)) else {}
    context.report(await TeardownPlan(spec, context).make())
    return {"details": details} if details else {}


async def probe_teardown(spec: TerraformSettings, context: StepContext) -> Probed:
    """Check whether the teardown can still be planned; if not, the step has to report the refusal."""
    if not await may_hold_resources(context):
        return Probed.done("no resource was ever created")
    plan = TeardownPlan(spec, context)
    if await in_thread(plan.is_outdated):
        return Probed.not_done("the module has changed since the last attempt")
    try:
        return Probed.done(await plan.as_applied())
    except StepFailed as refused:
        return Probed.not_done(refused.summary)


async def destroy_infrastructure(spec: TerraformSettings, context: StepContext) -> None:
    """Destroy all resources in Terraform's state."""
    if not await may_hold_resources(context):
        context.report("no resource was ever created")
        return
    # Without the module, destroy-time provisioners would not run, and their resources would stay.
    await require_module(spec, context)
    binary = binary_of(spec, context)
    words = ("-json", "-input=false", LOCK)
    if not await in_thread(lambda: uses_backend(context)):
        said = await binary.run(context, "destroy", *words, "-auto-approve")
    else:
        path = Layout.at(context).teardown_plan
        async with binary.planned(context, path, "-destroy", *words):
            # Terraform refuses a plan made from another state than it finds: what is checked is destroyed.
            await demanded(spec, context)
            said = await binary.run(context, "apply", *words, plan=path)
    context.report(said.summary or "nothing was left to destroy")


async def probe_destroyed(spec: TerraformSettings, context: StepContext) -> Probed:
    """Check whether Terraform's state holds no more resources."""
    left = await resources(spec, context)
    if left:
        return Probed.not_done(f"still there: {', '.join(left[:5])}{' …' * (len(left) > 5)}")
    return Probed.done("Terraform's state holds no resource")


async def verify_absence(spec: TerraformSettings, context: StepContext) -> StepOutputs:
    """Verify that Terraform's state is empty and that the host does not answer.

    Raises:
        StepFailed: A resource is left, or the host still answers.
    """
    # A successful destroy proves little: Terraform forgets a resource whose creation failed without
    # running its destroy provisioners. A host may also take a while to vanish.
    found = await probe_destroyed(spec, context)
    if found.verdict is not Verdict.DONE:
        raise StepFailed(FailureCause.INFRASTRUCTURE, f"not all is gone: {found.reason}; destroy again")
    answers = await until(
        lambda: _still_answers(spec, context), within=_VANISHING, every=_PAUSE, satisfied=not_
    )
    if answers:
        address = context.environment.outputs.instance_ip
        summary = f"Terraform reports that all is destroyed, but the host at {address} still answers"
        advice = (
            "remove it by hand, then destroy again; or, if the module only uses this host and does not "
            f"create it, remove its line from {Layout.at(context).known_hosts}, then destroy again"
        )
        raise StepFailed(FailureCause.INFRASTRUCTURE, f"{summary}: {advice}")
    context.report(f"{found.reason}, and no host answers")
    return _absent(context)


async def probe_absence(spec: TerraformSettings, context: StepContext) -> Probed:
    """Check once for everything that `verify_absence` verifies."""
    found = await probe_destroyed(spec, context)
    if found.verdict is not Verdict.DONE:
        return found
    if await _still_answers(spec, context):
        return Probed.not_done("the host still answers")
    return Probed.done(f"{found.reason}, and no host answers", **_absent(context))


def _absent(context: StepContext) -> dict[str, JsonValue]:
    """Return the outputs once no resource is left: a state that is missing from now on was not lost."""
    # Until the state in a backend is released, its lineage tells whose it is.
    known = {} if context.environment.outputs.details.get(BACKEND) else {LINEAGE: None, SERIAL: None}
    return {"details": {PLANNED: False, **known}}


async def _still_answers(spec: TerraformSettings, context: StepContext) -> bool:
    """Return whether the host answers with the pinned key.

    Raises:
        StepFailed: A host answers, and the pinned key is lost.
    """
    outputs = context.environment.outputs
    if outputs.instance_ip is None:
        return False
    target = host_target(spec, context)
    try:
        async with ssh.connect(target):
            return True
    except StepFailed as failed:
        if failed.cause in (FailureCause.NETWORK, FailureCause.TIMEOUT):
            return False
        if failed.cause is not FailureCause.AUTHENTICATION:
            raise
        if ssh.shown_pinned_key(failed):
            return True
        if outputs.details.get(REACHED) and not OwnPath.of(target.known_hosts).exists():
            summary = (
                f"a host answers at {outputs.instance_ip}, and {target.known_hosts}, with the key that "
                "tells whether that is the environment's host, is gone: put it back from a backup. Or, "
                "if you know that host to be another, create an empty file in its place"
            )
            raise StepFailed(FailureCause.AUTHENTICATION, summary) from failed
        # Another key means another host, which got the address since.
        return False


async def clean_up(spec: TerraformSettings, context: StepContext) -> StepOutputs:
    """Remove the files, with Terraform's state; that the resources are gone is recorded by now."""
    layout = Layout.at(context)
    build, look = layout.build, OwnPath.within(layout.directory, layout.look)
    await in_thread(lambda: remove_tree(look))
    kept = ""
    if backend := await in_thread(lambda: _claimed(context)):
        left = await release(spec, context)
        kept = f"; an empty state stays in the backend '{backend}' ({left})" if left else ""
    await in_thread(lambda: remove_tree(build))
    context.report(f"{build} removed{kept}")
    return _forgotten(context)


def _claimed(context: StepContext) -> object:
    """Return the kind of the backend whose state is claimed, also by a command that died in its plan."""
    if known := context.environment.outputs.details.get(BACKEND):
        return known
    claim = Layout.at(context).claim
    return read_own(claim).decode().strip() if claim.exists() else None


async def probe_cleaned(_spec: TerraformSettings, context: StepContext) -> Probed:
    """Check whether the files are gone."""
    build = Layout.at(context).build
    if build.exists():
        return Probed.not_done(f"{build} is still there")
    return Probed.done("no files are left", **_forgotten(context))


def _forgotten(context: StepContext) -> dict[str, JsonValue]:
    gone = ("instance_ip", "port", "url", "release", "serving", "served", "previous")
    details: dict[str, JsonValue] = dict.fromkeys(("ssh_host_key", REACHED, PINNED, HOST, REPLACED))
    if BACKEND in context.environment.outputs.details:
        details |= dict.fromkeys((BACKEND, LINEAGE, SERIAL))
    return {**dict.fromkeys(gone), "details": details}
