"""Building blocks for the steps of a provider."""

from __future__ import annotations

import errno
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import timedelta
from functools import partial, wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import psutil
from pydantic import JsonValue

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.model.steps import Probed, Step, StepContext, StepOutputs
from statechart.errors import NotOurs

P = ParamSpec("P")
ResultT = TypeVar("ResultT")
SpecT = TypeVar("SpecT")

QUICK = timedelta(seconds=60)


def provider_step(
    spec: SpecT,
    effect: Callable[[SpecT, StepContext], Awaitable[StepOutputs | None]],
    probe: Callable[[SpecT, StepContext], Awaitable[Probed]],
    *,
    inputs: Mapping[str, JsonValue],
    transient: Collection[str] = (),
    timeout: timedelta = QUICK,
    has_effect: bool = True,
) -> Step:
    """Return an idempotent step with the name of its effect."""
    return Step(
        name=getattr(effect, "__name__", ""),  # recorded: a renamed function is another step
        effect=translated(partial(effect, spec)),
        probe=partial(_look, probe, spec),
        inputs=inputs,
        transient=transient,
        idempotent=True,
        has_effect=has_effect,
        timeout=timeout,
    )


def reasons(context: StepContext, after: timedelta = timedelta(seconds=0.5)) -> Callable[[str], None]:
    """Return a function that tells why a step waits: after a moment, and only another reason again."""
    begun, told = time.monotonic(), ""

    def tell(reason: str) -> None:
        nonlocal told
        if reason and reason != told and time.monotonic() - begun >= after.total_seconds():
            context.progress(reason)
            told = reason

    return tell


async def _look(
    probe: Callable[[SpecT, StepContext], Awaitable[Probed]], spec: SpecT, context: StepContext
) -> Probed:
    """Probe a step; a failure to look is the verdict `unknown`, not a failure of the command."""
    try:
        return await translated(probe)(spec, context)
    except StepFailed as failure:
        return Probed.unknown(failure.summary)


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
