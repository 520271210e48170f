"""A state beside the module, when the module has got a backend: never migrated silently."""

from __future__ import annotations

from typing import TYPE_CHECKING

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.terraform.layout import Layout
from environments.providers.terraform.tofu import module
from environments.providers.terraform.tofu.declarations import Declarations
from environments.providers.terraform.tofu.state_file import StateFile

if TYPE_CHECKING:
    from environments.model.steps import StepContext


def require_moved(context: StepContext) -> None:
    """Check before init that no state beside the module would have to be migrated to a backend.

    Raises:
        StepFailed: There is one, and the module has a backend now.
    """
    layout = Layout.at(context)
    if not layout.state.exists() or StateFile.read(layout.state) is None:
        return
    for block in Declarations.of(module.copied(layout.module)).remote():
        summary = (
            f"directory: {block.place}: {block} is new, and Terraform's state is still in {layout.state}. "
            "Remove the block; or move the state yourself: in that directory run 'terraform init "
            "-force-copy', with the variables in backend_env set, then try again"
        )
        raise StepFailed(FailureCause.CONFIGURATION, summary)
