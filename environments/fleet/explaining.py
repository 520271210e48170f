"""Why a wish waits, and the step that its worker is at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from environments.fleet.wishes import WishStatus
from environments.model.errors import UnreadableSummary
from statechart.errors import StorageError

if TYPE_CHECKING:
    from environments.fleet.worker_status import WorkerStatus
    from environments.workspace import Workspace


def explained(
    wishes: Iterable[WishStatus],
    find_living: Callable[[], Sequence[WorkerStatus]],
    workspace: Workspace,
) -> Sequence[WishStatus]:
    """Return wishes with the reasons for which they wait, or with their steps under way.

    Args:
        wishes: The wishes.
        find_living: Returns the workers that live; called once, if any wish is unfinished.
        workspace: The environments.
    """
    found = list(wishes)
    if all(each.is_over for each in found):
        return found
    living = find_living()
    return [_explained(each, living, workspace) for each in found]


def _explained(wish: WishStatus, living: Sequence[WorkerStatus], workspace: Workspace) -> WishStatus:
    if wish.condition == "running":
        if all(each.id != wish.worker for each in living):
            return replace(wish, waits_for="its worker is dead, and no other has taken it up yet")
        return replace(wish, doing=_doing(wish.name, workspace))
    if wish.is_over or wish.waits_for:
        return wish
    if not living:
        return replace(wish, waits_for="no worker is there")
    if all(each.version != wish.version for each in living):
        return replace(wish, waits_for=f"no worker runs version {wish.version}")
    return wish


def _doing(name: str, workspace: Workspace) -> str:
    try:
        summary = workspace.summary(name)
    except StorageError:  # purged meanwhile, for example
        return ""
    operation = None if isinstance(summary, UnreadableSummary) else summary.stored_operation
    if operation is None or not operation.is_active:
        return ""
    step = operation.step
    return f"{operation.command}{'' if step is None else f' [{step.number}/{step.of}] {step.name}'}"
