"""The note beside a build directory of the version of the state that it goes with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from environments.system.files import make_directories, read_own, replace_file

if TYPE_CHECKING:
    from environments.providers.terraform.layout import Layout
    from environments.providers.terraform.tofu.carried.version import Version
    from environments.providers.terraform.tofu.carried.whole import WholeState
    from environments.system.files import OwnPath


class Note(BaseModel, frozen=True):
    """The tie between a build directory and the versions of the state in the record.

    Attributes:
        token: The name of the directory in the versions that its Terraform stores.
        base: The digest of the stored version that the directory was made to fit.
        known: The digest of the last state in the directory that is in the record as well.
        serial: The number of that state's version.
        seen: The identity of its file, so that a large state need not be read before each step.
        key: The recorded key of the host that was pinned.
    """

    token: str
    base: str = ""
    known: str = ""
    serial: int = 0
    seen: str = ""
    key: str = ""

    @classmethod
    def read(cls, layout: Layout) -> Note | None:
        """Return the note of a directory, or None if there is none, or it can't be read."""
        try:
            return cls.model_validate_json(read_own(layout.note))
        except (FileNotFoundError, ValidationError):
            return None

    def write(self, layout: Layout, *, durable: bool = True) -> None:
        """Replace the note of a directory."""
        make_directories(layout.note.parent)
        replace_file(layout.note, (self.model_dump_json() + "\n").encode(), durable=durable)

    def knowing(self, state: WholeState, seen: str, layout: Layout) -> Note:
        """Keep a copy of a state that is in the record as well, and return the note of the state."""
        make_directories(layout.known_state.parent)
        replace_file(layout.known_state, state.content, durable=False)
        return self.model_copy(update={"known": state.digest, "serial": state.serial, "seen": seen})

    def is_as_stored(self, latest: Version, state: OwnPath) -> bool:
        """Return whether the file of the state is certainly that of the last version."""
        return (
            self.fits(latest) and self.serial == latest.header.serial and self.seen == identity(state) != ""
        )

    def fits(self, latest: Version) -> bool:
        """Return whether no other directory's Terraform has stored a version since."""
        return self.token == latest.header.by or self.base == latest.digest


def identity(path: OwnPath) -> str:
    """Return a text that is another once a file was written; empty for a missing file."""
    status = path.status()
    return f"{status.st_ino}-{status.st_mtime_ns}-{status.st_size}" if status is not None else ""
