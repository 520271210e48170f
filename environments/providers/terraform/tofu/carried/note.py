"""The note beside a build directory of the version of the state that it goes with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from environments.system.files import make_directories, read_own, replace_file

if TYPE_CHECKING:
    from environments.providers.terraform.layout import Layout
    from environments.providers.terraform.tofu.carried.version import Version


class Note(BaseModel, frozen=True):
    """The tie between a build directory and the versions of the state in the record.

    Attributes:
        token: The name of the directory in the versions that its Terraform stores.
        base: The digest of the stored version that the directory was made to fit.
        known: The digest of the last state in the directory that is in the record as well.
        key: The recorded key of the host that was pinned.
    """

    token: str
    base: str = ""
    known: str = ""
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

    def fits(self, latest: Version) -> bool:
        """Return whether no other directory's Terraform has stored a version since."""
        return self.token == latest.header.by or self.base == latest.digest
