"""The choice between the state in a build directory and that in the record."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from environments.providers.terraform.tofu.carried.whole import WholeState
from environments.system.files import OwnPath, read_own

if TYPE_CHECKING:
    from environments.providers.terraform.tofu.carried.version import Header


class Use(Enum):
    """The state to use."""

    RECORD = auto()
    """That of the record, which is written to the directory."""

    DIRECTORY = auto()
    """That of the directory, which is newer, and is stored."""

    SAME = auto()
    """The two are the same version."""

    EITHER = auto()
    """The one that lists all resources of the other one."""

    DAMAGED = auto()
    """None: the state in the directory can't be read."""

    STRANGE = auto()
    """None: the state in the directory is that of something else."""


@dataclass(frozen=True, slots=True)
class Local:
    """The state in a build directory.

    Attributes:
        state: The state; None if the file is missing, empty or damaged.
        damaged: Whether the file holds something else than a state.
    """

    state: WholeState | None = None
    damaged: bool = False

    @classmethod
    def read(cls, path: OwnPath) -> Local:
        """Read the state in a file."""
        state = WholeState.read(path)
        if state is not None or not path.exists():
            return cls(state)
        return cls(damaged=bool(read_own(path).strip()))


def choose(local: Local, recorded: Header, *, ours: bool, known: str = "") -> Use:
    """Choose a state. Pure.

    Args:
        local: The state in the directory.
        recorded: The header of the last version in the record.
        ours: Whether the directory's Terraform was the last that stored a version.
        known: The digest of the last state in the directory that was stored, or came from the record.
    """
    if local.damaged:
        return Use.DAMAGED
    state = local.state
    if state is None:
        return Use.RECORD
    if state.lineage != recorded.lineage:
        # One that lists nothing was begun by a command that died before it could store that.
        return Use.STRANGE if state.serial or state.file.resources else Use.RECORD
    if ours:
        # An orphan of a killed command may have gone on. Behind, the file came from a backup, or the
        # power failed before it was on the disk.
        after = state.serial - recorded.serial
        return Use.SAME if after == 0 else Use.DIRECTORY if after > 0 else Use.RECORD
    return Use.RECORD if state.digest == known else Use.EITHER
