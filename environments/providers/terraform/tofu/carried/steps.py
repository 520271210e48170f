"""Steps that can run and be probed on any machine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from environments.errors import StepFailed
from environments.model.steps import Probed, Step, StepContext, StepOutputs
from environments.providers.common.failures import translated
from environments.providers.terraform.tofu.carried.build import at_hand

if TYPE_CHECKING:
    from environments.providers.terraform.settings import TerraformSettings


def on_any_machine(spec: TerraformSettings, steps: Sequence[Step], *, changes: bool) -> tuple[Step, ...]:
    """Return the steps with the build directory made to fit the record before each effect and probe.

    Args:
        spec: The settings.
        steps: The steps of a command.
        changes: Whether Terraform may change the state in them.
    """
    fitted = translated(partial(at_hand, spec, changes=changes))
    return tuple(_on_any_machine(step, fitted) for step in steps)


def _on_any_machine(step: Step, fitted: Callable[[StepContext], Awaitable[StepContext]]) -> Step:
    async def effect(context: StepContext) -> StepOutputs | None:
        return await step.effect(await fitted(context))

    async def probe(context: StepContext) -> Probed:
        assert step.probe is not None
        try:
            there = await fitted(context)
        except StepFailed as failed:
            return Probed.unknown(failed.summary)
        return await step.probe(there)

    return replace(step, effect=effect, probe=probe if step.probe else None)
