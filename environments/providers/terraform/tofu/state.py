"""Read-only questions to OpenTofu or Terraform about the infrastructure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import JsonValue

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.model.steps import StepContext
from environments.providers.terraform.layout import Layout
from environments.providers.terraform.tofu.program import Binary
from environments.secrets.references import SecretRef
from environments.system.cancellation import in_thread

if TYPE_CHECKING:
    from environments.providers.terraform.settings import TerraformSettings

PLANNED = "infrastructure_planned"
"""The detail of the outputs that is true while resources may exist."""


def binary_of(spec: TerraformSettings, context: StepContext) -> Binary:
    """Return the program for an environment's module, with the module's secrets."""
    secrets = {
        name: value.resolve() for name, value in spec.variables.items() if isinstance(value, SecretRef)
    }
    directory = Layout.at(context).module
    return Binary(configured=spec.binary, directory=directory, secrets=secrets)


async def resources(spec: TerraformSettings, context: StepContext) -> list[str]:
    """Return the addresses of the resources in Terraform's state."""
    if not await in_thread(lambda: may_be_there(context)):
        return []
    shown = await binary_of(spec, context).document(context, "show", "-json")
    return sorted(_addresses((shown.get("values") or {}).get("root_module") or {}))


def _addresses(part: dict[str, list[dict[str, JsonValue]]]) -> list[str]:
    found = [str(each["address"]) for each in part.get("resources", []) if each.get("mode") == "managed"]
    for child in part.get("child_modules", []):
        found += _addresses(child)  # type: ignore[arg-type]  # modules hold modules of the same shape
    return found


async def differences(spec: TerraformSettings, context: StepContext) -> list[str]:
    """Return the differences between state and reality, and the failures of the module's checks.

    Neither the state nor its lock is touched. Planned updates are not reported.
    """
    # Many modules have a resource that every plan would update, so updates prove no drift.
    said = await binary_of(spec, context).run(context, "plan", "-json", "-input=false", "-lock=false")
    drifted = {line.partition(":")[0] for line in said.drift}
    lost = [line for line in said.changes if _is_lost(line) and line.partition(":")[0] not in drifted]
    return [*said.drift, *lost, *said.failed_checks]


def _is_lost(change: str) -> bool:
    return change.endswith((": create", ": replace", ": delete"))


def may_be_there(context: StepContext) -> bool:
    """Return whether resources may exist.

    Raises:
        StepFailed: They may, and Terraform's state is lost.
    """
    layout = Layout.at(context)
    details = context.environment.outputs.details
    require_saved(layout)
    # The file exists since the first plan: see `Layout.begin_state`.
    if layout.state.exists():
        return True
    if not details.get(PLANNED):
        return False
    summary = (
        f"{layout.state} is gone, and with it the list of the resources: put it back from a backup. "
        f"Or, if you have removed the resources by hand, create an empty file in its place"
    )
    raise StepFailed(FailureCause.INFRASTRUCTURE, summary)


def require_saved(layout: Layout) -> None:
    """Check that the last run of Terraform could save its state.

    Raises:
        StepFailed: It could not, and left the state in another file.
    """
    if layout.unsaved_state.exists():
        summary = (
            f"{layout.unsaved_state} holds a state that Terraform could not save: in its directory, run "
            f"'terraform state push {layout.unsaved_state.name}', remove the file, then try again"
        )
        raise StepFailed(FailureCause.INFRASTRUCTURE, summary)


def require_own_state(layout: Layout, *, initialised_now: bool) -> None:
    """Check after `init` that Terraform keeps its state beside the module.

    Raises:
        StepFailed: A block that only Terraform understands keeps the state elsewhere.
    """
    if not layout.backend.exists():
        return
    if initialised_now:
        # Nothing is in that state yet; left here, the note would stop `init` after the block is removed.
        layout.backend.unlink()
    summary = (
        "directory: the module keeps Terraform's state elsewhere, which is not supported: remove its "
        "'backend' or 'cloud' block, then try again"
    )
    raise StepFailed(FailureCause.CONFIGURATION, summary)
