"""The steps that adopt, reach and configure a host."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import JsonValue

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.model.steps import Probed, Step, StepContext, StepOutputs
from environments.providers.common import known_hosts, ssh
from environments.providers.common.addresses import url_of
from environments.providers.common.ssh import Target
from environments.providers.common.steps import provider_step
from environments.providers.terraform.remote.calls import QUICK
from environments.providers.terraform.remote.cloud_init import await_cloud_init
from environments.providers.terraform.remote.connection import PINNED, REACHED, host_target, on_host
from environments.providers.terraform.steps.playbook import playbook_steps
from environments.providers.terraform.steps.replacement import REPLACED

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.providers.terraform.settings import TerraformSettings

_SPARE = timedelta(seconds=60)


def boot_steps(spec: TerraformSettings, environment: AnyEnvironment) -> Sequence[Step]:
    """Return the steps that wait until a host is reachable and has booted."""
    inputs: dict[str, JsonValue] = {
        "lineage": environment.lineage,
        "ssh": spec.ssh.model_dump(mode="json"),
        "address": spec.address,
    }
    # How a host is reached changes nothing on it: keys are renewed during its life.
    transient = ("ssh", "address")
    waiting = spec.timeouts.ssh + _SPARE
    return (
        provider_step(spec, reach_host, probe_host, inputs=inputs, transient=transient, timeout=waiting),
        provider_step(
            spec,
            await_boot,
            probe_boot,
            inputs=inputs,
            transient=transient,
            timeout=spec.timeouts.boot + _SPARE,
            has_effect=False,
        ),
    )


def register_steps(spec: TerraformSettings, environment: AnyEnvironment) -> Sequence[Step]:
    """Return the steps of register: the host is adopted and reached."""
    inputs: dict[str, JsonValue] = {"lineage": environment.lineage, "address": spec.address}
    return (provider_step(spec, adopt_host, probe_adopted, inputs=inputs), *boot_steps(spec, environment))


def configure_steps(spec: TerraformSettings, environment: AnyEnvironment) -> Sequence[Step]:
    """Return the steps of configure: the host is reached, and the playbook is run."""
    return (boot_steps(spec, environment)[0], *playbook_steps(spec, environment))


async def adopt_host(spec: TerraformSettings, context: StepContext) -> StepOutputs:
    """Adopt the named host as the environment's; destroy will leave that host alone."""
    if spec.address is None:
        raise StepFailed(FailureCause.CONFIGURATION, "no host was named: register NAME --address HOST")
    context.report(f"the host at {spec.address} was not made here, and will be left alone")
    return _address(spec, spec.address, owned=False)


async def probe_adopted(spec: TerraformSettings, context: StepContext) -> Probed:
    """Check whether the named host is recorded."""
    outputs = context.environment.outputs
    if spec.address is None or outputs.instance_ip != spec.address or outputs.owned:
        return Probed.not_done("the host is not recorded")
    return Probed.done("the host is recorded", **_address(spec, spec.address, owned=False))


def _address(spec: TerraformSettings, address: str, *, owned: bool) -> dict[str, JsonValue]:
    port = spec.service.port
    return {
        "instance_ip": address,
        "port": port,
        "url": url_of(address, port),
        "owned": owned,
    }


async def reach_host(spec: TerraformSettings, context: StepContext) -> StepOutputs:
    """Wait until SSH succeeds; an unknown host key is pinned, any other has to match."""
    target, details = host_target(spec, context), context.environment.outputs.details
    known = spec.ssh.host_key or details.get("ssh_host_key")
    if details.get(REPLACED):  # the pinned key was that of another host at this address
        known_hosts.forget(target.known_hosts, target.host, target.port)
    pinned = known_hosts.pinned(target.known_hosts, target.host, target.port)
    how = "its key is the pinned one"
    # A known key replaces a pinned one: the host may have been rebuilt.
    if known is not None and known != pinned:
        known_hosts.pin(target.known_hosts, target.host, target.port, str(known))
        how = "its key was known beforehand"
    elif pinned is None:  # trust on first use
        shown = await ssh.host_key(target.host, target.port, spec.timeouts.ssh, context.progress)
        known_hosts.pin(target.known_hosts, target.host, target.port, shown)
        how = "the key that it showed first is pinned"
    seconds = await ssh.wait_for(target, spec.timeouts.ssh, context.progress)
    async with ssh.connect(target) as remote:
        await remote.run("true", timeout=QUICK)  # shows whether sudo works, if that is declared
    context.report(f"{target.describe()} answered after {seconds:.1f} s; {how}")
    return {"details": {REACHED: True, **_pinned(target), **_not_replaced(context)}}


def _pinned(target: Target) -> dict[str, JsonValue]:
    """Return the detail with the host's key, which commands on other machines need."""
    key = known_hosts.pinned(target.known_hosts, target.host, target.port, authorities=False)
    return {PINNED: key} if key is not None else {}


def _not_replaced(context: StepContext) -> dict[str, JsonValue]:
    return {REPLACED: None} if context.environment.outputs.details.get(REPLACED) else {}


async def probe_host(spec: TerraformSettings, context: StepContext) -> Probed:
    """Check whether SSH succeeds."""
    target = host_target(spec, context)
    if known_hosts.pinned(target.known_hosts, target.host, target.port) is None:
        return Probed.not_done("no host key is pinned")
    if context.environment.outputs.details.get(REPLACED):
        return Probed.not_done("the key of the new host is not known to be pinned")
    async with ssh.connect(target) as remote:
        await remote.run("true", timeout=QUICK)
    return Probed.done(f"{target.describe()} answers", details={REACHED: True, **_pinned(target)})


async def await_boot(spec: TerraformSettings, context: StepContext) -> None:
    """Wait until cloud-init is done, if the host has it.

    Raises:
        StepFailed: Cloud-init failed, or the host has no suitable Python.
    """
    async with on_host(spec, context) as host:
        booted = await await_cloud_init(host.remote, spec.timeouts.boot, context.progress)
        if booted is not None:
            booted.require_success()
        await host.call.require_python()
        uname = (await host.remote.run("uname -srm")).stdout.strip()
    context.report(f"{uname}, {booted.describe() if booted else 'without cloud-init'}")


async def probe_boot(spec: TerraformSettings, context: StepContext) -> Probed:
    """Check whether the host has booted."""
    await await_boot(spec, context)
    return Probed.done("the host is ready")
