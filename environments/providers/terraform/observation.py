"""Observations of an environment: infrastructure, host, service and configuration."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import uuid4

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.model.observation import HostState, Observation, ServiceState
from environments.model.states import EnvironmentState
from environments.model.steps import StepContext
from environments.providers.common.failures import translated
from environments.providers.common.health import HealthVerdict, ask
from environments.providers.terraform.layout import Layout
from environments.providers.terraform.remote.connection import REACHED, on_host
from environments.providers.terraform.remote.host import HostDirectory
from environments.providers.terraform.steps.playbook import Checked, check_playbook
from environments.providers.terraform.tofu.backends.declared import uses_backend
from environments.providers.terraform.tofu.carried.build import at_hand
from environments.providers.terraform.tofu.state import differences, may_hold_resources, resources
from environments.providers.terraform.tofu.state_file import PLANNED, RecordedState
from environments.secrets.redaction import redactor
from statechart.following.cancellation import in_thread

if TYPE_CHECKING:
    from pathlib import Path

    from environments.model.environment import AnyEnvironment
    from environments.model.steps import StateCarrier
    from environments.providers.terraform.settings import TerraformSettings

# Before configure has run, each task of the playbook would be reported as a difference.
_CONFIGURED = {
    EnvironmentState.CONFIGURED,
    EnvironmentState.RELEASED,
    EnvironmentState.RUNNING,
    EnvironmentState.RELEASE_FAILED,
    EnvironmentState.RUN_FAILED,
}


@translated
async def observe(
    spec: TerraformSettings,
    environment: AnyEnvironment,
    directory: Path,
    carried: StateCarrier | None = None,
) -> Observation:
    """Observe the infrastructure, the host, the service and the configuration, changing none of them.

    Parts that can't be observed are listed in `unseen`; the others are still reported. With the state
    in the record, a directory that does not fit is left alone, and another is used.
    """
    try:
        context = await at_hand(spec, _context(environment, directory, carried))
    except StepFailed as failed:
        return _unseen(failed)
    infrastructure = await _infrastructure(spec, context)
    found = await _host(spec, context, infrastructure)
    found = replace(found, unseen=(*infrastructure.unseen, *found.unseen))
    if found.host is not HostState.UP or environment.state.name not in _CONFIGURED:
        return found
    try:
        checked = await check_playbook(spec, context)
    except StepFailed as failed:
        checked = Checked(unseen=(failed.summary,))
    return replace(
        found,
        configuration=tuple(f"{task}: would be changed" for task in checked.changes),
        unseen=(*found.unseen, *(f"the configuration: {reason}" for reason in checked.unseen)),
    )


@translated
async def glance(
    spec: TerraformSettings,
    environment: AnyEnvironment,
    directory: Path,
    carried: StateCarrier | None = None,
) -> Observation:
    """Observe the host and the service, and that Terraform's state is there, without running tools."""
    try:
        context = await at_hand(spec, _context(environment, directory, carried))
    except StepFailed as failed:
        return _unseen(failed)
    infrastructure = await in_thread(lambda: _recorded(context))
    found = await _host(spec, context, infrastructure)
    return replace(found, unseen=(*infrastructure.unseen, *found.unseen))


def _unseen(failed: StepFailed) -> Observation:
    """Return the observation of an environment whose state can't be read here."""
    unseen = (f"the infrastructure: {failed.summary}",)
    return Observation(resources=True, service=ServiceState.UNKNOWN, unseen=unseen)


def _context(environment: AnyEnvironment, directory: Path, carried: StateCarrier | None) -> StepContext:
    return StepContext(
        environment=environment,
        operation_id=f"observe-{uuid4().hex}",
        directory=directory,
        report=lambda _message: None,
        step="observe",
        redact=redactor(environment.spec),
        carried=carried,
    )


@dataclass(frozen=True, slots=True)
class _Infrastructure:
    """The infrastructure according to Terraform.

    Attributes:
        there: Whether there is all that the module manages, which may be nothing.
        altered: The differences between state and reality, a line each.
        unseen: The parts that could not be observed, and why.
    """

    there: bool
    altered: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()


