"""How a step of a provider is put together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import TypeVar

from pydantic import JsonValue

from environments.errors import StepFailed
from environments.model.steps import Probed, Step, StepContext, StepOutputs
from environments.providers.effects import translated

SpecT = TypeVar("SpecT")

QUICK = timedelta(seconds=60)


def provider_step(
    spec: SpecT,
    effect: Callable[[SpecT, StepContext], Awaitable[StepOutputs | None]],
    probe: Callable[[SpecT, StepContext], Awaitable[Probed]],
    *,
    inputs: Mapping[str, JsonValue],
    timeout: timedelta = QUICK,
    has_effect: bool = True,
) -> Step:
    """Return the step that is named after its effect, and that may be repeated."""
    return Step(
        name=getattr(effect, "__name__", ""),
        effect=translated(partial(effect, spec)),
        probe=partial(_look, probe, spec),
        inputs=inputs,
        idempotent=True,
        has_effect=has_effect,
        timeout=timeout,
    )


async def _look(
    probe: Callable[[SpecT, StepContext], Awaitable[Probed]], spec: SpecT, context: StepContext
) -> Probed:
    """Probe; where the world refuses to be looked at, it does not tell."""
    try:
        return await translated(probe)(spec, context)
    except StepFailed as failure:
        return Probed.unknown(failure.summary)
