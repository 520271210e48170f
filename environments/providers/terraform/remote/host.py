"""Remote: the service of an environment, on its host."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from environments.providers.common.ssh import Connection
from environments.providers.terraform.remote.calls import QUICK, Calls
from environments.providers.terraform.remote.releases import RemoteReleases

_SPARE = timedelta(seconds=60)
"""For what the host waits for by itself: another call that is not done, then the end after a kill."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteService:
    """The service as it was started last on the host, and whether it lives.

    Attributes:
        release: What it serves.
        token: Given to it: it has to answer with it.
        fingerprint: The digest of all that it was started with, secrets apart.
        supervisor: What it runs under: `systemd`, or `daemon` for nothing.
        alive: Whether it runs, or is about to be started again.
        pid: Its first process; None between two of them.
        restarts: How often its supervisor started it again.
        log: Where in the log its output begins.
        running: The releases that its processes run in, where they can be seen.
    """

    release: str
    token: str
    fingerprint: str
    alive: bool
    supervisor: str = "daemon"
    pid: int | None = None
    restarts: int = 0
    log: Mapping[str, int] | None = None
    running: Sequence[str] = ()

    @property
    def serving(self) -> str:
        """The release that is really served, as far as can be seen."""
        if not self.running or self.release in self.running:
            return self.release
        return self.running[0]

    def describe(self) -> str:
        """Say which process it is, and who looks after it."""
        under = " under systemd" if self.supervisor == "systemd" else ""
        return f"pid {self.pid}{under}" if self.pid else f"a service{under} that is being started again"


@dataclass(frozen=True, slots=True)
class LogChunk:
    """What a service said since somebody looked last.

    Attributes:
        text: What it said.
        since: The place behind it in the log.
        skipped: How many bytes before it were left out.
    """

    text: bytes
    since: Mapping[str, int] | None
    skipped: int


@dataclass(frozen=True, slots=True)
class HostDirectory:
    """An environment's directory on its host.

        .envchart.json    whose directory it is
        releases/<id>/    what was released, each beside its manifest `<id>.json`
        current, previous links to the release that is, and was, served
        instance.json     the service as it was started last
        service.env       its variables, for systemd; only root can read them
        service.log       what it said; what it said before the last rotation is beside it

    Attributes:
        remote: The connection.
        root: The directory.
        lineage: The incarnation of the environment; what only looks needs none.
    """

    remote: Connection
    root: str
    lineage: str = ""

    @property
    def call(self) -> Calls:
        """What runs functions there."""
        return Calls(self.remote, self.root, self.lineage)

    @property
    def releases(self) -> RemoteReleases:
        """What was released."""
        return RemoteReleases(self.call)

    async def start(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        *,
        user: str | None,
        release: str,
        token: str,
        fingerprint: str,
        grace: timedelta,
    ) -> None:
        """Start the service, under systemd where the host has it.

        Raises:
            StepFailed: The user, the program or the release is not there, or it can't be started.
        """
        await self.call(
            "start",
            within=_SPARE,
            command=list(command),
            env=dict(env),
            user=user,
            release=release,
            token=token,
            fingerprint=fingerprint,
            grace=grace.total_seconds(),
        )

    async def stop(self, grace: timedelta, within: timedelta | None = None) -> bool:
        """End the service, first politely, then by force, and return whether anything of it ran."""
        limit = within or grace + _SPARE
        return bool(await self.call("stop", grace=grace.total_seconds(), within=limit))

    async def instance(self) -> RemoteService | None:
        """Return the service as it was started last, or None."""
        found: dict[str, Any] | None = await self.call("status")
        if found is None:
            return None
        known = {field.name for field in fields(RemoteService)}
        return RemoteService(**{name: value for name, value in found.items() if name in known})

    async def answers(self, port: int, path: str, token: str) -> bool:
        """Return whether the instance answers on the host's own loopback interface."""
        return bool(await self.call("answers", port=port, path=path, token=token))

    async def said(self, since: Mapping[str, int] | None, limit: int, *, whole: bool) -> LogChunk:
        """Return the last `limit` bytes at most that the service said since a place in its log.

        Args:
            since: The place; None for the beginning.
            limit: How much of it is wanted.
            whole: Whether the last line counts although it may be written still.
        """
        found = await self.call("log", since=since, limit=limit, whole=whole, within=QUICK)
        return LogChunk(base64.b64decode(found["text"]), found["since"], found["skipped"])

    async def remove(self) -> None:
        """Remove the directory."""
        await self.call("remove", within=_SPARE)
