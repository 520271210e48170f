"""Operations on a disk, and what may be left of those on one file when the power fails.

What POSIX promises is all that counts. The bytes and the size of a file are durable once the file was
synced; a name is durable once its directory was. Whatever else happened since may be there or not,
each for itself and in any order: the later of two changes of one thing may be lost and the earlier
one kept, which is what a reordering comes to. A rename is done or not done, and durable once either
of its directories was synced. A write may be torn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

ROOT = 0
_SECTOR = 512
_PAGE = 4096


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes were written into a file."""

    node: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Resize:
    """A file was cut off or lengthened by zeros; `grows` only lengthens."""

    node: int
    size: int
    grows: bool = False


@dataclass(frozen=True, slots=True)
class Enter:
    """A file or a directory got a name in a directory."""

    place: int
    name: str
    node: int
    directory: bool = False

    @property
    def cells(self) -> tuple[tuple[int, str], ...]:
        """The names that the operation changes."""
        return ((self.place, self.name),)


@dataclass(frozen=True, slots=True)
class Leave:
    """A name was removed from a directory."""

    place: int
    name: str

    @property
    def cells(self) -> tuple[tuple[int, str], ...]:
        """The names that the operation changes."""
        return ((self.place, self.name),)


@dataclass(frozen=True, slots=True)
class Move:
    """A rename."""

    place: int
    name: str
    to: int
    new_name: str
    node: int

    @property
    def cells(self) -> tuple[tuple[int, str], ...]:
        """The names that the operation changes."""
        return ((self.place, self.name), (self.to, self.new_name))


@dataclass(frozen=True, slots=True)
class Sync:
    """A file or a directory was synced."""

    node: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A statement about a name: a head is tried, promised, or taken back; None is absence."""

    said: str
    name: str
    head: str | None


Data: TypeAlias = Write | Resize
Naming: TypeAlias = Enter | Leave | Move
Operation: TypeAlias = Data | Naming | Sync | Mark
Names: TypeAlias = dict[int, dict[str, int]]
State: TypeAlias = tuple[tuple[str, bytes | None], ...]
"""All paths, sorted, with their bytes; a directory has None."""


@dataclass(slots=True)
class Tree:
    """Files by their bytes and directories by their names."""

    files: dict[int, bytes] = field(default_factory=dict)
    names: Names = field(default_factory=lambda: {ROOT: {}})

    def copy(self) -> Tree:
        """Return an independent copy."""
        return Tree(dict(self.files), {place: dict(names) for place, names in self.names.items()})

    def do(self, operation: Operation) -> None:
        """Apply an operation durably."""
        if isinstance(operation, Data):
            self.files[operation.node] = after(self.files.get(operation.node, b""), (operation,))
        elif isinstance(operation, Naming):
            name_in(self.names, operation)
            if isinstance(operation, Enter) and not operation.directory:
                self.files.setdefault(operation.node, b"")

    def state(self) -> State:
        """Return all paths with their contents."""
        return tuple((path, self.files.get(node)) for path, node in reached(self.names))


def after(content: bytes, operations: Iterable[Data]) -> bytes:
    """Return the bytes of a file after some operations."""
    changed = bytearray(content)
    for operation in operations:
        match operation:
            case Write(_, offset, data):
                changed.extend(bytes(max(0, offset - len(changed))))
                changed[offset : offset + len(data)] = data
            case Resize(_, size, grows):
                changed.extend(bytes(max(0, size - len(changed))))
                if not grows:
                    del changed[size:]
    return bytes(changed)


def name_in(names: Names, operation: Naming) -> None:
    """Apply an operation to names; names that it needs may have been lost."""
    match operation:
        case Enter(place, name, node, directory):
            names.setdefault(place, {})[name] = node
            if directory:
                names.setdefault(node, {})
        case Leave(place, name):
            names.setdefault(place, {}).pop(name, None)
        case Move(place, name, to, new_name, node):
            names.setdefault(place, {}).pop(name, None)
            names.setdefault(to, {})[new_name] = node


def reached(names: Mapping[int, Mapping[str, int]]) -> tuple[tuple[str, int], ...]:
    """Return the nodes that can be reached from the root, by their paths, sorted."""
    found: list[tuple[str, int]] = []
    waiting = [("", ROOT)]
    while waiting:
        path, node = waiting.pop()
        for name, below in names.get(node, {}).items():
            found.append((f"{path}{name}", below))
            if below in names:
                waiting.append((f"{path}{name}/", below))
    return tuple(sorted(found))


def torn(write: Write) -> Iterator[tuple[Data, ...]]:
    """Yield the possible remains of a write: a beginning, zeros, or an end after zeros."""
    size = len(write.data)
    end = write.offset + size
    lengthened = Resize(write.node, end, grows=True)
    borders = {
        border - write.offset
        for unit in (_SECTOR, _PAGE)
        for border in (write.offset // unit * unit + unit, end // unit * unit)
        if write.offset < border < end
    }
    yield (lengthened,)
    for cut in sorted({1, size // 2, size - 1, *borders} - {0, size}):
        beginning = Write(write.node, write.offset, write.data[:cut])
        yield (beginning,)
        yield (beginning, lengthened)
    for cut in sorted(borders):
        yield (lengthened, Write(write.node, write.offset + cut, write.data[cut:]))


def contents(durable: bytes, waiting: tuple[Data, ...], limit: int) -> dict[bytes, int]:
    """Return the possible contents of a file, each with the least number of lost or torn operations.

    The first is the complete content. A file of which no byte reached the disk counts as one loss.
    """
    kept: tuple[tuple[Data, ...], ...] = tuple((operation,) for operation in waiting)
    found = {after(durable, waiting): 0}
    found.setdefault(durable, 1)
    layer = [kept]
    for cost in range(1, limit + 1):
        following = []
        for chosen in layer:
            for varied in _varied(chosen, waiting):
                content = after(durable, (part for parts in varied for part in parts))
                if content not in found:
                    found[content] = cost
                    following.append(varied)
        layer = following
    return found


def _varied(
    chosen: tuple[tuple[Data, ...], ...], waiting: tuple[Data, ...]
) -> Iterator[tuple[tuple[Data, ...], ...]]:
    """Yield a choice with one more of the operations lost or torn."""
    for index, operation in enumerate(waiting):
        if chosen[index] != (operation,):
            continue
        options = [(), *torn(operation)] if isinstance(operation, Write) else [()]
        for option in options:
            yield (*chosen[:index], option, *chosen[index + 1 :])
