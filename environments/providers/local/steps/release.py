"""The steps that write the configuration and release the application."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from environments.errors import StepFailed
from environments.model.command_name import CommandName
from environments.model.failure import FailureCause
from environments.model.steps import Probed, Step, StepContext, StepOutputs, Verdict
from environments.providers.common.app_files import scan
from environments.providers.common.steps import provider_step
from environments.providers.local.config_files import compare, declared, write
from environments.providers.local.inputs import inputs_of
from environments.providers.local.layout import Layout
from environments.providers.local.releases import Releases
from environments.providers.local.settings import LocalSettings
from statechart.following.cancellation import in_thread

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment

_LONG = timedelta(minutes=10)


def configure_steps(spec: LocalSettings, environment: AnyEnvironment) -> Sequence[Step]:
    """Return the steps of configure."""
    inputs = inputs_of(CommandName.CONFIGURE, spec, environment)
    return (provider_step(spec, write_configuration, probe_configuration, inputs=inputs),)


def release_steps(spec: LocalSettings, environment: AnyEnvironment) -> Sequence[Step]:
    """Return the steps of release: copy the application, then verify the copy."""
    inputs = inputs_of(CommandName.RELEASE, spec, environment)
    return (
        provider_step(spec, bundle_release, probe_bundle, inputs={**inputs}, timeout=_LONG),
        provider_step(
            spec, verify_release, probe_release, inputs={**inputs}, timeout=_LONG, has_effect=False
        ),
    )


def _files(spec: LocalSettings) -> dict[str, str]:
    return declared(spec.files, spec.public_env)


async def write_configuration(spec: LocalSettings, context: StepContext) -> None:
    """Write the declared configuration, and report the changes."""
    layout = Layout.at(context)
    layout.require()
    context.report(str(await in_thread(lambda: write(layout.config, _files(spec)))))


async def probe_configuration(spec: LocalSettings, context: StepContext) -> Probed:
    """Probe whether the configuration is as declared."""
    layout = Layout.at(context)
    if not layout.exists or layout.unclaimed:
        return Probed.not_done(f"{layout.root} is gone, or not ours")
    changes = await in_thread(lambda: compare(layout.config, _files(spec)))
    return Probed.not_done(f"to change: {changes}") if changes.any else Probed.done(str(changes))


async def bundle_release(spec: LocalSettings, context: StepContext) -> StepOutputs:
    """Copy the application into a release, or select the pinned release."""
    layout = Layout.at(context)
    layout.require()
    releases = Releases(layout.root)
    if spec.pinned_release is not None:  # a rollback to an earlier release
        release = await in_thread(lambda: _pinned(releases, str(spec.pinned_release)))
        context.report(f"release {release}, made earlier")
    else:
        cancelled = Event()  # a thread can't be cancelled, but asked between two files
        manifest, new = await in_thread(
            lambda: releases.bundle(spec.app, _data(layout), lambda: not cancelled.is_set()),
            on_cancel=cancelled.set,
        )
        release = manifest.id
        count = len(manifest.entries)
        context.report(f"release {release}: {count} file{'s' * (count > 1)}{'' if new else ', as before'}")
    outputs = context.environment.outputs
    await in_thread(lambda: releases.prune((release, outputs.serving, outputs.served, outputs.previous)))
    return {"release": release}


def _pinned(releases: Releases, release: str) -> str:
    damage = releases.damage(release) if release in releases.ids() else "it is not there"
    if damage:
        available = ", ".join(releases.ids()) or "none"
        summary = (
            f"release {release} can't be used: {damage}; available: {available}; or deploy the application"
        )
        raise StepFailed(FailureCause.CONFIGURATION, summary)
    return release


def _data(layout: Layout) -> Path:
    """Return the data directory."""
    # An application may contain it: its copy must not contain the copies.
    return layout.directory.parent


async def probe_bundle(spec: LocalSettings, context: StepContext) -> Probed:
    """Probe whether the application is released in its present content."""
    layout = Layout.at(context)
    if not layout.exists or layout.unclaimed:
        return Probed.not_done(f"{layout.root} is gone, or not ours")
    release = spec.pinned_release or (await in_thread(lambda: scan(spec.app, _data(layout)))).id
    damage = await in_thread(lambda: Releases(layout.root).damage(release))
    if damage:
        return Probed.not_done(f"release {release}: {damage}")
    return Probed.done(f"release {release} is there", release=release)


async def verify_release(spec: LocalSettings, context: StepContext) -> None:
    """Verify that the content of the release matches its name."""
    found = await probe_release(spec, context)
    if found.verdict is not Verdict.DONE:
        raise StepFailed(FailureCause.FILE_SYSTEM, f"{found.reason}; release again")
    context.report(found.reason)


async def probe_release(_spec: LocalSettings, context: StepContext) -> Probed:
    """Probe whether the content of the release matches its name."""
    layout = Layout.at(context)
    release = context.environment.outputs.release
    if release is None:
        return Probed.not_done("nothing is released")
    damage = await in_thread(lambda: Releases(layout.root).damage(release))
    if damage:
        return Probed.not_done(f"release {release} is damaged: {damage}")
    return Probed.done(f"release {release} is intact")
