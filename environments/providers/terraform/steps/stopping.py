"""The steps that stop the service, alone or before its host goes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import JsonValue

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.model.steps import Probed, Step, StepContext, StepOutputs
from environments.providers.common.health import HealthVerdict
from environments.providers.common.steps import provider_step
from environments.providers.terraform.layout import Layout
from environments.providers.terraform.remote.connection import can_be_reached, on_host
from environments.providers.terraform.remote.startup import Startup
from environments.system.files import OwnPath

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.providers.terraform.settings import TerraformSettings

_SPARE = timedelta(seconds=60)


def stop_steps(spec: TerraformSettings, environment: AnyEnvironment) -> Sequence[Step]:
    """Return the step of stop: the service is ended, and does not start at boot."""
    inputs: dict[str, JsonValue] = {"lineage": environment.lineage}
    return (provider_step(spec, end_service, probe_ended, inputs=inputs, timeout=_stopping(spec)),)


def last_stop_steps(spec: TerraformSettings, environment: AnyEnvironment) -> Sequence[Step]:
    """Return the step that stops the service before the host is destroyed or given back."""
    inputs: dict[str, JsonValue] = {"lineage": environment.lineage}
    return (provider_step(spec, stop_service, probe_stopped, inputs=inputs, timeout=_stopping(spec)),)


def _stopping(spec: TerraformSettings) -> timedelta:
    return spec.service.stop_grace + _SPARE


async def end_service(spec: TerraformSettings, context: StepContext) -> StepOutputs:
    """End the service on a host that stays, and check that it is ended for good.

    Raises:
        StepFailed: The host can't be reached, or something of the service is left.
    """
    async with on_host(spec, context) as host:
        instance = await host.instance()
        ran = await host.stop(spec.service.stop_grace)
        if left := await host.remains():
            summary = f"the service is not stopped: {left}; end that on the host, then stop again"
            raise StepFailed(FailureCause.INFRASTRUCTURE, summary)
        # A process may have left the session and cleared its environment; only its answer shows it.
        answer = await Startup(spec.service, host).ask(instance) if instance is not None else None
    if answer is not None and answer.kind is HealthVerdict.HEALTHY:
        summary = f"the service still answers on port {spec.service.port}, but its process can't be found"
        raise StepFailed(FailureCause.INFRASTRUCTURE, f"{summary}: end it on the host, then stop again")
    context.report("stopped, and not started at boot" if ran else "nothing was running")
    return {"serving": None}


async def probe_ended(spec: TerraformSettings, context: StepContext) -> Probed:
    """Check whether nothing of the service runs, or would start at the next boot."""
    async with on_host(spec, context) as host:
        left = await host.remains()
    return Probed.not_done(left) if left else Probed.done("nothing runs", serving=None)


async def stop_service(spec: TerraformSettings, context: StepContext) -> StepOutputs:
    """Stop the service; on a host that is destroyed next, a failure to stop is only reported."""
    outputs, known_hosts = context.environment.outputs, Layout.at(context).known_hosts
    if not can_be_reached(context):
        context.report("there is no host to stop a service on")
        return {"serving": None}
    try:
        async with on_host(spec, context) as host:
            ran = await host.stop(spec.service.stop_grace)
            if not outputs.owned:  # nothing else removes the directory from a host that stays
                await host.remove()
    except StepFailed as failed:
        if not outputs.owned:
            raise _left_running(failed, known_hosts) from failed
        context.report(f"not stopped, so the service ends with the host: {failed.summary}")
        return {"serving": None}
    left = (
        "" if outputs.owned else f"; the host at {outputs.instance_ip} was not made here, and is left alone"
    )
    context.report(f"{'stopped' if ran else 'nothing was running'}{left}")
    return {"serving": None}


def _left_running(failed: StepFailed, known_hosts: OwnPath) -> StepFailed:
    """Return the failure to stop a service, with the way out if the host may be gone for good."""
    if failed.cause is not FailureCause.NETWORK:
        return failed
    way_out = f"if that host is gone for good, remove {known_hosts}, then destroy again"
    return StepFailed(failed.cause, f"{failed.summary}; {way_out}", failed.detail)


async def probe_stopped(spec: TerraformSettings, context: StepContext) -> Probed:
    """Check whether the service is stopped."""
    if not can_be_reached(context):
        return Probed.done("there is no host that a service could run on", serving=None)
    async with on_host(spec, context) as host:
        instance = await host.instance()
    if instance is not None and instance.alive:
        return Probed.not_done(f"{instance.describe()} runs")
    return Probed.done("nothing runs", serving=None)
