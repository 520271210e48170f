"""Find and end the processes of a step that have outlived their command."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import psutil

from environments.model.steps import OPERATION_MARK, marks
from environments.system import processes
from environments.system.ending import end
from statechart.holder import start_ticks

if TYPE_CHECKING:
    from environments.model.operation import Operation, ToolProcess

GRACE = timedelta(seconds=30)
"""The time that a tool has to end after SIGTERM."""


def survivors(operation: Operation) -> list[psutil.Process]:
    """Return the running processes of those steps of an operation that have no result."""
    # By recorded group and by mark: a process may have died before it could record the group.
    found: dict[int, psutil.Process] = {}
    for step in operation.in_doubt:
        left = of_tools(step.processes, marks(operation.id, step.name))
        found.update({each.pid: each for each in left})
    return list(found.values())


def of_tools(tools: Iterable[ToolProcess], variables: Mapping[str, str]) -> list[psutil.Process]:
    """Return the running processes in the groups of tools or with these variables.

    This process is left out, even if a tool started it.
    """
    found = [each for tool in tools for each in _group(tool, variables[OPERATION_MARK])]
    found += processes.marked(variables)  # a tool may start processes in groups of their own
    return list({each.pid: each for each in found if each.pid != os.getpid()}.values())


async def end_survivors(operation: Operation, grace: timedelta = GRACE) -> tuple[str, ...]:
    """End the survivors of an operation, and return their descriptions.

    Raises:
        StepFailed: A process can't be ended.
    """
    found = survivors(operation)
    if not found:
        return ()
    described = tuple(processes.Program.of(each).describe() for each in found)
    await end(lambda: survivors(operation), grace)
    return described


def _group(tool: ToolProcess, operation_id: str) -> Sequence[psutil.Process]:
    """Return the running processes of a tool's group and session, if the group is the tool's."""
    # Containers of one machine share the boot, but each counts its processes by itself.
    if tool.identity.is_elsewhere:
        return ()
    leader = start_ticks(tool.pid, zombie=True)
    if leader is not None:
        # The number may belong to a later process by now; then the group of that time is gone.
        return processes.group_of(tool.pid) if leader == tool.started else ()
    members = processes.group_of(tool.pid)
    # Without its leader a group of this number may be a stranger's. The kernel gives the number to
    # no other group while it has members, so one marked member vouches for all.
    marked = any(processes.variables_of(each).get(OPERATION_MARK) == operation_id for each in members)
    return members if marked else ()
