"""Survivors: processes that a step started, and that outlived the command it was part of."""

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
"""How long a tool has for ending by itself, before it is killed."""


def survivors(operation: Operation) -> list[psutil.Process]:
    """Return the living processes of an operation's steps without a result.

    They are found by the groups that are on record, and by the marks in their environment: a
    process may have been started just before its group could be recorded.
    """
    found: dict[int, psutil.Process] = {}
    for step in operation.in_doubt:
        left = of_tools(step.processes, marks(operation.id, step.name))
        found.update({each.pid: each for each in left})
    return list(found.values())


def of_tools(tools: Iterable[ToolProcess], variables: Mapping[str, str]) -> list[psutil.Process]:
    """Return the living processes of tools: of their groups, and with variables in their environment.

    This process is never among them, even when it was started by one of the tools.
    """
    found = [each for tool in tools for each in _group(tool, variables[OPERATION_MARK])]
    found += processes.marked(variables)
    return list({each.pid: each for each in found if each.pid != os.getpid()}.values())


async def end_survivors(operation: Operation, grace: timedelta = GRACE) -> tuple[str, ...]:
    """End them, first politely, then by force, and return who they were.

    Raises:
        StepFailed: Some can't be ended.
    """
    found = survivors(operation)
    if not found:
        return ()
    described = tuple(processes.Program.of(each).describe() for each in found)
    await end(lambda: survivors(operation), grace)
    return described


def _group(tool: ToolProcess, operation_id: str) -> Sequence[psutil.Process]:
    """Return the living processes of a tool's group and session, if the group is the tool's."""
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
