"""Releases: copies of an application, named after the hash of their content."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from environments.providers.common.app_files import Manifest, entry_of, scan
from environments.system.files import remove_tree, sync_directory, sync_file_system, write_private


@dataclass(frozen=True, slots=True)
class Releases:
    """The releases of an environment: `releases/<id>` with `<id>.json`, and two links to them."""

    root: Path

    @property
    def directory(self) -> Path:
        """The directory of the releases."""
        return self.root / "releases"

    def ids(self) -> list[str]:
        """Return the available releases, the newest first."""
        found = [path for path in self.directory.glob("[!.]*") if path.is_dir()]
        return [path.name for path in sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)]

    def linked(self, name: str) -> str | None:
        """Return the release that `current` or `previous` points to, or None."""
        link = self.root / name
        return link.readlink().name if link.is_symlink() else None

    def bundle(self, source: Path, leave_out: Path, wanted: Callable[[], bool]) -> tuple[Manifest, bool]:
        """Copy an application into a release; an intact release with the same content is kept.

        Args:
            source: The application's directory.
            leave_out: A directory inside of the source that is skipped.
            wanted: Called before each file; False cancels the copy.

        Returns:
            The manifest of the release, and whether the release is new.

        Raises:
            StepFailed: The directory can't be released, or the copy was cancelled.
        """
        # The name is known only after the copy: read once, or the content could change in between.
        for leftover in self.directory.glob(".new-*"):
            remove_tree(leftover)
        draft = self.directory / f".new-{uuid4().hex}"
        draft.mkdir(mode=0o700)
        try:
            manifest = scan(source, leave_out, copy_to=draft, wanted=wanted)
            if self.damage(manifest.id) is None:
                return manifest, False
            sync_file_system(draft)  # a release that is named has to survive a power cut
            text = json.dumps(manifest.entries, indent=0) + "\n"
            write_private(self.directory / f"{manifest.id}.json", text)
            remove_tree(self.directory / manifest.id)
            draft.rename(self.directory / manifest.id)
            sync_directory(self.directory)
            return manifest, True
        finally:
            remove_tree(draft)

    def damage(self, release: str) -> str | None:
        """Return the damage of a release, or None. Files that its service has added do not count."""
        place = self.directory / release
        if not place.is_dir() or place.is_symlink():
            return "it is not there"
        manifest = self._manifest(release)
        if manifest is None:
            return "its manifest can't be read"
        for name, entry in manifest.entries.items():
            if not os.path.lexists(place / name) or entry_of(place / name, None) != entry:
                return f"{name} is missing or changed"
        return None if manifest.id == release else "its manifest is of another release"

    def _manifest(self, release: str) -> Manifest | None:
        try:
            entries = json.loads((self.directory / f"{release}.json").read_text())
        except (FileNotFoundError, ValueError):
            return None
        return Manifest(entries) if isinstance(entries, dict) else None

    def switch(self, release: str, previous: str | None) -> None:
        """Make a release current, atomically, and link the previous release."""
        # In this order: a crash in between leaves the old release current.
        self._link("previous", previous)
        self._link("current", release)

    def _link(self, name: str, release: str | None) -> None:
        if self.linked(name) == release:
            return
        draft = self.root / f".{name}.new"
        draft.unlink(missing_ok=True)
        if release is None:
            (self.root / name).unlink()
        else:
            draft.symlink_to(Path("releases", release))
            draft.replace(self.root / name)
        sync_directory(self.root)

    def prune(self, keep: Iterable[str | None]) -> list[str]:
        """Remove the releases that are neither linked nor kept, and return their ids."""
        needed = {*keep, self.linked("current"), self.linked("previous")}
        dropped = [release for release in self.ids() if release not in needed]
        for release in dropped:
            remove_tree(self.directory / release)
            (self.directory / f"{release}.json").unlink(missing_ok=True)
        return dropped
