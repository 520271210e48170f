"""What the local provider sees of an environment, without changing anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from environments.model.observation import Observation, ServiceState
from environments.providers.common.health import Answer, HealthVerdict, ask
from environments.providers.common.steps import translated
from environments.providers.local.config_files import compare, declared
from environments.providers.local.instance import Instance
from environments.providers.local.layout import Layout
from environments.providers.local.port_reservations import Reservations, busy
from environments.providers.local.service import Service
from environments.system import processes
from environments.system.cancellation import in_thread

if TYPE_CHECKING:
    from environments.providers.local import LocalProvider


@translated
async def observe(spec: LocalProvider, layout: Layout) -> Observation:
    """Look at the directory, the reservation, the process and the port.

    Raises:
        StepFailed: The directory can't be read.
    """
    service = Service(layout)
    resources, reason = await in_thread(lambda: _resources(layout))
    configuration = await in_thread(lambda: _configuration(spec, layout)) if resources else ()
    instance = await in_thread(lambda: service.instance)
    if instance is None:
        state, detail = await in_thread(lambda: _unrecorded(service))
        return Observation(
            resources=resources, service=state, detail=reason or detail, configuration=configuration
        )
    answer = await ask(instance.port, spec.health, instance.token)
    alive = await in_thread(service.leader) is not None
    state, detail = await in_thread(lambda: _judge(service, instance, answer, alive=alive))
    serving = instance.release if alive or state is ServiceState.UP else None
    return Observation(
        resources=resources,
        service=state,
        serving=serving,
        detail=reason or detail,
        configuration=configuration,
    )


def _resources(layout: Layout) -> tuple[bool, str]:
    """Return whether what provision makes is there, and what is missing."""
    if not layout.exists:
        return False, f"{layout.root} is gone"
    if unclaimed := layout.unclaimed:
        return False, f"{layout.root} is not ours: {unclaimed}"
    if Reservations.beside(layout).held_by(layout.lineage) is None:
        return False, "no port is reserved"
    return True, ""


def _configuration(spec: LocalProvider, layout: Layout) -> tuple[str, ...]:
    """Return the files of the configuration that are not as they were declared."""
    changes = compare(layout.config, declared(spec.files, spec.public_env))
    differing = ((name, "is not as it is declared") for name in changes.written)
    strange = ((name, "is not declared") for name in changes.removed)
    return tuple(f"{layout.config / name} {what}" for name, what in (*differing, *strange))


def _unrecorded(service: Service) -> tuple[ServiceState, str]:
    """Judge an environment that has no service on record."""
    if orphans := service.marked():
        names = ", ".join(processes.Program.of(each).describe() for each in orphans)
        return ServiceState.UNHEALTHY, f"not on record, but running: {names}"
    port = Reservations.beside(service.layout).held_by(service.layout.lineage)
    if port is not None and busy(port):
        return ServiceState.FOREIGN, f"port {port} is used by {_stranger(port)}"
    return ServiceState.DOWN, "no service was started"


def _judge(
    service: Service, instance: Instance, answer: Answer, *, alive: bool
) -> tuple[ServiceState, str]:
    """Judge a service on record by its answer and its process."""
    match answer.kind:
        case HealthVerdict.HEALTHY:
            return ServiceState.UP, f"healthy on port {instance.port}"
        case HealthVerdict.SILENT if not alive:
            return ServiceState.DOWN, "its process is gone"
        case HealthVerdict.SILENT:
            return ServiceState.UNHEALTHY, answer.detail
    listener = processes.listener_on(instance.port)
    own = {each.pid for each in service.processes()}
    if (listener is None and not alive) or (listener is not None and listener.pid not in own):
        return ServiceState.FOREIGN, f"port {instance.port} is answered by {_stranger(instance.port)}"
    return ServiceState.UNHEALTHY, answer.detail


def _stranger(port: int) -> str:
    listener = processes.listener_on(port)
    return listener.describe() if listener else "another program"
