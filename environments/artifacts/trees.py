"""The files of a provider that travel to other machines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from environments.model.command_name import CommandName
    from environments.model.provider_kinds import ProviderSpec

# State of Terraform that a user's own runs left behind: it is another's, and holds secrets.
_STATE = re.compile(
    r"\.?terraform\.tfstate(\..*)?|.*\.tfstate(\.(backup|\d+\.backup))?|errored\.tfstate|crash\.log"
)
_TOOLS = frozenset((".terraform", ".git", "__pycache__", ".venv"))


APP = "app"
"""The field that names the application, which each release takes."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A directory that a field of a spec names, with the files in it that travel.

    Attributes:
        field: The name of the field.
        what: The noun for people, such as `module`.
        path: The path that the field names: the directory, or a file in it.
        root: The directory.
        files: Returns the paths of files and links below the directory.
        commands: The commands that need the files.
        links: Whether links are kept; otherwise the files behind them are copied.
    """

    field: str
    what: str
    path: Path
    root: Path
    files: Callable[[], Iterable[Path]]
    commands: frozenset[CommandName]
    links: bool = False

    @property
    def is_here(self) -> bool:
        """Whether this machine has what the field names."""
        try:
            return self.path.exists()
        except OSError:  # such as a name that is too long
            return False


@runtime_checkable
class Travels(Protocol):
    """A provider whose work needs directories that can be brought to another machine.

    Keys and secrets are not among the files: each machine has its own, where the spec says.
    """

    def trees(self) -> Sequence[Tree]:
        """Return the directories that the fields of the spec name."""
        ...

    def placed(self, places: Mapping[str, Path]) -> ProviderSpec:
        """Return a spec with other directories in some fields, and the same results of its steps.

        Args:
            places: The directory with the files of a tree, by field.
        """
        ...

    def lacking(self, command: CommandName) -> Sequence[str]:
        """Return a line for each key, secret and program that a command needs and this machine lacks."""
        ...


def is_left_out(name: str) -> bool:
    """Return whether a file or directory of this name never travels: state and caches of tools."""
    return name in _TOOLS or name.endswith(".pyc") or _STATE.fullmatch(name) is not None
