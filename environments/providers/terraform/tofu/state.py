"""What OpenTofu or Terraform knows of what it made, asked without changing anything."""

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
    from environments.providers.terraform import TerraformProvider

PLANNED = "infrastructure_planned"
"""The detail of the outputs that says that something may have been made."""


def binary_of(spec: TerraformProvider, context: StepContext) -> Binary:
    """Return the program for an environment, with the secrets that its module takes."""
    secrets = {
        name: value.resolve() for name, value in spec.variables.items() if isinstance(value, SecretRef)
    }
    directory = Layout.at(context).module
    return Binary(configured=spec.binary, directory=directory, secrets=secrets)


async def resources(spec: TerraformProvider, context: StepContext) -> list[str]:
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


async def differences(spec: TerraformProvider, context: StepContext) -> list[str]:
    """Return what is not as Terraform's state says, and what the module's own checks find wrong.

    It only looks: neither the state nor its lock is touched. A resource that would only be updated
    does not count: many modules have one that always would.
    """
    said = await binary_of(spec, context).run(context, "plan", "-json", "-input=false", "-lock=false")
    drifted = {line.partition(":")[0] for line in said.drift}
    lost = [line for line in said.changes if _is_lost(line) and line.partition(":")[0] not in drifted]
    return [*said.drift, *lost, *said.failed_checks]


def _is_lost(change: str) -> bool:
    return change.endswith((": create", ": replace", ": delete"))


def may_be_there(context: StepContext) -> bool:
    """Return whether something may have been made.

    Raises:
        StepFailed: It may, and Terraform's state, which alone leads to it, is lost.
    """
    layout = Layout.at(context)
    details = context.environment.outputs.details
    require_saved(layout)
    if layout.state.exists():
        return True
    if not details.get(PLANNED):
        return False
    summary = (
        f"{layout.state} is gone, and so is what leads to the resources: put it back from a backup. "
        f"Or, when you have removed them by hand, say so with an empty file in its place"
    )
    raise StepFailed(FailureCause.INFRASTRUCTURE, summary)


def require_saved(layout: Layout) -> None:
    """Make sure that Terraform could save what it did last.

    Raises:
        StepFailed: It could not, and left it beside its state.
    """
    if layout.unsaved_state.exists():
        summary = (
            f"{layout.unsaved_state} holds what Terraform could not save: in its directory, run "
            f"'terraform state push {layout.unsaved_state.name}', remove it, then try again"
        )
        raise StepFailed(FailureCause.INFRASTRUCTURE, summary)
