"""The last look at the world: what `drift` found, and when. It is not part of the record."""

# Forms can't import annotations from __future__: their annotations are read as objects.
from datetime import datetime

from statechart.storage.forms import Form, read_form, read_json


class FoundDifference(Form):
    """A difference that was found."""

    extra = True

    kind: str
    what: str
    then: str | None

    @property
    def words(self) -> str:
        """The kind in words, and the difference."""
        return f"{self.kind.replace('_', ' ')}: {self.what}"


class LastLook(Form):
    """The differences that `drift` found when it last looked.

    A look at an earlier revision tells how the environment was then: whatever changed it since may have
    ended the differences, or made others.
    """

    extra = True  # a later version may tell more

    name: str
    lineage: str
    revision: int
    at: datetime
    findings: list[FoundDifference]
    unseen: list[str]

    def is_of(self, revision: int) -> bool:
        """Return whether the environment, at a revision, has not changed since the look."""
        return self.revision == revision

    def drifts(self, revision: int) -> bool:
        """Return whether an environment, at a revision, is known to differ."""
        return self.is_of(revision) and bool(self.findings)


def last_look(content: bytes | None, name: str, lineage: str, revision: int) -> LastLook | None:
    """Return the last look at an environment, or None if the bytes are not a look at this one.

    Args:
        content: The bytes of the file.
        name: The name of the environment.
        lineage: Its incarnation.
        revision: Its revision; a look at a later revision is of a history that is gone.
    """
    if not content:
        return None
    try:
        look = read_form(LastLook, read_json(content))
    except ValueError:
        return None
    return look if (look.name, look.lineage) == (name, lineage) and look.revision <= revision else None
