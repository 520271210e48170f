"""What effects and probes share: the operating system's errors in their words."""

from __future__ import annotations

import errno
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import psutil

from environments.errors import StepFailed
from environments.model.failure import FailureCause

ResultT = TypeVar("ResultT")
P = ParamSpec("P")

_ADVICE = {
    errno.ENOSPC: "free some space, then try again",
    errno.EDQUOT: "free some of your quota, then try again",
    errno.EROFS: "make the file system writable or use another data directory, then try again",
    errno.EACCES: "give yourself permission for it, then try again",
    errno.EPERM: "give yourself permission for it, then try again",
}


def translated(function: Callable[P, Awaitable[ResultT]]) -> Callable[P, Awaitable[ResultT]]:
    """Make what the operating system refuses a StepFailed."""

    @wraps(function)
    async def call(*args: P.args, **kwargs: P.kwargs) -> ResultT:
        try:
            return await function(*args, **kwargs)
        except psutil.Error as error:
            raise StepFailed(
                FailureCause.INFRASTRUCTURE, f"a process could not be handled: {error}"
            ) from error
        except OSError as error:
            raise file_error(error) from error

    return call


def file_error(error: OSError) -> StepFailed:
    """Return the failure that an error of the file system stands for."""
    place = f"{error.filename}: " if error.filename else ""
    advice = _ADVICE.get(error.errno or 0)
    summary = f"{place}{(error.strerror or str(error)).lower()}"
    return StepFailed(FailureCause.FILE_SYSTEM, f"{summary}; {advice}" if advice else summary)
