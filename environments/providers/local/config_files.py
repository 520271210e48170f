"""The configuration files of an environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from environments.system.files import (
    OwnPath,
    entries,
    make_directories,
    read_own,
    remove_tree,
    sync_directories,
    write_private,
)

ENVIRONMENT_FILE = "environment.json"
# A service may nest directories in its configuration deeper than anybody wants to read.
_LISTED = 20


@dataclass(frozen=True, slots=True)
class Changes:
    """The files by which a directory differs from its declaration, and those that are the same."""

    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]

    def __str__(self) -> str:
        parts = {"written": self.written, "unchanged": self.unchanged, "removed": self.removed}
        names = ", ".join((*self.written, *self.removed))
        counts = ", ".join(f"{len(files)} {word}" for word, files in parts.items() if files)
        return f"{counts} ({names})" if names else counts

    @property
    def any(self) -> bool:
        """Whether there is a difference."""
        return bool(self.written or self.removed)


def declared(files: Mapping[str, str], public: Mapping[str, str]) -> dict[str, str]:
    """Return all files of a configuration: the declared files, and a file with the public variables."""
    return {**files, ENVIRONMENT_FILE: _variables(public)}


def write_variables(directory: OwnPath, public: Mapping[str, str]) -> None:
    """Write the file with the public variables, unless the file holds them already."""
    path, text = directory / ENVIRONMENT_FILE, _variables(public)
    if ENVIRONMENT_FILE in compare(directory, {ENVIRONMENT_FILE: text}).written:
        write_private(path, text)


def _variables(public: Mapping[str, str]) -> str:
    return json.dumps(dict(public), indent=2, sort_keys=True) + "\n"


def compare(directory: OwnPath, files: Mapping[str, str]) -> Changes:
    """Compare a directory with its declaration."""
    present = _present(directory, max((_LISTED, *(name.count("/") for name in files))))
    same = {name for name in files if present.get(name) == "file" and _holds(directory / name, files[name])}
    folders = {str(parent) for name in files for parent in PurePosixPath(name).parents}
    kept = {name for name, kind in present.items() if kind == "directory" and name in folders}
    return Changes(
        written=tuple(sorted(files.keys() - same)),
        unchanged=tuple(sorted(same)),
        removed=tuple(sorted(present.keys() - files.keys() - kept)),
    )


def write(directory: OwnPath, files: Mapping[str, str]) -> Changes:
    """Write the declared files, remove all others, and leave unchanged files alone."""
    changes = compare(directory, files)
    # Removals first: a link in the place of a declared directory would lead the writing elsewhere.
    for name in changes.removed:
        remove_tree(directory / name)
    for name in changes.written:
        path = directory / name
        if path.is_dir():
            remove_tree(path)
        make_directories(path.parent)
        write_private(path, files[name])
    if changes.any:  # write_private syncs its own directory only, and removals are not durable yet
        sync_directories(directory)
    return changes


def _present(directory: OwnPath, depth: int) -> dict[str, str]:
    """Return the kinds of the entries below a directory, down to a depth, by relative name."""
    found: dict[str, str] = {}
    left = [""]
    while left:
        above = left.pop()
        for path in entries(directory / above):
            name = above + path.name
            found[name] = "directory" if path.is_dir() else "file" if path.is_file() else "other"
            if found[name] == "directory" and name.count("/") < depth:
                left.append(f"{name}/")
    return found


def _holds(path: OwnPath, text: str) -> bool:
    return read_own(path) == text.encode()