async def _infrastructure(spec: TerraformSettings, context: StepContext) -> _Infrastructure:
    outputs = context.environment.outputs
    if not outputs.owned:
        return _Infrastructure(there=outputs.instance_ip is not None)
    try:
        if not await may_hold_resources(context):
            return _Infrastructure(there=False)
        managed, altered = await resources(spec, context), await differences(spec, context)
        # Without a difference, a state without resources is that of a module that manages none.
        return _Infrastructure(there=bool(managed) or not altered, altered=tuple(altered))
    except StepFailed as failed:
        return _Infrastructure(there=True, unseen=(f"the infrastructure: {failed.summary}",))


def _recorded(context: StepContext) -> _Infrastructure:
    """Return whether there may be resources, according to the files that Terraform left."""
    outputs = context.environment.outputs
    if not outputs.owned:
        return _Infrastructure(there=outputs.instance_ip is not None)
    try:
        if uses_backend(context):  # only tools can ask the backend
            return _Infrastructure(there=bool(outputs.details.get(PLANNED)))
        return _Infrastructure(there=RecordedState(context).may_hold_resources())
    except StepFailed as failed:
        return _Infrastructure(there=True, unseen=(f"the infrastructure: {failed.summary}",))


async def _host(
    spec: TerraformSettings, context: StepContext, infrastructure: _Infrastructure
) -> Observation:
    """Observe the host and the service, as far as the host can be reached."""
    there, altered = infrastructure.there, infrastructure.altered
    outputs = context.environment.outputs
    known_hosts = Layout.at(context).known_hosts
    unknown = outputs.instance_ip is None or not known_hosts.is_file()
    if there and unknown and outputs.details.get(REACHED):
        unseen = f"the host: {known_hosts} is gone, and with it the key that the host has to show"
        return Observation(resources=True, service=ServiceState.UNKNOWN, altered=altered, unseen=(unseen,))
    if unknown or not (there or altered):
        detail = "no host was reached yet" if there else "Terraform's state holds no resource"
        return Observation(resources=there, service=ServiceState.DOWN, detail=detail, altered=altered)
    try:
        async with on_host(spec, context) as host:
            damage = await _damage(host, outputs.release)
            return replace(await _service(spec, host), altered=altered, damage=damage)
    except StepFailed as failed:
        state = _unreached(failed)
        if state is None:
            unseen = f"the host: {failed.summary}"
            return Observation(
                resources=True, service=ServiceState.UNKNOWN, altered=altered, unseen=(unseen,)
            )
        # An unreachable host may just be cut off. It counts as gone if Terraform sees a difference too.
        gone = state is not HostState.STRANGE and bool(altered)
        detail = f"{failed.summary}; {'; '.join(altered)}" if gone else failed.summary
        return Observation(
            resources=not gone,
            service=ServiceState.UNKNOWN,
            detail=detail,
            host=state,
            altered=() if gone else altered,
        )


def _unreached(failed: StepFailed) -> HostState | None:
    """Return the state of a host from the error of a connection, or None if the cause is another.

    Raises:
        StepFailed: The observation was cancelled.
    """
    if failed.cause is FailureCause.CANCELLED:
        raise failed
    if failed.cause is FailureCause.AUTHENTICATION:
        return HostState.STRANGE
    if failed.cause not in (FailureCause.NETWORK, FailureCause.TIMEOUT):
        return None
    # A refused connection proves that the network and the kernel answer.
    refused = isinstance(failed.__cause__, ConnectionRefusedError | ConnectionResetError)
    return HostState.HALF_DEAD if refused else HostState.UNREACHABLE


async def _damage(host: HostDirectory, release: str | None) -> str:
    """Return the damage of the installed release, or an empty string."""
    damage = await host.releases.damage(release) if release is not None else None
    return f"release {release} is damaged: {damage}" if damage else ""


async def _service(spec: TerraformSettings, host: HostDirectory) -> Observation:
    """Observe the service by its process and its answer to a health check."""
    service, instance = spec.service, await host.instance()
    token = instance.token if instance else "-"  # no answer holds that token: it is foreign
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
