"""Releases on the host: named after their content, with links to the current and the previous one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path

from .files import remove, sync
from .refused import Refused

Entries = dict[str, str]
"""Maps the path of each file and link to its kind and the digest of its content."""

_BLOCK = 1024 * 1024


def entries(place: Path, names: Iterable[str]) -> Entries:
    """Return kind and digest of the named entries of a directory, without missing ones."""
    return {name: found for name in names if (found := _entry(place / name))}


def _entry(path: Path) -> str | None:
    if path.is_symlink():
        return f"link {sha256(os.fsencode(os.readlink(path))).hexdigest()}"  # noqa: PTH115  # 3.9's too
    if not path.is_file():
        return None
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return f"{'program' if path.stat().st_mode & 0o111 else 'file'} {digest.hexdigest()}"


def identity(content: Entries) -> str:
    """Return the name of the release that has this content."""
    lines = (f"{entry} {name}" for name, entry in sorted(content.items()))
    return sha256("\0".join(lines).encode(errors="surrogateescape")).hexdigest()[:12]


def damage(root: Path, *, release: str) -> str | None:
    """Return how a release differs from its manifest, or None if it does not.

    Files that are not in the manifest are ignored: a service may write into its release.
    """
    place = root / "releases" / release
    try:
        declared: Entries = json.loads(place.with_name(f"{release}.json").read_text())
    except FileNotFoundError:
        return "it is not there"
    except (OSError, ValueError, RecursionError):
        return "its manifest can't be read"
    if not isinstance(declared, dict) or not all(isinstance(entry, str) for entry in declared.values()):
        return "its manifest can't be read"
    found = entries(place, declared)
    if changed := [name for name, entry in declared.items() if found.get(name) != entry]:
        return f"{changed[0]} is missing or changed"
    return None if identity(declared) == release else "its manifest is of another release"


def names(root: Path) -> list[str]:
    """Return the names of the releases on the host, sorted."""
    return sorted(path.name for path in (root / "releases").glob("[!.]*") if path.is_dir())


def linked(root: Path, *, name: str) -> str | None:
    """Return the release that `current` or `previous` points to, or None."""
    try:
        return Path(os.readlink(root / name)).name  # noqa: PTH115  # 3.9 has it too
    except OSError:
        return None


def switch(root: Path, *, release: str, previous: str | None) -> None:
    """Link a release as current, atomically, and another as previous.

    Raises:
        Refused: The release is damaged or missing.
    """
    if found := damage(root, release=release):
        raise Refused("file_system", f"release {release} is damaged: {found}; release again")
    for name, wanted in (("previous", previous), ("current", release)):
        if wanted is None:
            remove(root / name)
            continue
        draft = root / f".{name}.new"
        remove(draft)
        draft.symlink_to(Path("releases", wanted))
        draft.replace(root / name)
    sync(root)


def prune(root: Path, *, keep: Sequence[str | None]) -> None:
    """Remove the releases that are neither linked nor named."""
    needed = {*keep, linked(root, name="current"), linked(root, name="previous")}
    for release in names(root):
        if release not in needed:
            remove(root / "releases" / f"{release}.json")  # first: what is left then is no release
            remove(root / "releases" / release)
