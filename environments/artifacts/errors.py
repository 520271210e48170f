"""The errors of files that travel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from environments.errors import EnvironmentsError, InvalidConfiguration
from statechart.errors import StorageError


class CannotPack(InvalidConfiguration):
    """Files that a spec names can't be copied to the store.

    Attributes:
        what: The noun for the files, such as `module`.
        root: The directory.
        problem: The reason.
    """

    def __init__(self, what: str, root: Path, problem: str) -> None:
        self.what: str = what
        self.root: Path = root
        self.problem: str = problem
        super().__init__(f"the {what} in {root}", [problem])


class TooLarge(CannotPack):
    """The files are larger than a store takes.

    Attributes:
        limit: The largest archive in bytes.
        largest: The names and sizes of the largest files.
    """

    def __init__(self, what: str, root: Path, limit: int, largest: Iterable[tuple[str, int]]) -> None:
        self.limit: int = limit
        self.largest: tuple[tuple[str, int], ...] = tuple(largest)
        named = ", ".join(f"{_shown(name)} ({_size(size)})" for name, size in self.largest)
        problem = (
            f"it is larger than {_size(limit)}, the most that the store takes; the largest "
            f"files are {named}: move what is not needed on the host out of {root}"
        )
        super().__init__(what, root, problem)


class ArtifactProblem(StorageError):
    """An artifact can't be used; its digest is `digest`."""

    digest: str


class ArtifactAltered(ArtifactProblem):
    """The content of an artifact is not that which its digest names.

    Attributes:
        digest: The digest.
        problem: The difference.
    """

    def __init__(self, digest: str, problem: str) -> None:
        self.digest: str = digest
        self.problem: str = problem
        super().__init__(f"artifact {digest[:12]}… was altered: {problem}")


class ArtifactMissing(ArtifactProblem, LookupError):
    """A store holds no artifact of a digest.

    Attributes:
        digest: The digest.
        where: The store, by its path or its URL without a password.
    """

    def __init__(self, digest: str, where: str) -> None:
        self.digest: str = digest
        self.where: str = where
        super().__init__(f"artifact {digest[:12]}… is not in {where}")


class FilesLost(EnvironmentsError):
    """The recorded copy of files that a command needs can't be used, and this machine has no others.

    Attributes:
        name: The environment.
        field: The field of the spec that names the files.
        problem: The reason.
    """

    def __init__(self, name: str, field: str, what: str, problem: str, packed: str, root: Path) -> None:
        self.name: str = name
        self.field: str = field
        self.problem: str = problem
        super().__init__(
            f"{name}: the recorded copy of the {what} can't be used: {problem}. It was made of {root} "
            f"{packed}: there, run envchart update {name}, which makes another"
        )


class MachineLacks(EnvironmentsError):
    """This machine lacks keys, secrets or programs that a command needs; nothing was begun.

    Attributes:
        name: The environment.
        command: The command.
        machine: The host name of this machine.
        lacking: A line for each.
    """

    def __init__(self, name: str, command: str, machine: str, lacking: Sequence[str]) -> None:
        self.name: str = name
        self.command: str = command
        self.machine: str = machine
        self.lacking: tuple[str, ...] = tuple(lacking)
        lines = "".join(f"\n  {line}" for line in self.lacking)
        super().__init__(
            f"{name}: {machine} can't {command} it, and nothing was begun; put this there, then try "
            f"again:{lines}"
        )


def _size(size: int) -> str:
    units = ((1024 * 1024, "MiB"), (1024, "KiB"))
    return next((f"{size // unit} {name}" for unit, name in units if size >= unit), f"{size} B")


def _shown(name: str) -> str:
    """Return a name without characters that can't be printed, as of bytes that are no UTF-8."""
    shown = name.encode(errors="surrogateescape").decode(errors="backslashreplace")
    return shown if shown.isprintable() else repr(shown)
