"""The steps that adopt, reach and configure a host."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.model.steps import Probed, Step, StepContext, StepOutputs
from environments.providers.common import known_hosts, ssh
from environments.providers.common.steps import provider_step
from environments.providers.terraform.remote.calls import QUICK
from environments.providers.terraform.remote.connection import REACHED, host_target, on_host, url_of
from environments.providers.terraform.steps.playbook import playbook_steps

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.providers.terraform.settings import TerraformSettings

_SPARE = timedelta(seconds=60)
# The exit code is ignored: versions differ in the codes for a degraded boot. The JSON decides.
_BOOTED = (
    "command -v cloud-init >/dev/null || exit 0; "
    "cloud-init status --wait >/dev/null; cloud-init status --format json"
)
_READY = ("done", "disabled")


def boot_steps(spec: TerraformSettings, environment: AnyEnvironment) -> Sequence[Step]:
    """Return the steps that wait until a host is reachable and has booted."""
    inputs: dict[str, JsonValue] = {
        "lineage": environment.lineage,
        "ssh": spec.ssh.model_dump(mode="json"),
        "address": spec.address,
    }
    waiting = spec.timeouts.ssh + _SPARE
    return (
        provider_step(spec, reach_host, probe_host, inputs=inputs, timeout=waiting),
        provider_step(
            spec, await_boot, probe_boot, inputs=inputs, timeout=spec.timeouts.boot, has_effect=False
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
    target = host_target(spec, context)
    known = spec.ssh.host_key or context.environment.outputs.details.get("ssh_host_key")
    pinned = known_hosts.pinned(target.known_hosts, target.host, target.port)
    how = "its key is the pinned one"
    # A known key replaces a pinned one: the host may have been rebuilt.
    if known is not None and known != pinned:
        known_hosts.pin(target.known_hosts, target.host, target.port, str(known))
        how = "its key was known beforehand"
    elif pinned is None:  # trust on first use
        shown = await ssh.host_key(target.host, target.port, spec.timeouts.ssh)
        known_hosts.pin(target.known_hosts, target.host, target.port, shown)
        how = "the key that it showed first is pinned"
    seconds = await ssh.wait_for(target, spec.timeouts.ssh, context.progress)
    async with ssh.connect(target) as remote:
        await remote.run("true", timeout=QUICK)  # shows whether sudo works, if that is declared
    context.report(f"{target.describe()} answered after {seconds:.1f} s; {how}")
    return {"details": {REACHED: True}}


async def probe_host(spec: TerraformSettings, context: StepContext) -> Probed:
    """Check whether SSH succeeds."""
    target = host_target(spec, context)
    if known_hosts.pinned(target.known_hosts, target.host, target.port) is None:
        return Probed.not_done("no host key is pinned")
    async with ssh.connect(target) as remote:
        await remote.run("true", timeout=QUICK)
    return Probed.done(f"{target.describe()} answers", details={REACHED: True})


async def await_boot(spec: TerraformSettings, context: StepContext) -> None:
    """Wait until cloud-init is done, if the host has it.

    Raises:
        StepFailed: Cloud-init failed, or the host has no suitable Python.
    """
    async with on_host(spec, context) as host:
        ran = await host.remote.run(_BOOTED, timeout=spec.timeouts.boot, check=False)
        said = _cloud_init(ran.stdout)
        if said is not None and said.get("status") not in _READY:
            errors = (
                "; ".join(map(str, said.get("errors") or [])) or said.get("detail") or "no reason given"
            )
            summary = f"cloud-init ended as {said.get('status')}: {errors}"
            raise StepFailed(FailureCause.INFRASTRUCTURE, summary)
        await host.call.require_python()
        uname = (await host.remote.run("uname -srm")).stdout.strip()
    if said is None:
        context.report(f"{uname}, without cloud-init")
    else:
        context.report(f"{uname}, cloud-init {said.get('extended_status') or said.get('status')}")


def _cloud_init(text: str) -> dict[str, Any] | None:  # Any: JSON
    """Return the status of cloud-init, or None if the host has none."""
    if not text.strip():
        return None
    try:
        found: dict[str, Any] = json.loads(text[text.index("{") :])
    except ValueError:
        summary = f"cloud-init did not print its status as JSON: {text.strip().splitlines()[-1]}"
        raise StepFailed(FailureCause.INFRASTRUCTURE, summary) from None
    return found


async def probe_boot(spec: TerraformSettings, context: StepContext) -> Probed:
    """Check whether the host has booted."""
    await await_boot(spec, context)
    return Probed.done("the host is ready")
