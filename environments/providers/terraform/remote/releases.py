"""Remote releases: what was released, on the host, as Releases are on this machine."""

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
from environments.system.cancellation import in_thread, shielded

_BIG = 4 * 1024 * 1024
_PARTS = 10
_TIDYING = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class RemoteReleases:
    """The releases of an environment on its host."""

    call: Calls

    async def upload(
        self, source: Path, leave_out: Path, archive: Path, progress: Callable[[str], None]
    ) -> tuple[Manifest, bool]:
        """Copy an application and name the copy after its content; the same content is kept as it is.

        Args:
            source: The application's directory.
            leave_out: A directory that is not part of it, if it should lie inside.
            archive: Where what is sent may be kept on this machine meanwhile.
            progress: Told how far it has come.

        Returns:
            What the release holds, and whether it is new.

        Raises:
            StepFailed: It can't be released, or did not arrive as it was sent.
        """
        given_up = threading.Event()
        manifest = await in_thread(
            lambda: scan(source, leave_out, wanted=lambda: not given_up.is_set()), on_cancel=given_up.set
        )
        if await self.damage(manifest.id) is None:
            return manifest, False
        try:
            room = await in_thread(
                lambda: pack(source, manifest, archive, lambda: not given_up.is_set()),
                on_cancel=given_up.set,
            )
            await self._send(archive, room, manifest, progress)
        finally:
            await in_thread(lambda: archive.unlink(missing_ok=True))
        return manifest, True

    async def _send(
        self, archive: Path, room: int, manifest: Manifest, progress: Callable[[str], None]
    ) -> None:
        there = await self.call("stage", room=room)
        try:
            await self.call.remote.put(archive, there, _Progress(progress).take)
            progress("unpacking it on the host")
            await self.call("unpack", content=manifest.entries, within=None)
        except BaseException:
            with suppress(StepFailed):  # the next release does it, too
                await shielded(self.call("discard", within=_TIDYING))
            raise

    async def damage(self, release: str) -> str | None:
        """Return what is wrong with a release, or None; what its service added later does not count."""
        found: str | None = await self.call("damage", release=release, within=None)
        return found

    async def ids(self) -> list[str]:
        """Return the releases at hand, sorted."""
        found: list[str] = await self.call("at_hand")
        return found

    async def linked(self, name: str) -> str | None:
        """Return the release that `current` or `previous` points to, or None."""
        found: str | None = await self.call("linked", name=name)
        return found

    async def switch(self, release: str, previous: str | None) -> None:
        """Make a release current, at once, and note which one can be gone back to.

        Raises:
            StepFailed: It is damaged, or not there.
        """
        await self.call("switch", release=release, previous=previous, within=None)

    async def prune(self, keep: Iterable[str | None]) -> None:
        """Remove the releases that nobody needs."""
        await self.call("prune", keep=list(keep), within=None)


@dataclass(slots=True)
class _Progress:
    """Tells how far something big has come, a part after the other."""

    tell: Callable[[str], None]
    told: int = -1

    def take(self, done: int, size: int) -> None:
        """Tell it, if it is worth it."""
        part = done * _PARTS // max(size, 1)
        if size >= _BIG and part > self.told:
            self.told = part
            self.tell(f"{done / 1e6:.1f} of {size / 1e6:.1f} MB are on the host")
