"""The steps that create and remove an environment's directory and port."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from environments.errors import StepFailed
from environments.model.command_name import CommandName
from environments.model.failure import FailureCause
from environments.model.steps import Probed, Step, StepContext, StepOutputs, Verdict
from environments.providers.common.addresses import url_of
from environments.providers.common.health import HOST
from environments.providers.common.steps import provider_step
from environments.providers.local import directories
from environments.providers.local.inputs import inputs_of
from environments.providers.local.layout import Layout
from environments.providers.local.port_reservations import Reservations, busy
from environments.providers.local.releases import Releases
from environments.providers.local.service import Service
from environments.providers.local.settings import LocalSettings
from environments.system.processes import Program
from statechart.following.cancellation import in_thread

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment

_FORGOTTEN: dict[str, None] = dict.fromkeys(("release", "previous", "served"))


def provision_steps(spec: LocalSettings, environment: AnyEnvironment) -> Sequence[Step]:
    """Return the steps of provision: create the directory, then reserve the port."""
    inputs = inputs_of(CommandName.PROVISION, spec, environment)
    made = {"lineage": inputs["lineage"]}
    return (
        provider_step(spec, create_directories, probe_directories, inputs=made),
        provider_step(spec, reserve_port, probe_port, inputs=inputs),
    )


def stop_steps(spec: LocalSettings, environment: AnyEnvironment) -> Sequence[Step]:
    """Return the step of stop: end the service."""
    inputs = {"lineage": environment.lineage}
    return (provider_step(spec, stop_service, probe_stopped, inputs=inputs, timeout=_ending(spec)),)


def _ending(spec: LocalSettings) -> timedelta:
    return spec.stop_grace + timedelta(seconds=30)  # the rest is for the end by force


def destroy_steps(spec: LocalSettings, environment: AnyEnvironment) -> Sequence[Step]:
    """Return the steps of destroy: remove the service, the files and the port, then verify that."""
    inputs = {"lineage": environment.lineage}
    return (
        *stop_steps(spec, environment),
        provider_step(
            spec, remove_directories, probe_removed, inputs=inputs, timeout=timedelta(minutes=10)
        ),
        provider_step(spec, verify_absence, probe_absence, inputs=inputs, has_effect=False),
    )


async def create_directories(_spec: LocalSettings, context: StepContext) -> StepOutputs:
    """Create the environment's directory with its marker."""
    layout = Layout.at(context)
    made = await in_thread(lambda: directories.create(layout))
    context.report(f"{layout.root} {'made' if made else 'is there already'}")
    return await in_thread(lambda: _lost(context))


def _lost(context: StepContext) -> dict[str, None]:
    """Return the outputs without the releases that went with an earlier directory."""
    there = Releases(Layout.at(context).root).ids()
    recorded = context.environment.outputs.model_dump(include={"serving", *_FORGOTTEN})
    return {name: None for name, release in recorded.items() if release not in (None, *there)}


async def probe_directories(_spec: LocalSettings, context: StepContext) -> Probed:
    """Probe whether the directory is complete and belongs to the environment."""
    layout = Layout.at(context)
    if not layout.exists:
        return Probed.not_done(f"{layout.root} is not there")
    if reason := layout.unclaimed:
        return Probed.not_done(f"{layout.root} is not ours: {reason}")
    if not (layout.config.is_dir() and layout.releases.is_dir()):
        return Probed.not_done(f"{layout.root} is not complete")
    return Probed.done(f"{layout.root} is there", **await in_thread(lambda: _lost(context)))


async def reserve_port(spec: LocalSettings, context: StepContext) -> StepOutputs:
    """Reserve a port of the loopback interface for the environment."""
    layout = Layout.at(context)
    layout.require()
    served = await in_thread(lambda: _served(layout))
    port = await in_thread(lambda: Reservations.beside(layout).reserve(layout, spec.port, served))
    moving = (
        f"; the service moves there from port {served} when it is run" if served not in (None, port) else ""
    )
    context.report(f"port {port} of {HOST} reserved{moving}")
    return _address(port, served)


