"""A provider whose steps change a real world, a directory of files, durably."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from environments.errors import StepFailed
from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment
from environments.model.failure import FailureCause
from environments.model.observation import Observation, ServiceState
from environments.model.provider_kinds import ProviderSpec, register_provider
from environments.model.steps import Probed, Step, StepContext, StepOutputs

MAKES: dict[CommandName, tuple[str, ...]] = {
    CommandName.PROVISION: ("network", "host"),
    CommandName.CONFIGURE: ("settings",),
    CommandName.RELEASE: ("bundle",),
    CommandName.RUN: ("service",),
}
"""What each command makes, a file for each; the probe of `host` can't be asked, but it may be repeated."""

STATES = ("created", "provisioned", "configured", "released", "running")


class StagedSpec(ProviderSpec, frozen=True, extra="forbid"):
    """An environment that is a directory of files, its world.

    While the world has a file named `broken`, the last step of each command fails.
    """

    kind: Literal["staged"] = "staged"
    world: Path

    def supports(self, command: CommandName) -> bool:
        """Return True: all commands are supported."""
        return command in CommandName

    def logs(self, environment: AnyEnvironment, directory: Path) -> Sequence[Path]:
        """Return no lines: files don't log."""
        return ()

    async def observe(self, environment: AnyEnvironment, directory: Path) -> Observation:
        """Observe the files."""
        there = self.files()
        state = ServiceState.UP if "service" in there else ServiceState.DOWN
        return Observation(resources="network" in there, service=state)

    def steps(self, command: CommandName, environment: AnyEnvironment) -> Sequence[Step]:
        """Return a step for each file, and a step that checks all of them."""
        if command is CommandName.DESTROY:
            return (
                Step(name="remove_all", effect=self._remove, probe=self._probe_removed),
                Step(
                    name="see_nothing",
                    effect=self._verify_nothing,
                    probe=self._probe_removed,
                    has_effect=False,
                ),
            )
        if command is CommandName.STOP:
            probe = self._probe_stopped
            see = partial(self._verify, MAKES[CommandName.RELEASE])
            return (
                Step(name="remove_service", effect=self._stop, probe=probe),
                Step(name="see_stop", effect=see, probe=probe, has_effect=False),
            )
        made = [self._step(name) for name in MAKES[command]]
        look = partial(self._verify, MAKES[command])
        probe = partial(self._probe_all, MAKES[command])
        return (*made, Step(name=f"see_{command}", effect=look, probe=probe, has_effect=False))

    def _step(self, name: str) -> Step:
        probe = None if name == "host" else partial(self._probe, (name,))
        return Step(name=name, effect=partial(self._make, name), probe=probe, idempotent=name == "host")

    def files(self) -> set[str]:
        """Return the files in the world, without `broken`."""
        return {path.name for path in self.world.iterdir()} - {"broken"}

    async def _make(self, name: str, _context: StepContext) -> StepOutputs:
        descriptor = os.open(self.world / name, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, b"made\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._sync()
        return {"details": {name: "made"}}

    async def _remove(self, _context: StepContext) -> None:
        for name in sorted(self.files()):
            (self.world / name).unlink()
        self._sync()

    async def _stop(self, _context: StepContext) -> None:
        (self.world / "service").unlink(missing_ok=True)
        self._sync()

    def _sync(self) -> None:
        descriptor = os.open(self.world, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    async def _verify(self, names: Sequence[str], _context: StepContext) -> None:
        if (self.world / "broken").exists() or not set(names) <= self.files():
            raise StepFailed(FailureCause.INFRASTRUCTURE, "the world is broken")

    async def _verify_nothing(self, _context: StepContext) -> None:
        if self.files():
            raise StepFailed(FailureCause.INFRASTRUCTURE, "something is left")

    async def _probe(self, names: Sequence[str], _context: StepContext) -> Probed:
        missing = [name for name in names if name not in self.files()]
        if missing:
            return Probed.not_done(f"missing: {missing}")
        return Probed.done("all is there", details=dict.fromkeys(names, "made"))

    async def _probe_all(self, names: Sequence[str], context: StepContext) -> Probed:
        if (self.world / "broken").exists():
            return Probed.not_done("the world is broken")
        return await self._probe(names, context)

    async def _probe_stopped(self, _context: StepContext) -> Probed:
        if "service" in self.files():
            return Probed.not_done("it runs")
        return Probed.done("it does not run")

    async def _probe_removed(self, _context: StepContext) -> Probed:
        return Probed.not_done("something is left") if self.files() else Probed.done("nothing is left")


register_provider("staged", f"{__name__}:StagedSpec")
