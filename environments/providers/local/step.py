"""How a step of the local provider is put together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from pydantic import JsonValue

from environments.errors import StepFailed
from environments.providers.effects import translated
from environments.steps import Probed, Step, StepContext, StepOutputs

if TYPE_CHECKING:
    from environments.providers.local import LocalProvider

Work: TypeAlias = "Callable[[LocalProvider, StepContext], Awaitable[StepOutputs | None]]"
Look: TypeAlias = "Callable[[LocalProvider, StepContext], Awaitable[Probed]]"

QUICK = timedelta(seconds=60)


def local_step(
    spec: LocalProvider,
    effect: Work,
    probe: Look,
    *,
    inputs: Mapping[str, JsonValue],
    timeout: timedelta = QUICK,
    has_effect: bool = True,
) -> Step:
    """Return the step that is named after its effect. All of the local provider's may be repeated."""
    return Step(
        name=getattr(effect, "__name__", ""),
        effect=translated(partial(effect, spec)),
        probe=partial(_look, probe, spec),
        inputs=inputs,
        idempotent=True,
        has_effect=has_effect,
        timeout=timeout,
    )


async def _look(probe: Look, spec: LocalProvider, context: StepContext) -> Probed:
    """Probe; where the world refuses to be looked at, it does not tell."""
    try:
        return await translated(probe)(spec, context)
    except StepFailed as failure:
        return Probed.unknown(failure.summary)
