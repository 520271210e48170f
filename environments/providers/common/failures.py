"""Errors of the operating system, as failures of steps."""

from __future__ import annotations

import errno
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import psutil

from environments.errors import StepFailed
from environments.model.fields.failure_cause import FailureCause
from statechart.errors import NotOurs

P = ParamSpec("P")
ResultT = TypeVar("ResultT")

_ADVICE = {
    errno.ENOSPC: "free some space, then try again",
    errno.EDQUOT: "free some of your quota, then try again",
    errno.EROFS: "make the file system writable or use another data directory, then try again",
    errno.EACCES: "give yourself permission for it, then try again",
    errno.EPERM: "give yourself permission for it, then try again",
}


def translated(function: Callable[P, Awaitable[ResultT]]) -> Callable[P, Awaitable[ResultT]]:
    """Turn errors of the operating system and of psutil, and NotOurs, into StepFailed."""

    @wraps(function)
    async def call(*args: P.args, **kwargs: P.kwargs) -> ResultT:
        try:
            return await function(*args, **kwargs)
        except psutil.Error as error:  # not an OSError, although most stand for one
            raise _process_error(error) from error
        except NotOurs as error:
            summary = f"{error}; move it away, then try again"
            raise StepFailed(FailureCause.FILE_SYSTEM, summary) from error
        except OSError as error:
            raise file_error(error) from error

    return call


def _process_error(error: psutil.Error) -> StepFailed:
    summary = f"a process could not be handled: {error}"
    if psutil.LINUX and not Path("/proc/self").exists():
        summary = "processes can't be seen, as /proc is not mounted: mount it, then try again"
    return StepFailed(FailureCause.INFRASTRUCTURE, summary)


def file_error(error: OSError) -> StepFailed:
    """Return the failure for an error of the file system, with advice where there is any."""
    place = f"{error.filename}: " if error.filename else ""
    advice = _ADVICE.get(error.errno or 0)
    summary = f"{place}{(error.strerror or str(error)).lower()}"
    return StepFailed(FailureCause.FILE_SYSTEM, f"{summary}; {advice}" if advice else summary)


def certainly(question: Callable[[], bool]) -> bool:
    """Ask a path a question, such as `path.is_dir`; the answer is False if the system can't tell."""
    try:
        return question()
    except OSError:  # such as a name that is too long
        return False
