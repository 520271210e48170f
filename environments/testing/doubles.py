"""Test doubles: a scripted provider, and a clock that stands still."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import JsonValue

from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment
from environments.model.observation import Observation, ServiceState
from environments.model.provider_kinds import ProviderSpec, register_provider
from environments.model.steps import Probed, Step, StepContext, StepOutputs
from environments.testing.children import crash


class ScriptedSpec(ProviderSpec, frozen=True, extra="forbid"):
    """The spec of environments of the installed `ScriptedProvider`.

    Without an installed provider, every step succeeds.
    """

    kind: Literal["scripted"] = "scripted"

    def steps(self, command: CommandName, environment: AnyEnvironment) -> Sequence[Step]:
        """Return the scripted steps of a command."""
        return _installed().steps(command, environment)

    def supports(self, command: CommandName) -> bool:
        """Return whether the script has the command."""
        return _installed().supports(command)

    def logs(self, environment: AnyEnvironment, directory: Path) -> Sequence[Path]:
        """Return no files, since scripts do not log."""
        return _installed().logs(environment, directory)

    async def observe(self, environment: AnyEnvironment, directory: Path) -> Observation:
        """Return the scripted observation, or the result of the effects."""
        return await _installed().observe(environment, directory)


# Stored environments find their spec class by its kind.
register_provider("scripted", f"{__name__}:ScriptedSpec")


@dataclass(slots=True)
class ScriptedProvider:
    """A provider whose steps follow a test's script.

    Attributes:
        steps_of: The names of each command's steps, by default `first_<command>` and `second_<command>`.
        fails: The errors that a step raises, one per attempt, before it succeeds.
        hangs: The steps that never end by themselves.
        crashes: The steps that kill their process, which must be a child of `in_child`.
        outputs: The outputs of the steps.
        probes: The results of the steps' probes; the other steps have no probe.
        options: More fields of each `Step`, such as its timeout.
        done: The effects that happened, in order.
        at_step: Called with the name and the context of each step as it begins.
        observed: The observation; by default the result of the effects.
    """

    steps_of: Mapping[CommandName, Sequence[str]] = field(default_factory=dict)
    fails: dict[str, list[BaseException]] = field(default_factory=dict)
    hangs: set[str] = field(default_factory=set)
    crashes: set[str] = field(default_factory=set)
    outputs: dict[str, dict[str, JsonValue]] = field(default_factory=dict)
    probes: dict[str, Probed] = field(default_factory=dict)
    options: dict[str, dict[str, object]] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    at_step: Callable[[str, StepContext], None] | None = None
    observed: Observation | None = None

    def steps(self, command: CommandName, environment: AnyEnvironment) -> Sequence[Step]:
        """Return the scripted steps of a command."""
        del environment  # the script is the same for all
        return [self._step(name) for name in self._names(command)]

    @contextmanager
    def installed(self) -> Iterator[ScriptedProvider]:
        """Make this the provider of all environments with a `ScriptedSpec`, within the context."""
        _installations.append(self)
        try:
            yield self
        finally:
            _installations.remove(self)

    def supports(self, command: CommandName) -> bool:
        """Return whether the script has the command; only register is missing."""
        return command is not CommandName.REGISTER

    def logs(self, environment: AnyEnvironment, directory: Path) -> Sequence[Path]:
        """Return no files, since scripts do not log."""
        del environment, directory
        return ()

    async def observe(self, environment: AnyEnvironment, directory: Path) -> Observation:
        """Return the scripted observation, or the result of the effects."""
        del directory
        if self.observed is not None:
            return self.observed
        made = self._stands(CommandName.PROVISION, CommandName.DESTROY)
        up = self._stands(CommandName.RUN, CommandName.STOP, CommandName.DESTROY)
        state = ServiceState.UP if up else ServiceState.DOWN
        return Observation(resources=made, service=state, serving=environment.outputs.serving)

    def _stands(self, command: CommandName, *ending: CommandName) -> bool:
        """Return whether a command's last effect happened after those of the commands that end it."""
        last = {kind: self._names(kind)[-1] for kind in (command, *ending)}
        relevant = [name for name in self.done if name in last.values()]
        return bool(relevant) and relevant[-1] == last[command]

    def _names(self, command: CommandName) -> Sequence[str]:
        return self.steps_of.get(command, (f"first_{command}", f"second_{command}"))

    def _step(self, name: str) -> Step:
        async def effect(context: StepContext) -> StepOutputs:
            if self.at_step is not None:
                self.at_step(name, context)
            if name in self.crashes:
                crash(name)  # without any handler, as in a power cut
            if name in self.hangs:
                await asyncio.Event().wait()  # never set
            if self.fails.get(name):
                raise self.fails[name].pop(0)
            self.done.append(name)
            return self.outputs.get(name, {})

        async def probe(_context: StepContext) -> Probed:
            return self.probes[name]

        options = self.options.get(name, {})
        return Step(name=name, effect=effect, probe=probe if name in self.probes else None, **options)  # type: ignore[arg-type]  # a test names Step's own fields


# A stack, since a test may install a provider within the context of another.
_installations: list[ScriptedProvider] = []


def _installed() -> ScriptedProvider:
    return _installations[-1] if _installations else ScriptedProvider()


@dataclass(slots=True)
class FixedClock:
    """A clock that only `move` and `sleep` move; sleeping takes no time."""

    at: datetime = field(default_factory=lambda: datetime(2026, 1, 1, 12, tzinfo=UTC))
    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        """Return the current time."""
        return self.at

    def monotonic(self) -> float:
        """Return the seconds by which the clock has moved."""
        return self.seconds

    def move(self, by: timedelta) -> None:
        """Move the clock forward."""
        self.at += by
        self.seconds += by.total_seconds()

    async def sleep(self, seconds: float) -> None:
        """Move the clock forward, and let other tasks run."""
        self.slept.append(seconds)
        self.move(timedelta(seconds=seconds))
        await asyncio.sleep(0)