def _served(layout: Layout) -> int | None:
    """Return the port of the service that runs, or None."""
    service = Service(layout)
    instance = service.instance
    return instance.port if instance is not None and service.leader() is not None else None


async def probe_port(spec: LocalSettings, context: StepContext) -> Probed:
    """Probe whether the wanted port is reserved."""
    layout = Layout.at(context)
    served = await in_thread(lambda: _served(layout))
    port = Reservations.beside(layout).suitable(layout.lineage, spec.port, served)
    if port is None:
        wanted = f"port {spec.port}" if spec.port else "no port"
        return Probed.not_done(f"{wanted} is {'not ' * bool(spec.port)}reserved")
    # Recovery takes the outputs from here when the process died before it recorded them.
    return Probed.done(f"port {port} is reserved", **_address(port, served))


def _address(port: int, served: int | None) -> dict[str, str | int]:
    # The service is reached where it runs, until it has moved.
    return {"instance_ip": HOST, "port": port, "url": url_of(HOST, served or port)}


async def stop_service(spec: LocalSettings, context: StepContext) -> StepOutputs:
    """End the recorded service, and unrecorded processes with the environment's mark."""
    layout, port = Layout.at(context), context.environment.outputs.port
    found, killed = await Service(layout).stop(spec.stop_grace, spec.health)
    if port is not None:  # a service that had yet to move has no use for its old port any more
        await in_thread(lambda: Reservations.beside(layout).release(layout.lineage, but=port))
    forced = f", {killed} by force" if killed else ""
    ended = f"{found} process{'es' * (found > 1)} ended{forced}"
    context.report(ended if found else "nothing was running")
    return {"serving": None}


async def probe_stopped(_spec: LocalSettings, context: StepContext) -> Probed:
    """Probe whether no process of the environment runs."""
    left = await in_thread(Service(Layout.at(context)).processes)
    if left:
        return Probed.not_done("still running: " + ", ".join(Program.of(each).describe() for each in left))
    return Probed.done("nothing runs", serving=None)


async def remove_directories(_spec: LocalSettings, context: StepContext) -> StepOutputs:
    """Remove the environment's directory, then release its port."""
    layout = Layout.at(context)
    there = bool(directories.remains(layout))
    await in_thread(lambda: directories.remove(layout))
    await in_thread(lambda: Reservations.beside(layout).release(layout.lineage))
    context.report(f"{layout.root} removed" if there else "nothing was there")
    return dict(_FORGOTTEN)


async def probe_removed(_spec: LocalSettings, context: StepContext) -> Probed:
    """Probe whether the directory and the reservation are gone."""
    if remains := _remains(Layout.at(context)):
        return Probed.not_done(remains)
    return Probed.done("nothing is left", **_FORGOTTEN)


def _remains(layout: Layout) -> str:
    """Describe the remains of the directory and the reservation; empty without any."""
    left = [f"{place} is still there" for place in directories.remains(layout)]
    ports = Reservations.beside(layout).held_by(layout.lineage)
    return "; ".join([*left, *(f"port {port} is still reserved" for port in ports)])


async def verify_absence(spec: LocalSettings, context: StepContext) -> StepOutputs:
    """Verify that no process, file or reservation is left."""
    found = await probe_absence(spec, context)
    if found.verdict is not Verdict.DONE:
        raise StepFailed(FailureCause.INFRASTRUCTURE, f"not all is gone: {found.reason}; destroy again")
    context.report(found.reason)
    return found.outputs


async def probe_absence(_spec: LocalSettings, context: StepContext) -> Probed:
    """Probe whether no process, file or reservation is left."""
    layout = Layout.at(context)
    left = [f"{Program.of(each).describe()} runs" for each in await in_thread(Service(layout).processes)]
    if remains := "; ".join(filter(None, [*left, _remains(layout)])):
        return Probed.not_done(remains)
    port = context.environment.outputs.port
    # A free port can be taken at once by another program: that does not keep us from success.
    used = port is not None and busy(port)
    freed = f"port {port} is another program's now" if used else "no port"
    return Probed.done(f"no process, no files, {freed}", instance_ip=None, port=None, url=None)
