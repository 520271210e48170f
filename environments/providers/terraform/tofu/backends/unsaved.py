"""A state that Terraform could not save in the backend, and left beside the module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.terraform.layout import UNSAVED_STATE, Layout
from environments.providers.terraform.tofu.backends.store import read_state
from environments.providers.terraform.tofu.program import LOCK
from environments.system.files import read_own, remove_file
from statechart.following.cancellation import in_thread

if TYPE_CHECKING:
    from environments.providers.terraform.tofu.backends.store import BackendState, PulledState


async def settle_unsaved(
    state: BackendState, found: PulledState, lineage: str, *, push: bool
) -> PulledState:
    """Push the state in `errored.tfstate` if it follows the state in the backend.

    Args:
        state: The state in the backend.
        found: Its content now.
        lineage: The lineage that both must have.
        push: False to change nothing, and fail if there is a state to push.

    Returns:
        The content of the backend afterwards.

    Raises:
        StepFailed: There is an unsaved state that does not follow, or that was not to be pushed.
    """
    layout = Layout.at(state.context)
    path = layout.unsaved_state
    if not await in_thread(path.exists):
        return found
    content = await in_thread(lambda: read_own(path))
    if not content.strip():
        raise StepFailed(FailureCause.INFRASTRUCTURE, _no_room(str(path)))
    unsaved = read_state(content, str(path))
    if unsaved.is_same(found):
        if push:  # an earlier push, which was cut off before its end
            await in_thread(lambda: remove_file(path))
        return found
    if (unsaved.lineage, found.lineage) != (lineage, lineage) or unsaved.serial <= found.serial:
        raise StepFailed(FailureCause.INFRASTRUCTURE, _does_not_follow(layout, unsaved, found))
    if not push:
        summary = (
            f"{path} holds a state that Terraform could not save in the backend '{state.kind}'; the next "
            f"provision or destroy pushes it, as does 'terraform state push {UNSAVED_STATE}' in "
            f"{layout.module}"
        )
        raise StepFailed(FailureCause.INFRASTRUCTURE, summary)
    await state.push(UNSAVED_STATE)
    pushed = await state.pull()
    await in_thread(lambda: remove_file(path))
    state.context.progress(
        f"the state that Terraform could not save was pushed to the backend '{state.kind}': "
        f"serial {pushed.serial}"
    )
    return pushed


def _no_room(path: str) -> str:
    return (
        f"{path} is empty: Terraform could save its state neither in the backend nor here, so resources "
        "may exist that no state lists. If the failed command named a file with the state, move that file "
        "here; else look for the resources, remove them by hand, remove this file, then try again"
    )


def _does_not_follow(layout: Layout, unsaved: PulledState, found: PulledState) -> str:
    return (
        f"{layout.unsaved_state} holds a state that Terraform could not save (lineage {unsaved.lineage}, "
        f"serial {unsaved.serial}), and the backend has another by now (lineage {found.lineage}, serial "
        f"{found.serial}). Compare it with 'terraform state pull'; if the file is the right one, run in "
        f"{layout.module}: terraform state push {LOCK} -force {UNSAVED_STATE}. Then remove the "
        "file, and try again"
    )
