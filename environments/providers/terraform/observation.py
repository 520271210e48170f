"""What the terraform provider sees of an environment, without changing anything."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import uuid4

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.model.observation import HostState, Observation, ServiceState
from environments.model.states import EnvironmentState
from environments.model.steps import StepContext
from environments.providers.common.health import HealthVerdict, ask
from environments.providers.common.steps import translated
from environments.providers.terraform.layout import Layout
from environments.providers.terraform.remote.connection import on_host
from environments.providers.terraform.remote.host import HostDirectory
from environments.providers.terraform.steps.playbook import check_playbook
from environments.providers.terraform.tofu.state import differences, resources
from environments.secrets.redaction import redactor

if TYPE_CHECKING:
    from pathlib import Path

    from environments.model.environment import AnyEnvironment
    from environments.providers.terraform import TerraformProvider

_CONFIGURED = {
    EnvironmentState.CONFIGURED,
    EnvironmentState.RELEASED,
    EnvironmentState.RUNNING,
    EnvironmentState.RELEASE_FAILED,
    EnvironmentState.RUN_FAILED,
}


@translated
async def observe(spec: TerraformProvider, environment: AnyEnvironment, directory: Path) -> Observation:
    """Look at the infrastructure, the host, its service and its configuration.

    What can't be looked at is told in `unseen`, and does not keep the rest from being seen.
    """
    context = StepContext(
        environment=environment,
        operation_id=f"observe-{uuid4().hex}",
        directory=directory,
        report=lambda _message: None,
        step="observe",
        redact=redactor(environment.spec),
    )
    infrastructure = await _infrastructure(spec, context)
    found = await _host(spec, context, infrastructure)
    found = replace(found, unseen=(*infrastructure.unseen, *found.unseen))
    if found.host is not HostState.UP or environment.state.name not in _CONFIGURED:
        return found
    try:
        return replace(found, configuration=tuple(await check_playbook(spec, context)))
    except StepFailed as failed:
        return replace(found, unseen=(*found.unseen, f"the configuration: {failed.summary}"))


@dataclass(frozen=True, slots=True)
class _Infrastructure:
    """What Terraform knows.

    Attributes:
        there: Whether its state holds anything.
        altered: What is not as its state says, a line each.
        unseen: What it could not tell, and why.
    """

    there: bool
    altered: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()


async def _infrastructure(spec: TerraformProvider, context: StepContext) -> _Infrastructure:
    outputs = context.environment.outputs
    if not outputs.owned:
        return _Infrastructure(there=outputs.instance_ip is not None)
    try:
        if not await resources(spec, context):
            return _Infrastructure(there=False)
        return _Infrastructure(there=True, altered=tuple(await differences(spec, context)))
    except StepFailed as failed:
        return _Infrastructure(there=True, unseen=(f"the infrastructure: {failed.summary}",))


async def _host(
    spec: TerraformProvider, context: StepContext, infrastructure: _Infrastructure
) -> Observation:
    """Look at the host, as far as it lets us in.

    One that is not reached is gone where Terraform, too, sees a difference.
    """
    there, altered = infrastructure.there, infrastructure.altered
    outputs = context.environment.outputs
    if not there or outputs.instance_ip is None or not Layout.at(context).known_hosts.is_file():
        detail = "no host was reached yet" if there else "Terraform's state holds no resource"
        return Observation(resources=there, service=ServiceState.DOWN, detail=detail, altered=altered)
    try:
        async with on_host(spec, context) as host:
            return replace(await _service(spec, host), altered=altered)
    except StepFailed as failed:
        state = _unreached(failed)
        gone = state is not HostState.STRANGE and bool(altered)
        detail = f"{failed.summary}; {'; '.join(altered)}" if gone else failed.summary
        return Observation(
            resources=not gone,
            service=ServiceState.UNKNOWN,
            detail=detail,
            host=state,
            altered=() if gone else altered,
        )


def _unreached(failed: StepFailed) -> HostState:
    """Judge a host by how it kept us out: one that refuses has a network, and nothing that serves it.

    Raises:
        StepFailed: It was not the host that kept us out.
    """
    if failed.cause is FailureCause.AUTHENTICATION:
        return HostState.STRANGE
    if failed.cause not in (FailureCause.NETWORK, FailureCause.TIMEOUT):
        raise failed
    refused = isinstance(failed.__cause__, ConnectionRefusedError | ConnectionResetError)
    return HostState.HALF_DEAD if refused else HostState.UNREACHABLE


async def _service(spec: TerraformProvider, host: HostDirectory) -> Observation:
    """Judge the service by its process and its answer."""
    service, instance = spec.service, await host.instance()
    token = instance.token if instance else "-"
    answer = await ask(service.port, service.health, token, host=host.remote.target.host)
    alive = instance is not None and instance.alive
    serving = instance.serving if instance and (alive or answer.kind is HealthVerdict.HEALTHY) else None
    if answer.kind is HealthVerdict.HEALTHY and instance is not None:
        state, detail = ServiceState.UP, f"healthy on port {service.port}"
    elif alive:
        state, detail = ServiceState.UNHEALTHY, answer.detail
    elif answer.kind is HealthVerdict.SILENT:
        state, detail = ServiceState.DOWN, "its process is gone" if instance else "no service was started"
    else:
        state, detail = ServiceState.FOREIGN, f"port {service.port} is answered by another program"
    return Observation(resources=True, service=state, serving=serving, detail=detail)
