"""Observation of a local environment, without changes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from environments.model.observation import Observation, ServiceState
from environments.providers.common.health import Answer, HealthVerdict, ask
from environments.providers.common.steps import translated
from environments.providers.local.config_files import ENVIRONMENT_FILE, compare, declared
from environments.providers.local.instance import Instance
from environments.providers.local.layout import Layout
from environments.providers.local.port_reservations import Reservations, busy
from environments.providers.local.releases import Releases
from environments.providers.local.service import Service
from environments.providers.local.settings import LocalSettings
from environments.system import processes
from environments.system.cancellation import in_thread


@translated
async def observe(spec: LocalSettings, layout: Layout, release: str | None) -> Observation:
    """Observe the directory, the reservation, the installed release, the process and the port.

    Raises:
        StepFailed: The directory can't be read.
    """
    service = Service(layout)
    resources, reason = await in_thread(lambda: _resources(layout))
    parts = await in_thread(lambda: _parts(spec, layout, release)) if resources else _Parts()
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


def _resources(layout: Layout) -> tuple[bool, str]:
    """Return whether the results of provision exist, and the reason if not."""
    if not layout.exists:
        return False, f"{layout.root} is gone"
    if unclaimed := layout.unclaimed:
        return False, f"{layout.root} is not ours: {unclaimed}"
    if not Reservations.beside(layout).held_by(layout.lineage):
        return False, "no port is reserved"
    return True, ""


@dataclass(frozen=True, slots=True)
class _Parts:
    """The observed files: see `Observation`."""

    configuration: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    damage: str = ""

    def added_to(self, found: Observation) -> Observation:
        """Return an observation with these parts."""
        return replace(
            found, configuration=self.configuration, variables=self.variables, damage=self.damage
        )


def _parts(spec: LocalSettings, layout: Layout, release: str | None) -> _Parts:
    """Compare the configuration files and the release with their declaration."""
    changes = compare(layout.config, declared(spec.files, spec.public_env))
    # The variables can be changed while a service runs; the file follows with the next start.
    written = {name: f"{layout.config / name} is not as it is declared" for name in changes.written}
    variables = written.pop(ENVIRONMENT_FILE, None)
    strange = (f"{layout.config / name} is not declared" for name in changes.removed)
    damage = Releases(layout.root).damage(release) if release is not None else None
    return _Parts(
        configuration=(*written.values(), *strange),
        variables=(f"{variables}: the next run writes it",) if variables is not None else (),
        damage=f"release {release} is damaged: {damage}" if damage else "",
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
            return ServiceState.UP, f"healthy on port {instance.port}"
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
