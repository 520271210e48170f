"""An environment's directory on its host, with the service."""

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
"""Time for the host's own waits: for the lock of its directory, and for the end after SIGKILL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteService:
    """The service that was started last on the host, and its state.

    Attributes:
        release: The release that it was started with.
        token: The instance's token, which a healthy service answers with.
        fingerprint: The digest of the release and the settings at the start, without secrets.
        supervisor: `systemd`, or `daemon` for a plain process.
        alive: Whether the service runs or is about to be restarted.
        pid: The main process; None between two restarts.
        restarts: The number of restarts by the supervisor.
        operation: The operation that started it.
        log: The position in the log where the output begins.
        running: The releases in whose directories the processes run, as far as visible.
    """

    release: str
    token: str
    fingerprint: str
    alive: bool
    supervisor: str = "daemon"
    pid: int | None = None
    restarts: int = 0
    operation: str = ""
    log: Mapping[str, int] | None = None
    running: Sequence[str] = ()

    @property
    def serving(self) -> str:
        """The release that is actually served."""
        # From the processes if those are visible: another release may have been started by hand.
        if not self.running or self.release in self.running:
            return self.release
        return self.running[0]

    def describe(self) -> str:
        """Return process and supervisor in words."""
        under = " under systemd" if self.supervisor == "systemd" else ""
        return f"pid {self.pid}{under}" if self.pid else f"a service{under} that is being restarted"


@dataclass(frozen=True, slots=True)
class LogChunk:
    """New lines of a service's log.

    Attributes:
        text: The lines, as bytes.
        since: The position behind them in the log.
        skipped: The number of bytes before them that were left out.
    """

    text: bytes
    since: Mapping[str, int] | None
    skipped: int


@dataclass(frozen=True, slots=True)
class HostDirectory:
    """An environment's directory on its host.

        .envchart.json    the environment that the directory belongs to
        releases/<id>/    a release, beside its manifest `<id>.json`
        current, previous links to the current and the previous release
        instance.json     the record of the service
        service.env       the service's variables, for systemd; only root can read them
        service.log       the service's output; `service.log.1` has the output before the last rotation

    Attributes:
        remote: The connection.
        root: The directory.
        lineage: The incarnation of the environment; not needed by calls that change nothing.
    """

    remote: Connection
    root: str
    lineage: str = ""

    @property
    def call(self) -> Calls:
        """Calls of the host program for this directory."""
        return Calls(self.remote, self.root, self.lineage)

    @property
    def releases(self) -> RemoteReleases:
        """The releases on the host."""
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
        operation: str,
    ) -> None:
        """Start the service, under systemd if the host has it.

        Raises:
            StepFailed: The user, the program or the release is missing, or the start fails.
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
            operation=operation,
        )

    async def remains(self) -> str:
        """Return the parts of the service that run, or would start at the next boot; empty if none."""
        return str(await self.call("remains"))

    async def stop(self, grace: timedelta, within: timedelta | None = None) -> bool:
        """Stop the service by SIGTERM, after the grace by SIGKILL, and return whether anything ran."""
        limit = within or grace + _SPARE
        return bool(await self.call("stop", grace=grace.total_seconds(), within=limit))

    async def instance(self) -> RemoteService | None:
        """Return the service that was started last, or None."""
        found: dict[str, Any] | None = await self.call("status")
        if found is None:
            return None
        # The record may have been written by a later version, with more fields.
        known = {field.name for field in fields(RemoteService)}
        return RemoteService(**{name: value for name, value in found.items() if name in known})

    async def answers(self, port: int, path: str, token: str) -> bool:
        """Return whether the instance answers on the host's own loopback interface."""
        return bool(await self.call("answers", port=port, path=path, token=token))

    async def read_log(self, since: Mapping[str, int] | None, limit: int, *, whole: bool) -> LogChunk:
        """Return at most the last `limit` bytes that the log gained since a position.

        Args:
            since: The position; None for the beginning.
            limit: The most bytes to return.
            whole: Whether to include a last line that may still be incomplete.
        """
        found = await self.call("log", since=since, limit=limit, whole=whole, within=QUICK)
        return LogChunk(base64.b64decode(found["text"]), found["since"], found["skipped"])

    async def remove(self) -> None:
        """Remove the directory from the host."""
        await self.call("remove", within=_SPARE)
