"""A provider with a step that continues until a file is removed, in three manners."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Literal

from environments.errors import StepFailed
from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment
from environments.model.failure import FailureCause
from environments.model.observation import Observation, ServiceState
from environments.model.provider_kinds import ProviderSpec, register_provider
from environments.model.steps import Probed, Step, StepContext
from environments.providers.common.tools import Tool, run_tool

_PROGRAM = """
echo $$ > "$1/tool.tmp" && mv "$1/tool.tmp" "$1/begun"
while [ -e "$1/halt" ]; do sleep 0.02; done
"""


class HaltingSpec(ProviderSpec, frozen=True, extra="forbid"):
    """The steps write files; the step `halt` of each command continues while a file `halt` exists.

    While a file `broken` exists, every step fails.
    """

    kind: Literal["halting"] = "halting"
    world: Path
    manner: Literal["tool", "sleep", "python"] = "sleep"
    timeout: timedelta | None = None

    def supports(self, command: CommandName) -> bool:
        """Support all commands."""
        return command in CommandName

    def logs(self, environment: AnyEnvironment, directory: Path) -> Sequence[Path]:
        """Return nothing."""
        return ()

    async def observe(self, environment: AnyEnvironment, directory: Path) -> Observation:
        """Observe nothing."""
        return Observation(resources=True, service=ServiceState.DOWN)

    def steps(self, command: CommandName, environment: AnyEnvironment) -> Sequence[Step]:
        """Return three steps: first, halt and last."""
        names = (f"first_{command}", f"halt_{command}", f"last_{command}")
        return [
            Step(
                name=name,
                effect=partial(self._do, name),
                probe=partial(self._probe, name),
                timeout=self.timeout,
            )
            for name in names
        ]

    async def _do(self, name: str, context: StepContext) -> None:
        if (self.world / "broken").exists():
            raise StepFailed(FailureCause.INFRASTRUCTURE, "the world is broken")
        if name.startswith("halt") and (self.world / "halt").exists():
            await getattr(self, f"_{self.manner}")(context)
        if name.startswith("last"):
            await asyncio.sleep(0)
        (self.world / name).touch()

    async def _probe(self, name: str, _context: StepContext) -> Probed:
        return (
            Probed.done("it is there")
            if (self.world / name).exists()
            else Probed.not_done("it is not there")
        )

    async def _tool(self, context: StepContext) -> None:
        grace = timedelta(seconds=2)
        await run_tool(context, Tool(command=("sh", "-c", _PROGRAM, "tool", str(self.world)), grace=grace))

    async def _sleep(self, _context: StepContext) -> None:
        (self.world / "begun").touch()
        while (self.world / "halt").exists():  # noqa: ASYNC110  a file is what the test lets it go with
            await asyncio.sleep(0.01)

    async def _python(self, context: StepContext) -> None:
        (self.world / "begun").touch()
        while (self.world / "halt").exists():
            if context.stopping():
                (self.world / "heard").touch()
            time.sleep(0.005)  # noqa: ASYNC251  it keeps the loop to itself: that is what it is for


register_provider("halting", f"{__name__}:HaltingSpec")
