"""The steps that serve a release."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from environments.errors import StepFailed
from environments.model.command_name import CommandName
from environments.model.failure import FailureCause
from environments.model.steps import Probed, Step, StepContext, StepOutputs
from environments.providers.common.addresses import url_of
from environments.providers.common.health import HOST, HealthVerdict, ask
from environments.providers.common.service_variables import values_of
from environments.providers.common.steps import provider_step, reasons
from environments.providers.local.config_files import write_variables
from environments.providers.local.inputs import inputs_of
from environments.providers.local.layout import Layout
from environments.providers.local.port_reservations import Reservations, require_free
from environments.providers.local.releases import Releases
from environments.providers.local.service import Service, new_instance
from environments.providers.local.settings import LocalSettings
from environments.providers.local.startup import Startup
from environments.providers.local.steps.preflight import is_done, preflight_steps, released
from environments.system.processes import Program
from statechart.following.cancellation import in_thread

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment

_SPARE = timedelta(seconds=30)


def run_steps(spec: LocalSettings, environment: AnyEnvironment) -> Sequence[Step]:
    """Return the steps of run: end the old service, switch the release, start and check the new service.

    Before that, a release that replaces a running service has to prove itself in a preflight.
    """
    started = inputs_of(CommandName.RUN, spec, environment)
    switched = {key: started[key] for key in ("lineage", "release")}
    stopping = spec.stop_grace + _SPARE
    starting = spec.start_timeout + spec.settle + stopping
    proving = () if environment.outputs.serving is None else preflight_steps(spec, started)
    return (
        *proving,
        provider_step(spec, stop_previous, probe_previous, inputs={**started}, timeout=stopping),
        provider_step(
            spec, switch_release, probe_switch, inputs={**switched}, timeout=timedelta(minutes=10)
        ),
        provider_step(spec, start_service, probe_service, inputs={**started}, timeout=stopping),
        # Not a mere look: a service that stays unhealthy is stopped.
        provider_step(spec, check_health, probe_health, inputs={**started}, timeout=starting),
    )


async def stop_previous(spec: LocalSettings, context: StepContext) -> StepOutputs:
    """End the running service, if any."""
    layout = Layout.at(context)
    layout.require()
    found, killed = await Service(layout).stop(spec.stop_grace, spec.health)
    forced = ", by force" if killed else ""
    context.report(f"the previous service was ended{forced}" if found else "nothing was running")
    return _nothing_served(context)


def _nothing_served(context: StepContext) -> dict[str, str | None]:
    """Return the outputs after the end of the old service."""
    return {"serving": None, "previous": context.environment.outputs.rollback}


async def probe_previous(spec: LocalSettings, context: StepContext) -> Probed:
    """Probe whether no process runs except the wanted service."""
    service = Service(Layout.at(context))
    running = await in_thread(service.processes)
    if running and not (service.leader() and is_done(spec, context, service)):
        return Probed.not_done(f"{Program.of(running[0]).describe()} still runs")
    return Probed.done("no other process runs", **_nothing_served(context))


async def switch_release(_spec: LocalSettings, context: StepContext) -> None:
    """Make the release current, and link the previous release."""
    layout = Layout.at(context)
    layout.require()
    release, _ = released(context)
    releases = Releases(layout.root)
    if damage := await in_thread(lambda: releases.damage(release)):
        summary = f"release {release} is damaged: {damage}; release again"
        raise StepFailed(FailureCause.FILE_SYSTEM, summary)
    previous = context.environment.outputs.previous
    await in_thread(lambda: releases.switch(release, previous))
    context.report(f"current is {release}" + (f", previous is {previous}" if previous else ""))


async def probe_switch(_spec: LocalSettings, context: StepContext) -> Probed:
    """Probe whether the release is current."""
    releases = Releases(Layout.at(context).root)
    release, _ = released(context)
    current = releases.linked("current")
    if current != release or releases.linked("previous") != context.environment.outputs.previous:
        return Probed.not_done(f"current is {current}")
    return Probed.done(f"current is {release}")


async def start_service(spec: LocalSettings, context: StepContext) -> None:
    """Start the service, unless it already runs with the present settings."""
    layout = Layout.at(context)
    layout.require()
    release, port = released(context)
    service = Service(layout)
    if (leader := await in_thread(service.leader)) and is_done(spec, context, service):
        context.report(f"{Program.of(leader).describe()} already runs")
        return
    values = await in_thread(lambda: values_of(spec.env))
    # A start that was interrupted may have left a process; the step can be repeated.
    await service.stop(spec.stop_grace, spec.health)
    await in_thread(lambda: require_free(port))
    await in_thread(lambda: write_variables(layout.config, spec.public_env))
    instance = new_instance(spec, operation=context.operation_id, release=release, port=port)
    started = service.start(spec, instance, values)
    context.report(f"pid {started.process.pid if started.process else '?'} on port {port}")


async def probe_service(spec: LocalSettings, context: StepContext) -> Probed:
    """Probe whether the service runs with the present settings."""
    service = Service(Layout.at(context))
    leader = await in_thread(service.leader)
    if leader is None:
        return Probed.not_done("the service does not run")
    if not is_done(spec, context, service):
        return Probed.not_done("the service was started before, or runs with other settings")
    return Probed.done(f"{Program.of(leader).describe()} runs")


async def check_health(spec: LocalSettings, context: StepContext) -> StepOutputs:
    """Wait until the service is healthy and stays healthy; otherwise end it."""
    layout = Layout.at(context)
    layout.require()
    release, port = released(context)
    seconds = await Startup(spec, Service(layout), reasons(context)).wait()
    # The service has moved, if it was to.
    await in_thread(lambda: Reservations.beside(layout).release(layout.lineage, but=port))
    context.report(f"healthy after {seconds:.1f} s: port {port} answers with this instance's token")
    return _served(release, port)


def _served(release: str, port: int) -> dict[str, str]:
    return {"serving": release, "served": release, "url": url_of(HOST, port)}


async def probe_health(spec: LocalSettings, context: StepContext) -> Probed:
    """Probe whether the service is healthy."""
    instance = await in_thread(lambda: Service(Layout.at(context)).instance)
    release, port = released(context)
    if instance is None or instance.release != release:
        return Probed.not_done(f"no service of release {release} is recorded")
    answer = await ask(port, spec.health, instance.token)
    if answer.kind is not HealthVerdict.HEALTHY:
        return Probed.not_done(answer.detail)  # not `unknown`: waiting for health can be repeated
    return Probed.done(f"healthy on port {port}", **_served(release, port))
