"""Children: commands run in a process of their own, so that it can die in the middle."""

from __future__ import annotations

import asyncio
import os
import signal
import traceback
from collections.abc import Coroutine
from typing import Any, NoReturn

_in_child = False


async def in_child(command: Coroutine[Any, Any, object]) -> int:
    """Run a command in a forked process, and return how it ended, as `subprocess` says it.

    0 when the command returned, 1 when it raised (the traceback goes to stderr), and the negative
    number of the signal that killed it. Only what is on disk comes back.
    """
    child = os.fork()
    if child == 0:
        _run(command)
    command.close()
    _, status = await asyncio.to_thread(os.waitpid, child, 0)
    return os.waitstatus_to_exitcode(status)


def crash(step: str) -> NoReturn:
    """Kill this process, as a power cut would; only in a child that `in_child` made.

    Raises:
        RuntimeError: This is no such child.
    """
    if not _in_child:
        raise RuntimeError(f"step {step} crashes its process: run the command with `await in_child(...)`")
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable: nothing survives SIGKILL")


def _run(command: Coroutine[Any, Any, object]) -> NoReturn:
    global _in_child  # it is the process that is a child
    _in_child = True
    code = 1
    try:
        asyncio.run(command)
        code = 0
    except BaseException:  # nothing of the parent's may run in the child
        traceback.print_exc()
    finally:
        os._exit(code)
