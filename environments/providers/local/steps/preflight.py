"""The step that proves a release beside the running service, before the release takes its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from pydantic import JsonValue

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.model.operation import ToolProcess
from environments.model.states import Running
from environments.model.steps import Probed, Step, StepContext
from environments.providers.common.service_variables import values_of
from environments.providers.common.steps import provider_step, reasons
from environments.providers.local.config_files import write_variables
from environments.providers.local.layout import Layout
from environments.providers.local.port_reservations import Reservations
from environments.providers.local.service import Service, new_instance
from environments.providers.local.settings import LocalSettings
from environments.providers.local.startup import Startup
from statechart.following.cancellation import in_thread, shielded

_SPARE = timedelta(seconds=60)


def preflight_steps(spec: LocalSettings, inputs: Mapping[str, JsonValue]) -> Sequence[Step]:
    """Return the step of the preflight, if the spec asks for it."""
    if not spec.preflight:
        return ()
    within = spec.start_timeout + spec.settle + 2 * spec.stop_grace + _SPARE
    return (provider_step(spec, preflight, probe_preflight, inputs=inputs, timeout=within),)


def released(context: StepContext) -> tuple[str, int]:
    """Return the release and the port of the outputs.

    Raises:
        StepFailed: The release or the port is missing.
    """
    outputs = context.environment.outputs
    if outputs.release is None or outputs.port is None:
        missing = "no port is reserved" if outputs.port is None else "nothing is released"
        raise StepFailed(FailureCause.CONFIGURATION, f"{missing}: destroy the environment, create it again")
    return outputs.release, outputs.port


def is_done(spec: LocalSettings, context: StepContext, service: Service) -> bool:
    """Return whether the service was started with the present settings, by a restart that is under way."""
    environment, instance = context.environment, service.instance
    restarts = isinstance(environment.state, Running) and environment.run_under_way
    by_us = instance is not None and instance.operation == context.operation_id
    return _is_wanted(spec, context, service) and (by_us or not restarts)


def _is_wanted(spec: LocalSettings, context: StepContext, service: Service) -> bool:
    release, port = released(context)
    instance = service.instance
    return instance is not None and instance.fingerprint == spec.fingerprint(release, port)


def _needless(spec: LocalSettings, context: StepContext) -> str:
    """Return why no preflight is needed, or an empty string."""
    service = Service(Layout.at(context))
    if service.leader() is None:
        return "no service runs that could go on"
    if _is_wanted(spec, context, service):
        return "the service runs with this release and these settings"
    return ""


async def preflight(spec: LocalSettings, context: StepContext) -> None:
    """Start the release on a spare port, wait until it is healthy, and end it."""
    layout = Layout.at(context)
    layout.require()
    if reason := await in_thread(lambda: _needless(spec, context)):
        context.report(reason)
        return
    release, serving = released(context)[0], context.environment.outputs.serving
    candidate = Service(layout, candidate=True)
    await candidate.stop(spec.stop_grace, spec.health)  # an interrupted preflight may have left one
    try:
        port, seconds = await _prove(spec, context, candidate)
    except StepFailed as failed:
        advice = f"release {serving} serves on"
        summary = f"release {release} was tried on a spare port: {failed.summary}; {advice}"
        detail = f"{failed.detail}\n\nFor an application that can't run twice, set preflight to false."
        raise StepFailed(failed.cause, summary, detail) from failed
    finally:
        await shielded(candidate.stop(spec.stop_grace, spec.health))
    context.report(f"healthy after {seconds:.1f} s on spare port {port}, while {serving} serves")


async def _prove(spec: LocalSettings, context: StepContext, candidate: Service) -> tuple[int, float]:
    """Start a candidate and wait until it is healthy; return its port, and the seconds."""
    layout = candidate.layout
    values = await in_thread(lambda: values_of(spec.env))
    await in_thread(lambda: write_variables(layout.config, spec.public_env))
    port = await in_thread(Reservations.beside(layout).spare)
    instance = new_instance(spec, operation=context.operation_id, release=released(context)[0], port=port)
    # With the marks of the step, and recorded: recovery ends a candidate that outlives its command.
    process = candidate.start(spec, instance, {**values, **context.marks}).process
    if process is not None:
        context.started(ToolProcess(program="candidate", **process.model_dump()))
    return port, await Startup(spec, candidate, reasons(context)).wait()


async def probe_preflight(spec: LocalSettings, context: StepContext) -> Probed:
    """Probe whether a preflight is needed; whether a release gets healthy shows only in a preflight."""
    candidate = Service(Layout.at(context), candidate=True)
    if await in_thread(candidate.processes):
        return Probed.not_done("a candidate still runs")
    if reason := await in_thread(lambda: _needless(spec, context)):
        return Probed.done(reason)
    return Probed.unknown("only a preflight can tell whether the release gets healthy")
