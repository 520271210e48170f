"""The workspace file `.envchart.toml`: its values, and the search for it from any directory below."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple

WORKSPACE_FILE: Final = ".envchart.toml"
"""The name of the file."""

DEFAULT_DATA_DIR: Final = "data"
"""The data directory where nothing names one, relative to the workspace."""

_OWN_NAMES = (".locks", ".new", ".trash")
_OWN_FILES = ("history.jsonl", "state.json")


class ListDefaults(NamedTuple):
    """The table `[list]`: defaults for the options of `list` with the same names."""

    columns: tuple[str, ...] = ()
    sort: str | None = None
    group_by: str | None = None
    state: tuple[str, ...] = ()
    label: tuple[str, ...] = ()
    failed: bool = False
    expired: bool = False

    @property
    def chooses(self) -> bool:
        """Whether the table has conditions, which leave environments out."""
        return bool(self.state or self.label or self.failed or self.expired)


class WorkspaceFile(NamedTuple):
    """The settings of a workspace; without a file, all have their defaults.

    Attributes:
        data_dir: The directory of the environments.
        store: The URL of the database of the environments, instead of a directory.
        parallel: How many environments are worked on at once.
        on_transition: A command line that is run after each transition, in `directory`.
        on_transition_timeout: The time after which that command is ended.
        list: Defaults for the options of `list`.
        path: The file, or None.
    """

    data_dir: Path = Path(DEFAULT_DATA_DIR)
    store: str | None = None
    parallel: int = 4
    on_transition: str | None = None
    on_transition_timeout: timedelta = timedelta(seconds=10)
    list: ListDefaults = ListDefaults()
    path: Path | None = None

    @property
    def directory(self) -> Path | None:
        """The directory of the file, or None without a file."""
        return None if self.path is None else self.path.parent


def problem_of_store(text: str) -> str:
    """Return why a text is certainly not the URL of a database, or an empty string."""
    if "://" in text:
        return ""
    # Not the text: a password may be part of it.
    return "this is not the URL of a database, such as postgresql://USER@HOST/DATABASE or sqlite:///FILE"


def find_workspace_file(start: Path | None = None) -> Path | None:
    """Return the workspace file of a directory, or else of the nearest directory above that has one.

    Args:
        start: An absolute path; by default the current directory.
    """
    try:
        start = start or Path.cwd()
    except OSError:  # it was removed; commands that need it say so
        return None
    return next(
        (path for each in (start, *start.parents) if os.path.lexists(path := each / WORKSPACE_FILE)), None
    )


def other_owner(path: Path) -> int | None:
    """Return the user who owns a file if it is neither this process's user nor root, or None.

    A workspace file names commands that are run, and anybody may write one into /tmp.
    """
    own = {0, os.geteuid(), int(os.environ.get("SUDO_UID") or 0)}
    # A link and its target may belong to two users, and commands are run beside the link.
    owners = (path.lstat().st_uid, path.stat().st_uid) if path.exists() else (path.lstat().st_uid,)
    return next((owner for owner in owners if owner not in own), None)


def is_foreign(directory: Path) -> bool:
    """Return whether a directory holds other files and nothing of environments."""
    if any(os.path.lexists(directory / name) for name in _OWN_NAMES):
        return False
    try:
        with os.scandir(directory) as entries:
            visible = [entry.path for entry in entries if not entry.name.startswith(".")]
    except OSError:  # a missing directory is nobody's; the storage reports other problems
        return False
    # A copy made by name lacks the hidden directories.
    own = (os.path.lexists(os.path.join(path, name)) for path in visible for name in _OWN_FILES)  # noqa: PTH118  # strings
    return bool(visible) and not any(own)
