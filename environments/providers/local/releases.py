"""Releases: copies of an application, named after the hash of their content."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path, PurePath
from stat import S_ISDIR
from uuid import uuid4

from environments.providers.common.app_files import Manifest, entry_of, scan
from environments.system.files import (
    OwnPath,
    entries,
    make_directory,
    read_object,
    remove_file,
    remove_tree,
    rename,
    sync_directory,
    sync_file_system,
    write_private,
)
from statechart.errors import NotOurs


@dataclass(frozen=True, slots=True)
class Releases:
    """The releases of an environment: `releases/<id>` with `<id>.json`, and two links to them."""

    root: OwnPath

    @property
    def directory(self) -> OwnPath:
        """The directory of the releases."""
        return self.root / "releases"

    def ids(self) -> list[str]:
        """Return the available releases, the newest first."""
        found = [(path.status(), path.name) for path in entries(self.directory)]
        directories = [
            (status.st_mtime, name)
            for status, name in found
            if status is not None and S_ISDIR(status.st_mode) and not name.startswith(".")
        ]
        return [name for _, name in sorted(directories, key=itemgetter(0), reverse=True)]

    def linked(self, name: str) -> str | None:
        """Return the release that `current` or `previous` points to, or None."""
        with (self.root / name).reached() as (directory, link):
            try:
                return PurePath(os.readlink(link, dir_fd=directory)).name
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.EINVAL):  # EINVAL: it is not a link
                    return None
                raise

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
        for leftover in entries(self.directory):
            if leftover.name.startswith(".new-"):
                remove_tree(leftover)
        draft = self.directory / f".new-{uuid4().hex}"
        make_directory(draft)
        try:
            manifest = scan(source, leave_out, copy_to=draft, wanted=wanted)
            if self.damage(manifest.id) is None:
                return manifest, False
            sync_file_system(draft)  # a release that is named has to survive a power cut
            text = json.dumps(manifest.entries, indent=0) + "\n"
            write_private(self.directory / f"{manifest.id}.json", text)
            remove_tree(self.directory / manifest.id)
            rename(draft, self.directory / manifest.id)
            sync_directory(self.directory)
            return manifest, True
        finally:
            remove_tree(draft)

    def damage(self, release: str) -> str | None:
        """Return the damage of a release, or None. Files that its service has added do not count."""
        place = self.directory / release
        if not place.is_dir():
            return "it is not there"
        manifest = self._manifest(release)
        if manifest is None:
            return "its manifest can't be read"
        for name, entry in manifest.entries.items():
            if not _holds(place, name, entry):
                return f"{name} is missing or changed"
        return None if manifest.id == release else "its manifest is of another release"

    def entries(self, release: str) -> dict[str, str] | None:
        """Return the entries of a release's manifest, or None if it can't be read."""
        try:
            manifest = self._manifest(release)
        except (OSError, NotOurs):
            return None
        return manifest.entries if manifest is not None else None

    def _manifest(self, release: str) -> Manifest | None:
        found = read_object(self.directory / f"{release}.json")
        if found is None or not all(isinstance(entry, str) for entry in found.values()):
            return None
        # A manifest that was edited could name files outside of its release.
        inside = (not path.is_absolute() and ".." not in path.parts for path in map(PurePath, found))
        return Manifest(found) if all(inside) else None

    def switch(self, release: str, previous: str | None) -> None:
        """Make a release current, atomically, and link the previous release."""
        # In this order: a crash in between leaves the old release current.
        self._link("previous", previous)
        self._link("current", release)

    def _link(self, name: str, release: str | None) -> None:
        if self.linked(name) == release:
            return
        draft = self.root / f".{name}.new"
        remove_tree(draft)
        if release is None:
            remove_file(self.root / name)
        else:
            with draft.reached() as (directory, new):
                os.symlink(f"releases/{release}", new, dir_fd=directory)
            rename(draft, self.root / name)
        sync_directory(self.root)

    def prune(self, keep: Iterable[str | None]) -> list[str]:
        """Remove the releases that are neither linked nor kept, and return their ids."""
        needed = {*keep, self.linked("current"), self.linked("previous")}
        dropped = [release for release in self.ids() if release not in needed]
        for release in dropped:
            remove_tree(self.directory / release)
            remove_tree(self.directory / f"{release}.json")
        return dropped


def _holds(release: OwnPath, name: str, entry: str) -> bool:
    """Return whether a release has an entry. A directory that became a link is a change, too."""
    try:
        return entry_of(release / name, None) == entry
    except (FileNotFoundError, NotOurs):
        return False
