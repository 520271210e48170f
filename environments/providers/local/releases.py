"""Releases: copies of an application, named after their content, one of which is current."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.system.files import remove_tree, sync_directory, sync_file_system, write_private

_IGNORED = {".git", "__pycache__", ".venv"}
_BLOCK = 1024 * 1024
_ID_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a release holds: by path, what kind each entry is and the digest of its content."""

    entries: dict[str, str]

    @property
    def id(self) -> str:
        """The name of a release with this content."""
        lines = (f"{entry} {name}" for name, entry in sorted(self.entries.items()))
        return sha256("\0".join(lines).encode(errors="surrogateescape")).hexdigest()[:_ID_LENGTH]


@dataclass(frozen=True, slots=True)
class Releases:
    """The releases of an environment: `releases/<id>` with `<id>.json` beside, and two links to them."""

    root: Path

    @property
    def directory(self) -> Path:
        """Where the releases are."""
        return self.root / "releases"

    def ids(self) -> list[str]:
        """Return the releases at hand, the one made last first."""
        found = [path for path in self.directory.glob("[!.]*") if path.is_dir()]
        return [path.name for path in sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)]

    def linked(self, name: str) -> str | None:
        """Return the release that `current` or `previous` points to, or None."""
        link = self.root / name
        return link.readlink().name if link.is_symlink() else None

    def bundle(self, source: Path, leave_out: Path, wanted: Callable[[], bool]) -> tuple[Manifest, bool]:
        """Copy an application and name the copy after its content; the same content is kept as it is.

        Args:
            source: The application's directory.
            leave_out: A directory that is not part of it, if it should lie inside.
            wanted: Asked before each file; when it says no, the copy is given up.

        Returns:
            What the release holds, and whether it is new.

        Raises:
            StepFailed: The directory can't be released.
        """
        for leftover in self.directory.glob(".new-*"):
            remove_tree(leftover)
        draft = self.directory / f".new-{uuid4().hex}"
        draft.mkdir(mode=0o700)
        try:
            manifest = scan(source, leave_out, copy_to=draft, wanted=wanted)
            if self.damage(manifest.id) is None:
                return manifest, False
            sync_file_system(draft)  # once released, it is there after a power cut too
            text = json.dumps(manifest.entries, indent=0) + "\n"
            write_private(self.directory / f"{manifest.id}.json", text)
            remove_tree(self.directory / manifest.id)
            draft.rename(self.directory / manifest.id)
            sync_directory(self.directory)
            return manifest, True
        finally:
            remove_tree(draft)

    def damage(self, release: str) -> str | None:
        """Return what is wrong with a release, or None; what its service added later does not count."""
        place = self.directory / release
        if not place.is_dir() or place.is_symlink():
            return "it is not there"
        manifest = self._manifest(release)
        if manifest is None:
            return "its manifest can't be read"
        for name, entry in manifest.entries.items():
            if not os.path.lexists(place / name) or _entry(place / name, None) != entry:
                return f"{name} is missing or changed"
        return None if manifest.id == release else "its manifest is of another release"

    def _manifest(self, release: str) -> Manifest | None:
        try:
            entries = json.loads((self.directory / f"{release}.json").read_text())
        except (FileNotFoundError, ValueError):
            return None
        return Manifest(entries) if isinstance(entries, dict) else None

    def switch(self, release: str, previous: str | None) -> None:
        """Make a release current, at once, and note which one can be gone back to."""
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
        """Remove the releases that nobody needs, and return them."""
        needed = {*keep, self.linked("current"), self.linked("previous")}
        dropped = [release for release in self.ids() if release not in needed]
        for release in dropped:
            remove_tree(self.directory / release)
            (self.directory / f"{release}.json").unlink(missing_ok=True)
        return dropped


def scan(
    source: Path, leave_out: Path, *, copy_to: Path | None = None, wanted: Callable[[], bool] = lambda: True
) -> Manifest:
    """Read an application's directory, and copy it on the way if a place for that is given.

    Raises:
        StepFailed: It is no directory, it is empty, or something in it can't be released.
    """
    if not source.is_dir():
        raise _unfit(f"{source} is not a directory", "say with --app where the application is")
    entries: dict[str, str] = {}
    for path in _walk(source, leave_out.resolve()):
        if not wanted():
            raise StepFailed(FailureCause.CANCELLED, f"reading {source} was given up")
        name = path.relative_to(source).as_posix()
        _check(path, source)
        if copy_to is not None:
            (copy_to / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        entries[name] = _entry(path, copy_to / name if copy_to is not None else None)
    if not entries:
        raise _unfit(f"{source} holds no files", "put the application there")
    return Manifest(entries)


def _walk(source: Path, leave_out: Path) -> Iterator[Path]:
    """Yield files and links in a stable order."""
    with os.scandir(source) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        path = Path(entry.path)
        if entry.name in _IGNORED or entry.name.endswith(".pyc"):
            continue
        if entry.is_dir(follow_symlinks=False):
            if path.resolve() != leave_out:
                yield from _walk(path, leave_out)
        else:
            yield path


def _check(path: Path, source: Path) -> None:
    if path.is_symlink():
        target = path.readlink()
        inside = (path.parent / target).resolve().is_relative_to(source.resolve())
        if target.is_absolute() or not inside:
            raise _unfit(f"the link {path} leads out of it, to {target}", "remove it, or copy its target")
    elif not path.is_file():
        raise _unfit(f"{path} is neither a file nor a link", "remove it")


def _entry(path: Path, copy: Path | None) -> str:
    """Return what an entry is: its kind and the digest of its content; copy it if asked to."""
    if path.is_symlink():
        target = path.readlink()
        if copy is not None:
            copy.symlink_to(target)
        return f"link {sha256(os.fsencode(target)).hexdigest()}"
    if not path.is_file():
        return "other"
    executable = bool(path.stat().st_mode & 0o111)
    digest = sha256()
    with path.open("rb") as file:
        if copy is None:
            while block := file.read(_BLOCK):
                digest.update(block)
        else:
            _copy(file.read, copy, digest.update, 0o700 if executable else 0o600)
    return f"{'program' if executable else 'file'} {digest.hexdigest()}"


def _copy(read: Callable[[int], bytes], copy: Path, seen: Callable[[bytes], None], mode: int) -> None:
    descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as out:
        while block := read(_BLOCK):
            seen(block)
            out.write(block)


def _unfit(problem: str, advice: str) -> StepFailed:
    return StepFailed(FailureCause.CONFIGURATION, f"app: {problem}; {advice}, then release again")
