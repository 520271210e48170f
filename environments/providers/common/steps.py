"""Building blocks for the steps of a provider."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import timedelta
from functools import partial
from typing import TypeVar

from pydantic import JsonValue

from environments.errors import StepFailed
from environments.model.steps import Probed, Step, StepContext, StepOutputs
from environments.providers.common.failures import translated

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
    idempotent: bool = True,
) -> Step:
    """Return a step with the name of its effect."""
    return Step(
        name=getattr(effect, "__name__", ""),  # recorded: a renamed function is another step
        effect=translated(partial(effect, spec)),
        probe=partial(_look, probe, spec),
        inputs=inputs,
        transient=transient,
        idempotent=idempotent,
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
