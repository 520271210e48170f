"""Make a data directory of environments in all conditions, by real commands on scripted providers.

The pictures of the dashboard show it, and `python docs/fleet.py DIR` makes it for all who change a page.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import ClassVar, Literal

from environments.errors import EnvironmentsError, StepFailed
from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment
from environments.model.failure import FailureCause
from environments.model.observation import Observation, ServiceState
from environments.model.spec import EnvironmentSpec
from environments.model.steps import StepContext
from environments.testing import FixedClock, ScriptedProvider, ScriptedSpec, in_child
from environments.workspace import Workspace
from statechart.storage import record

STEPS = {
    CommandName.PROVISION: ("create_network", "create_host", "wait_for_ssh"),
    CommandName.CONFIGURE: ("install_packages", "harden", "install_proxy"),
    CommandName.RELEASE: ("upload_release", "unpack", "migrate"),
    CommandName.RUN: ("start_service", "check_health"),
    CommandName.STOP: ("stop_service",),
    CommandName.DESTROY: ("stop_service", "delete_host", "delete_network"),
}
TAKES = {
    "create_host": 74,
    "wait_for_ssh": 19,
    "install_packages": 41,
    "upload_release": 23,
    "unpack": 6,
    "migrate": 31,
    "check_health": 12,
    "delete_host": 38,
}
FAILURES = {
    "migrate": "no answer within 300 s: the migration 0042_orders waits for a lock of the table orders",
    "check_health": "503 from /healthz after 60 s: the service can't reach its database",
    "create_host": "the quota of hosts in this region is reached (20 of 20)",
    "install_packages": "postgresql-16 has no candidate: the package index is older than 30 days",
    "delete_host": "the host is locked by a snapshot that is being taken",
}

CAUSES = {
    "migrate": FailureCause.TIMEOUT,
    "create_host": FailureCause.INFRASTRUCTURE,
    "delete_host": FailureCause.INFRASTRUCTURE,
}


class HostSpec(ScriptedSpec, frozen=True, extra="forbid"):
    """The spec of an environment on a host."""

    kind: Literal["host"] = "host"  # type: ignore[assignment]
    size: str = "cx22"
    release_dir: str = "./release"


class PreviewSpec(ScriptedSpec, frozen=True, extra="forbid"):
    """The spec of the environment of a branch."""

    kind: Literal["preview"] = "preview"  # type: ignore[assignment]


REACHED = ("created", "provisioned", "configured", "released", "running")

# name, team, who, what became of it, hours ago
FLEET: Sequence[tuple[str, str, str, str, float]] = (
    ("shop-prod-eu", "shop", "ana", "running", 220),
    ("shop-prod-us", "shop", "ana", "failed:release:migrate", 0.4),
    ("shop-staging", "shop", "ci", "running", 3),
    ("ledger-prod", "finance", "milan", "running", 700),
    ("ledger-staging", "finance", "milan", "failed:run:check_health", 2),
    ("ledger-preview-412", "finance", "ci", "released", 5),
    ("search-prod", "search", "ines", "running", 96),
    ("search-perf", "search", "ines", "interrupted:configure:install_packages", 1.5),
    ("search-preview-88", "search", "ci", "failed:destroy:delete_host", 7),
    ("mail-prod", "platform", "joao", "running", 400),
    ("mail-qa", "platform", "joao", "under-way:release:migrate", 0.003),
    ("auth-prod", "platform", "joao", "running", 51),
    ("auth-preview-9", "platform", "ci", "configured", 9),
    ("auth-staging", "platform", "joao", "stuck:release:migrate", 0.6),
    ("docs-preview-301", "web", "ci", "provisioned", 0.2),
    ("docs-preview-298", "web", "ci", "destroyed", 30),
    ("docs-prod", "web", "lea", "running", 61),
    ("billing-prod", "finance", "milan", "running", 130),
    ("billing-load", "finance", "milan", "failed:provision:create_host", 26),
    ("metrics-prod", "platform", "joao", "drifted", 340),
    ("media-staging", "web", "lea", "created", 0.1),
)


async def make(directory: Path) -> list[asyncio.Task[object]]:
    """Make the environments, each with a history of real commands, and return the commands under way."""
    lives = []
    record.datetime = _Then  # type: ignore[attr-defined]
    for number, (name, team, who, fate, hours) in enumerate(FLEET):
        life = _Life(name, fate, hours, number)
        life.workspace = Workspace(
            directory, providers=[HostSpec, PreviewSpec], clock=life.clock, actor=who
        )
        lives.append(life)
        await life.lead(team)
    return [life.under_way for life in lives if life.under_way is not None]


class _Then(datetime):
    """The time of the story, in place of that of the machine, which records have otherwise."""

    clock: ClassVar[FixedClock]

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        """Return the time of the story."""
        return cls.clock.now().astimezone(tz)


class _Life:
    """The life of an environment, from its creation to its fate."""

    workspace: Workspace

    def __init__(self, name: str, fate: str, hours: float, seed: int) -> None:
        self.name, self.hours = name, hours
        self.fate, _, rest = fate.partition(":")
        self.command, _, self.step = rest.partition(":")
        self.reached = asyncio.Event()
        self.under_way: asyncio.Task[object] | None = None
        self.chance = random.Random(seed)
        self.clock = FixedClock(datetime.now(UTC) - timedelta(hours=hours, minutes=40))
        release = f"2026.11.{self.chance.randint(1, 28)}"
        address = f"https://{name}.example.org"
        self.provider = ScriptedProvider(
            steps_of=STEPS,
            at_step=self._begin,
            outputs={
                "create_host": {
                    "instance_ip": f"10.0.{seed}.7",
                    "url": address,
                    "details": {"region": "eu-1"},
                },
                "unpack": {"release": release},
                "check_health": {"serving": release, "served": release},
                "stop_service": {"serving": None},
            },
        )

    def _begin(self, step: str, _context: StepContext) -> None:
        self.clock.move(timedelta(seconds=TAKES.get(step, 3) * self.chance.uniform(0.8, 1.3)))
        if step in self.provider.hangs:
            self.reached.set()

    async def lead(self, team: str) -> None:
        """Create the environment, and run the commands that lead to its fate."""
        preview = "preview" in self.name
        labels = {"team": team, "purpose": "preview" if preview else self.name.split("-")[1]}
        spec = EnvironmentSpec(
            name=self.name,
            provider=PreviewSpec() if preview else HostSpec(),
            labels=labels,
            expires=timedelta(days=3) if preview else None,
        )
        _Then.clock = self.clock
        with self.provider.installed():
            here: AnyEnvironment = self.workspace.create(spec)
            for command in self._way():
                here = await getattr(self.workspace, command)(here.name)
                self.clock.move(timedelta(seconds=self.chance.uniform(5, 90)))
            if self.command:
                await self._end()
            elif self.fate == "drifted":
                down = "the process ended with signal 9 (out of memory)"
                self.provider.observed = Observation(resources=True, service=ServiceState.DOWN, detail=down)
                self.clock.at = datetime.now(UTC) - timedelta(minutes=12)
                await self.workspace.drift(self.name)

    def _way(self) -> Sequence[str]:
        """Return the commands that succeed."""
        path = ("provision", "configure", "release", "run")
        if self.fate == "drifted":
            return path
        if self.fate in REACHED:
            again = ("release", "run") if self.fate == "running" and self.hours > 48 else ()
            return path[: REACHED.index(self.fate)] + again
        if self.fate == "destroyed":
            return (*path, "destroy")
        # A release is often not the first.
        before = path[: path.index(self.command)] if self.command in path else path
        return (*path, *before[2:]) if self.command in path[2:] and self.hours < 1 else before

    async def _end(self) -> None:
        command = self.command
        if self.fate == "failed":
            self.provider.fails[self.step] = [
                StepFailed(CAUSES.get(self.step, FailureCause.COMMAND_EXECUTION), FAILURES[self.step])
            ] * 9
            with suppress(EnvironmentsError):
                await getattr(self.workspace, command)(self.name)
            return
        if self.fate == "interrupted":
            self.provider.crashes.add(self.step)
            await in_child(getattr(self.workspace, command)(self.name))
            return
        self.provider.hangs.add(self.step)
        begun = self.hours * 3600 + sum(TAKES.get(step, 3) for step in STEPS[CommandName(command)][:-1])
        self.clock.at = datetime.now(UTC) - timedelta(seconds=begun)
        self.under_way = asyncio.create_task(getattr(self.workspace, command)(self.name))
        await self.reached.wait()


if __name__ == "__main__":
    asyncio.run(make(Path(sys.argv[1])))
