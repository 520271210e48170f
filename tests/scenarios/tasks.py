"""Run commands as tasks, and cancel them."""

from __future__ import annotations

import asyncio

import pytest

from environments.execution.commands import Command
from environments.model.environment import AnyEnvironment


async def begin(command: Command) -> asyncio.Task[AnyEnvironment]:
    """Start a command on demo, and return once it waits."""
    task = asyncio.ensure_future(command.attempt("demo"))
    await asyncio.sleep(0)
    return task


async def cancel(task: asyncio.Task[AnyEnvironment]) -> None:
    """Cancel a command, and check that it ends with the cancellation."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
