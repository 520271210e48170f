"""Steps that can run and be probed on any machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from environments.errors import StepFailed
from environments.model.steps import Probed, Step, StepContext, StepOutputs
from environments.providers.common.failures import translated
from environments.providers.terraform.tofu.carried.build import at_hand

if TYPE_CHECKING:
    from environments.providers.terraform.settings import TerraformSettings


def on_any_machine(spec: TerraformSettings, steps: Sequence[Step]) -> tuple[Step, ...]:
    """Return the steps with the build directory made to fit the record before each effect and probe."""
    return tuple(_on_any_machine(spec, step) for step in steps)


def _on_any_machine(spec: TerraformSettings, step: Step) -> Step:
    async def effect(context: StepContext) -> StepOutputs | None:
        return await step.effect(await translated(at_hand)(spec, context))

    async def probe(context: StepContext) -> Probed:
        assert step.probe is not None
        try:
            there = await translated(at_hand)(spec, context)
        except StepFailed as failed:
            return Probed.unknown(failed.summary)
        return await step.probe(there)

    return replace(step, effect=effect, probe=probe if step.probe else None)
