"""Enumerate the possible states of a disk after a power cut at each point of a recording."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.crash.disk_operations import (
    Data,
    Enter,
    Naming,
    Operation,
    State,
    Sync,
    Tree,
    contents,
    name_in,
    reached,
)


@dataclass(slots=True, eq=False)
class _Named:
    """An operation on names, and whether its directory was synced since."""

    operation: Naming
    durable: bool = False


@dataclass(slots=True)
class Disk:
    """The durable state and the operations since; at most `limit` operations are lost or torn at once."""

    durable: Tree
    limit: int = 3
    _data: dict[int, tuple[Data, ...]] = field(default_factory=dict)
    _naming: list[_Named] = field(default_factory=list)
    _contents: dict[int, dict[bytes, int]] = field(default_factory=dict)

    def do(self, operation: Operation) -> None:
        """Apply an operation."""
        if isinstance(operation, Data):
            self._data[operation.node] = (*self._data.get(operation.node, ()), operation)
            self._contents.pop(operation.node, None)
        elif isinstance(operation, Naming):
            self._naming.append(_Named(operation))
            if isinstance(operation, Enter) and operation.directory:
                self.durable.names.setdefault(operation.node, {})  # empty, and there once it has a name
            elif isinstance(operation, Enter):
                self.durable.files.setdefault(operation.node, b"")
        elif isinstance(operation, Sync):
            self._sync(operation.node)

    def _sync(self, node: int) -> None:
        waiting = self._data.pop(node, ())
        self._contents.pop(node, None)
        for data in waiting:
            self.durable.do(data)
        for named in self._naming:
            if any(place == node for place, _ in named.operation.cells):
                named.durable = True
        self._fold()

    def _fold(self) -> None:
        """Make the operations durable that no earlier pending operation precedes."""
        left: list[_Named] = []
        for named in self._naming:
            cells = set(named.operation.cells)
            if named.durable:
                left = [each for each in left if each.durable or not cells.issuperset(each.operation.cells)]
            if named.durable and not any(cells & set(each.operation.cells) for each in left):
                name_in(self.durable.names, named.operation)
            else:
                left.append(named)
        self._naming = left

    def states(self) -> Iterator[State]:
        """Yield the possible states after a power cut now."""
        for cost, paths in self._namings():
            nodes = sorted({node for _, node in paths if node in self.durable.files})
            for chosen in self._choices(nodes, self.limit - cost):
                yield tuple((path, chosen.get(node)) for path, node in paths)
        yield from self._extremes()

    def _extremes(self) -> Iterator[State]:
        """Yield the states where all of the names, or all of the data, are kept or lost."""
        for names in ([each for each in self._naming if each.durable], self._naming):
            paths = self._paths(names)
            for data in (self._whole, self.durable.files.get):
                yield tuple((path, data(node)) for path, node in paths)

    def _whole(self, node: int) -> bytes | None:
        return next(iter(self._variants(node))) if node in self.durable.files else None

    def _namings(self) -> Iterator[tuple[int, tuple[tuple[str, int], ...]]]:
        """Yield the possible names, each with the number of lost operations."""
        seen = set()
        layer = [tuple(self._naming)]
        for cost in range(self.limit + 1):
            following = []
            for kept in layer:
                paths = self._paths(kept)
                if paths in seen:
                    continue
                seen.add(paths)
                yield cost, paths
                following += [tuple(each for each in kept if each is not lost) for lost in _decisive(kept)]
            layer = following

    def _paths(self, kept: tuple[_Named, ...] | list[_Named]) -> tuple[tuple[str, int], ...]:
        names = {place: dict(below) for place, below in self.durable.names.items()}
        for named in kept:
            name_in(names, named.operation)
        return reached(names)

    def _choices(self, nodes: list[int], limit: int) -> Iterator[dict[int, bytes]]:
        """Yield the possible combinations of file contents, within the limit."""
        if not nodes:
            yield {}
            return
        first, *rest = nodes
        for content, cost in self._variants(first).items():
            if cost <= limit:
                for chosen in self._choices(rest, limit - cost):
                    yield {first: content, **chosen}

    def _variants(self, node: int) -> dict[bytes, int]:
        found = self._contents.get(node)
        if found is None:
            found = contents(self.durable.files[node], self._data.get(node, ()), self.limit)
            self._contents[node] = found
        return found


def _decisive(kept: tuple[_Named, ...]) -> Iterator[_Named]:
    """Yield the operations whose loss shows: the last on each name."""
    seen: set[tuple[int, str]] = set()
    for named in reversed(kept):
        cells = set(named.operation.cells)
        if not named.durable and not cells <= seen:
            yield named
        seen |= cells
