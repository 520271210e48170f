"""The steps that upload a release of the application to the host."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import JsonValue

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.model.steps import Probed, Step, StepContext, StepOutputs, Verdict
from environments.providers.common.app_files import scan
from environments.providers.common.steps import provider_step
from environments.providers.terraform.layout import Layout
from environments.providers.terraform.remote.connection import on_host
from environments.system.files import read_object, write_private
from statechart.errors import NotOurs
from statechart.following.cancellation import in_thread

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.providers.terraform.settings import TerraformSettings


def release_steps(spec: TerraformSettings, environment: AnyEnvironment) -> Sequence[Step]:
    """Return the steps of release: the application is uploaded and verified."""
    inputs: dict[str, JsonValue] = {
        "lineage": environment.lineage,
        "app": str(spec.declared_app),
        "pinned": spec.pinned_release,
    }
    within = spec.timeouts.release
    return (
        provider_step(spec, upload_release, probe_upload, inputs=inputs, timeout=within),
        provider_step(spec, verify_release, probe_release, inputs=inputs, timeout=within, has_effect=False),
    )


async def upload_release(spec: TerraformSettings, context: StepContext) -> StepOutputs:
    """Upload the application, or select the pinned release."""
    outputs = context.environment.outputs
    async with on_host(spec, context) as host:
        if spec.pinned_release is not None:
            release = spec.pinned_release
            if damage := await host.releases.damage(release):
                available = ", ".join(await host.releases.ids()) or "none"
                summary = f"release {release} can't be used: {damage}; available: {available}"
                raise StepFailed(FailureCause.CONFIGURATION, summary)
            context.report(f"release {release}, made earlier")
        else:
            layout = Layout.at(context)
            # The data directory is left out: inside the application, it would be copied into itself.
            manifest, new = await host.releases.upload(
                spec.app, context.directory.parent, layout.build / "release.tar.gz", context.progress
            )
            # Later compared with the application, without asking the host.
            kept = json.dumps({"release": manifest.id, "entries": manifest.entries}) + "\n"
            await in_thread(lambda: write_private(layout.release_manifest, kept))
            release, count = manifest.id, len(manifest.entries)
            context.report(
                f"release {release}: {count} file{'s' * (count > 1)}{'' if new else ', as before'}"
            )
        # The service may still run in the release that it serves, and go back to the previous one.
        await host.releases.prune((release, outputs.serving, outputs.served, outputs.previous))
    return {"release": release}


def uploaded_entries(layout: Layout, release: str) -> dict[str, str] | None:
    """Return a digest of each file of a release, if that release was uploaded last."""
    try:
        found = read_object(layout.release_manifest)
    except (OSError, NotOurs):
        return None
    entries = found.get("entries") if found is not None and found.get("release") == release else None
    return entries if isinstance(entries, dict) else None


async def probe_upload(spec: TerraformSettings, context: StepContext) -> Probed:
    """Check whether a release of the application's present content is on the host."""
    leave_out = context.directory.parent
    release = spec.pinned_release or (await in_thread(lambda: scan(spec.app, leave_out))).id
    async with on_host(spec, context) as host:
        damage = await host.releases.damage(release)
    if damage:
        return Probed.not_done(f"release {release}: {damage}")
    return Probed.done(f"release {release} is there", release=release)


async def verify_release(spec: TerraformSettings, context: StepContext) -> None:
    """Verify that the release on the host has the content that its name stands for.

    Raises:
        StepFailed: The release is damaged or missing.
    """
    found = await probe_release(spec, context)
    if found.verdict is not Verdict.DONE:
        raise StepFailed(FailureCause.FILE_SYSTEM, f"{found.reason}; release again")
    context.report(found.reason)


async def probe_release(spec: TerraformSettings, context: StepContext) -> Probed:
    """Check whether the release on the host has the content that its name stands for."""
    release = context.environment.outputs.release
    if release is None:
        return Probed.not_done("nothing is released")
    async with on_host(spec, context) as host:
        damage = await host.releases.damage(release)
    if damage:
        return Probed.not_done(f"release {release} is damaged: {damage}")
    return Probed.done(f"release {release} is what it is named after")
