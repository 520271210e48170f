"""The releases of an environment on its host."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from environments.errors import StepFailed
from environments.providers.common.app_files import Manifest, scan
from environments.providers.terraform.remote.archive import pack
from environments.providers.terraform.remote.calls import Calls
from environments.system.files import OwnPath, remove_tree
from statechart.following.cancellation import in_thread, shielded

_BIG = 4 * 1024 * 1024  # less is uploaded before a report of the progress could be read
_PARTS = 10
_TIDYING = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class RemoteReleases:
    """The releases of an environment on its host."""

    call: Calls

    async def upload(
        self, source: Path, leave_out: Path, archive: OwnPath, progress: Callable[[str], None]
    ) -> tuple[Manifest, bool]:
        """Make a release of an application on the host, unless the same content is there already.

        Args:
            source: The application's directory.
            leave_out: A directory that is not copied if it lies inside the application.
            archive: The path for a temporary archive on this machine.
            progress: Called with reports of the progress.

        Returns:
            The manifest of the release, and whether the release is new.

        Raises:
            StepFailed: The application can't be read or uploaded, or was damaged on its way.
        """
        given_up = threading.Event()  # a thread can't be cancelled: it looks at this
        manifest = await in_thread(
            lambda: scan(source, leave_out, wanted=lambda: not given_up.is_set()), on_cancel=given_up.set
        )
        # The name is the digest of the content, so an intact release of that name has the same content.
        if await self.damage(manifest.id) is None:
            return manifest, False
        try:
            room = await in_thread(
                lambda: pack(source, manifest, archive, lambda: not given_up.is_set()),
                on_cancel=given_up.set,
            )
            await self._send(archive, room, manifest, progress)
        finally:
            await in_thread(lambda: remove_tree(archive))
        return manifest, True

    async def _send(
        self, archive: OwnPath, room: int, manifest: Manifest, progress: Callable[[str], None]
    ) -> None:
        there = await self.call("stage", room=room)
        try:
            await self.call.remote.put(Path(archive), there, _Progress(progress).take)
            progress("unpacking it on the host")
            await self.call("unpack", content=manifest.entries, within=None)
        except BaseException:
            with suppress(StepFailed):  # the next upload discards leftovers as well
                await shielded(self.call("discard", within=_TIDYING))
            raise

    async def damage(self, release: str) -> str | None:
        """Return how a release differs from its manifest, or None if it does not."""
        found: str | None = await self.call("damage", release=release, within=None)
        return found

    async def ids(self) -> list[str]:
        """Return the names of the releases on the host, sorted."""
        found: list[str] = await self.call("names")
        return found

    async def linked(self, name: str) -> str | None:
        """Return the release that the link `current` or `previous` points to, or None."""
        found: str | None = await self.call("linked", name=name)
        return found

    async def switch(self, release: str, previous: str | None) -> None:
        """Link a release as current, atomically, and another as previous.

        Raises:
            StepFailed: The release is damaged or missing.
        """
        await self.call("switch", release=release, previous=previous, within=None)

    async def prune(self, keep: Iterable[str | None]) -> None:
        """Remove the releases that are neither linked nor named."""
        await self.call("prune", keep=list(keep), within=None)


@dataclass(slots=True)
class _Progress:
    """Reports the progress of a large upload, a tenth at a time."""

    tell: Callable[[str], None]
    told: int = -1

    def take(self, done: int, size: int) -> None:
        """Report the progress if another tenth is done."""
        part = done * _PARTS // max(size, 1)
        if size >= _BIG and part > self.told:
            self.told = part
            self.tell(f"{done / 1e6:.1f} of {size / 1e6:.1f} MB are on the host")
