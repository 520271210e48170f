"""Values that can't be read among many that can: told to the caller, never left out in silence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from statechart.errors import DamagedNames, StatechartError

FoundT = TypeVar("FoundT")

OnDamage: TypeAlias = Callable[[str, StatechartError], object]
"""Called with the name and the error of each value that can't be read."""


@dataclass(frozen=True, slots=True)
class Damaged:
    """A value that can't be read, with the reason."""

    name: str
    error: StatechartError


@dataclass(slots=True)
class Damage:
    """Collects the values that can't be read.

    Attributes:
        where: The store, for the error.
        tell: Called with each such value; without, `check` raises an error.
    """

    where: str
    tell: OnDamage | None = None
    errors: dict[str, StatechartError] = field(default_factory=dict)

    def sifted(self, found: Iterable[FoundT | Damaged]) -> Iterator[FoundT]:
        """Yield readable values, and collect the problems of the rest."""
        for each in found:
            if not isinstance(each, Damaged):
                yield each
            elif self.tell is not None:
                self.tell(each.name, each.error)
            else:
                self.errors[each.name] = each.error

    def check(self, found: Iterable[str] = ()) -> None:
        """Raise an error if values were collected.

        Raises:
            DamagedNames: Some values can't be read; `found` of it are the names that were given.
        """
        if self.errors:
            raise DamagedNames(self.where, found, self.errors)
