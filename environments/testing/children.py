"""Commands in child processes, which can die in the middle."""

from __future__ import annotations

import asyncio
import os
import signal
import traceback
from collections.abc import Coroutine
from typing import Any, NoReturn

_in_child = False


async def in_child(command: Coroutine[Any, Any, object]) -> int:
    """Run a command in a forked process, and return its exit code as `subprocess` does.

    The code is 0 if the command returned, 1 if it raised (the traceback goes to stderr), or the
    negative number of the signal that killed the process. Results come back only through files.
    """
    child = os.fork()
    if child == 0:
        _run(command)
    command.close()
    _, status = await asyncio.to_thread(os.waitpid, child, 0)
    return os.waitstatus_to_exitcode(status)


def crash(step: str) -> NoReturn:
    """Kill this process, which must be a child of `in_child`.

    Raises:
        RuntimeError: This process is not such a child.
    """
    if not _in_child:
        raise RuntimeError(f"step {step} crashes its process: run the command with `await in_child(...)`")
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable: nothing survives SIGKILL")


def _run(command: Coroutine[Any, Any, object]) -> NoReturn:
    global _in_child  # a fact about the process
    _in_child = True
    code = 1
    try:
        asyncio.run(command)
        code = 0
    except BaseException:  # the parent's handlers must not run in the child
        traceback.print_exc()
    finally:
        os._exit(code)
