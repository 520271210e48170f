"""The steps that serve a release."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import uuid4

from pydantic import JsonValue

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.model.states import Running
from environments.model.steps import Probed, Step, StepContext, StepOutputs
from environments.providers.common.addresses import url_of
from environments.providers.common.health import HealthVerdict
from environments.providers.common.log_tail import last_word
from environments.providers.common.service_variables import ENVIRONMENT, TOKEN, values_of
from environments.providers.common.steps import provider_step, reasons
from environments.providers.terraform.layout import Layout
from environments.providers.terraform.remote.collected_log import CollectedLog, last_lines
from environments.providers.terraform.remote.connection import on_host
from environments.providers.terraform.remote.host import HostDirectory, RemoteService
from environments.providers.terraform.remote.startup import Startup
from statechart.following.cancellation import shielded

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.providers.terraform.settings import TerraformSettings


_SPARE = timedelta(seconds=60)
_CANCEL_GRACE = timedelta(seconds=1)
_GIVE_UP = timedelta(seconds=8)
# Output reaches the log at once, and no bytecode is written into the release.
_PYTHON = {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def run_steps(spec: TerraformSettings, environment: AnyEnvironment) -> Sequence[Step]:
    """Return the steps of run: stop the old service, switch the release, start and check the new."""
    release = environment.outputs.release
    switched: dict[str, JsonValue] = {"lineage": environment.lineage, "release": release}
    started = {**switched, "service": fingerprint(spec, release or "")}
    stopping = spec.service.stop_grace + _SPARE
    waiting = spec.service.start_timeout + spec.service.settle + stopping
    return (
        provider_step(spec, stop_previous, probe_previous, inputs=started, timeout=stopping),
        provider_step(spec, switch_release, probe_switch, inputs=switched),
        provider_step(spec, start_service, probe_service, inputs=started, timeout=stopping),
        # Not a mere look: a service that stays unhealthy is stopped.
        provider_step(spec, check_health, probe_health, inputs=started, timeout=waiting),
    )


def fingerprint(spec: TerraformSettings, release: str) -> str:
    """Return the digest of the release and the service's settings, without secrets."""
    facts = [spec.service.model_dump(mode="json"), _user(spec), release]
    text = json.dumps(facts, sort_keys=True)
    return sha256(text.encode()).hexdigest()


def _user(spec: TerraformSettings) -> str:
    return spec.service.user or spec.ssh.user


def _released(context: StepContext) -> str:
    release = context.environment.outputs.release
    if release is None:
        raise StepFailed(FailureCause.CONFIGURATION, "nothing is released: release, then run")
    return release


def _is_done(spec: TerraformSettings, context: StepContext, instance: RemoteService | None) -> bool:
    """Return whether the service runs with the present settings, by a restart that is under way."""
    environment, release = context.environment, _released(context)
    if instance is None or not instance.alive or instance.serving != release:
        return False
    restarts = isinstance(environment.state, Running) and environment.run_under_way
    by_us = instance.operation == context.operation_id
    return instance.fingerprint == fingerprint(spec, release) and (by_us or not restarts)


async def stop_previous(spec: TerraformSettings, context: StepContext) -> StepOutputs:
    """Stop the running service, unless release and settings are as wanted already."""
    release, outputs = _released(context), context.environment.outputs
    async with on_host(spec, context) as host:
        if _is_done(spec, context, await host.instance()):
            context.report("the wanted service runs already")
            return {}
        ran = await host.stop(spec.service.stop_grace)
    stopped = f"release {outputs.serving} stopped, before {release} is started"
    context.report(stopped if ran else "nothing was running")
    return {"serving": None, "previous": outputs.rollback}


async def probe_previous(spec: TerraformSettings, context: StepContext) -> Probed:
    """Check whether a service with another release or other settings runs."""
    outputs = context.environment.outputs
    async with on_host(spec, context) as host:
        instance = await host.instance()
    runs = instance is not None and instance.alive
    if instance is not None and runs and not _is_done(spec, context, instance):
        return Probed.not_done(f"release {instance.release} runs: {instance.describe()}")
    serving = outputs.serving if runs else None
    return Probed.done("nothing else runs", serving=serving, previous=outputs.rollback)


async def switch_release(spec: TerraformSettings, context: StepContext) -> None:
    """Link the release as current, atomically."""
    release = _released(context)
    async with on_host(spec, context) as host:
        await host.releases.switch(release, context.environment.outputs.previous)
    context.report(f"release {release} is current")


