"""Observation of a local environment, without changes."""

from __future__ import annotations

from environments.model.observation import Observation, ServiceState
from environments.providers.common.failures import translated
from environments.providers.common.health import Answer, HealthVerdict, ask
from environments.providers.local.glimpse import Parts, healthy, parts_of, resources_of
from environments.providers.local.instance import Instance
from environments.providers.local.layout import Layout
from environments.providers.local.port_reservations import Reservations, busy
from environments.providers.local.service import Service
from environments.providers.local.settings import LocalSettings
from environments.system import processes
from statechart.following.cancellation import in_thread


@translated
async def observe(spec: LocalSettings, layout: Layout, release: str | None) -> Observation:
    """Observe the directory, the reservation, the installed release, the process and the port.

    Raises:
        StepFailed: The directory can't be read.
    """
    service = Service(layout)
    resources, reason = await in_thread(lambda: resources_of(layout))
    parts = await in_thread(lambda: parts_of(spec, layout, release)) if resources else Parts()
    instance = await in_thread(lambda: service.instance)
    if instance is None:
        state, detail = await in_thread(lambda: _unrecorded(service))
        return parts.added_to(Observation(resources=resources, service=state, detail=reason or detail))
    answer = await ask(instance.port, spec.health, instance.token)
    alive = await in_thread(service.leader) is not None
    state, detail = await in_thread(lambda: _judge(service, instance, answer, alive=alive))
    serving = instance.release if alive or state is ServiceState.UP else None
    return parts.added_to(
        Observation(resources=resources, service=state, serving=serving, detail=reason or detail)
    )


def _unrecorded(service: Service) -> tuple[ServiceState, str]:
    """Judge an environment without a recorded service."""
    if orphans := service.marked():
        names = ", ".join(processes.Program.of(each).describe() for each in orphans)
        return ServiceState.UNHEALTHY, f"running, but not recorded: {names}"
    for port in Reservations.beside(service.layout).held_by(service.layout.lineage):
        if busy(port):
            return ServiceState.FOREIGN, f"port {port} is used by {_stranger(port)}"
    return ServiceState.DOWN, "no service was started"


def _judge(
    service: Service, instance: Instance, answer: Answer, *, alive: bool
) -> tuple[ServiceState, str]:
    """Judge a recorded service by its answer and its process."""
    match answer.kind:
        case HealthVerdict.HEALTHY:
            return healthy(instance.port)
        case HealthVerdict.SILENT if not alive:
            return ServiceState.DOWN, "its process is gone"
        case HealthVerdict.SILENT:
            return ServiceState.UNHEALTHY, answer.detail
    # Without our token, the answer may come from another program. The listener is unknown (None) when
    # it belongs to another user; then a living process is given the benefit of the doubt.
    listener = processes.listener_on(instance.port)
    own = {each.pid for each in service.processes()}
    if (listener is None and not alive) or (listener is not None and listener.pid not in own):
        return ServiceState.FOREIGN, f"port {instance.port} is answered by {_stranger(instance.port)}"
    return ServiceState.UNHEALTHY, answer.detail


def _stranger(port: int) -> str:
    listener = processes.listener_on(port)
    return listener.describe() if listener else "another program"