async def probe_switch(spec: TerraformSettings, context: StepContext) -> Probed:
    """Check whether the release is linked as current."""
    release = _released(context)
    async with on_host(spec, context) as host:
        current = await host.releases.linked("current")
    if current != release:
        return Probed.not_done(f"current is {current or 'none'}")
    return Probed.done(f"release {release} is current")


async def start_service(spec: TerraformSettings, context: StepContext) -> None:
    """Start the service, unless it runs already as declared."""
    release, service = _released(context), spec.service
    async with on_host(spec, context) as host:
        if _is_done(spec, context, await host.instance()):
            context.report("it runs already")
            return
        token = uuid4().hex
        env = {
            **_PYTHON,
            **values_of(service.env),
            "HOST": "0.0.0.0",  # this machine and the users reach the service over the network
            "PORT": str(service.port),
            ENVIRONMENT: context.environment.lineage,
            TOKEN: token,
            "ENVCHART_RELEASE": release,
        }
        # A service with other settings, or what is left of one, would hold the port.
        await host.stop(service.stop_grace)
        await host.start(
            service.command,
            env,
            user=_user(spec),
            release=release,
            token=token,
            fingerprint=fingerprint(spec, release),
            grace=service.stop_grace,
            operation=context.operation_id,
        )
        instance = await host.instance()
    context.report(f"{instance.describe() if instance else 'started'}, on port {service.port}")


async def probe_service(spec: TerraformSettings, context: StepContext) -> Probed:
    """Check whether the service runs as declared now."""
    async with on_host(spec, context) as host:
        instance = await host.instance()
    if instance is None or not instance.alive:
        return Probed.not_done("the service does not run")
    if not _is_done(spec, context, instance):
        return Probed.not_done("the service was started before, or runs with other settings")
    return Probed.done(f"{instance.describe()} runs")


async def check_health(spec: TerraformSettings, context: StepContext) -> StepOutputs:
    """Wait until the service is healthy and stays healthy; stop it if it does not."""
    release = _released(context)
    try:
        async with on_host(spec, context) as host:
            try:
                seconds = await Startup(spec.service, host, reasons(context)).wait()
            except StepFailed as failed:
                raise await _ended(spec, context, host, failed) from failed
    except asyncio.CancelledError:  # a service that is not known to be healthy must not stay
        with suppress(StepFailed, TimeoutError):
            await shielded(_give_up(spec, context))
        raise
    context.report(f"healthy after {seconds:.1f} s: it answers with this instance's token")
    return {"serving": release, "served": release, **_address(spec, context)}


async def _give_up(spec: TerraformSettings, context: StepContext) -> None:
    """Stop the service quickly, after a cancellation."""
    async with asyncio.timeout(_GIVE_UP.total_seconds()), on_host(spec, context) as host:
        await host.stop(min(_CANCEL_GRACE, spec.service.stop_grace))


async def _ended(
    spec: TerraformSettings, context: StepContext, host: HostDirectory, failed: StepFailed
) -> StepFailed:
    """Stop an unhealthy service, and return the failure with the last lines of the log."""
    try:
        instance = await host.instance()
        await host.stop(spec.service.stop_grace)
        said = await last_lines(host, instance.log if instance else None, context.redact)
        # Whole: the service has ended, so its last line is complete.
        await CollectedLog(Layout.at(context).build).collect(host, context.redact, whole=True)
    except StepFailed as hindrance:
        return StepFailed(failed.cause, f"{failed.summary}; then: {hindrance.summary}", failed.detail)
    last = last_word(said)
    return StepFailed(
        failed.cause, f"{failed.summary}; it said last: {last}" if last else failed.summary, said
    )


def _address(spec: TerraformSettings, context: StepContext) -> dict[str, JsonValue]:
    """Return the outputs that follow from the port, which can be changed with each start."""
    port, address = spec.service.port, context.environment.outputs.instance_ip
    return {"port": port, "url": url_of(address, port)} if address is not None else {"port": port}


async def probe_health(spec: TerraformSettings, context: StepContext) -> Probed:
    """Check whether the service is healthy."""
    release = _released(context)
    async with on_host(spec, context) as host:
        instance = await host.instance()
        if instance is None or instance.serving != release:
            return Probed.not_done(f"no service of release {release} is recorded")
        answer = await Startup(spec.service, host).ask(instance)
    if answer.kind is not HealthVerdict.HEALTHY:
        return Probed.not_done(answer.detail)
    return Probed.done(
        f"healthy on port {spec.service.port}", serving=release, served=release, **_address(spec, context)
    )
