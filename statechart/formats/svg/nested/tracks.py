"""Tracks between two layers: where edges that change their level run across."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Generic, TypeVar

_APART = 7.0
"""Lines that are nearer than that can't be told apart."""

_TOUCH = 20


KeyT = TypeVar("KeyT", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Step(Generic[KeyT]):
    """An edge that changes its level between two layers."""

    key: KeyT
    before: float
    after: float

    @property
    def low(self) -> float:
        """The lesser level."""
        return min(self.before, self.after)

    @property
    def high(self) -> float:
        """The greater level."""
        return max(self.before, self.after)


def tracks(steps: Sequence[Step[KeyT]]) -> Mapping[KeyT, int]:
    """Return the number of the track of each step, the first next to the lower layer."""
    order: list[Step[KeyT]] = []
    for step in sorted(steps, key=lambda each: each.high - each.low):
        first = [0, *accumulate(_cost(each, step) for each in order)]
        later = [0, *accumulate(_cost(step, each) for each in order)]
        costs = [one + later[-1] - other for one, other in zip(first, later, strict=True)]
        order.insert(min(range(len(costs)), key=lambda at: (costs[at], abs(2 * at - len(order)))), step)
    found: dict[KeyT, int] = {}
    done: list[Step[KeyT]] = []
    for step in order:
        near = (found[each.key] + 1 for each in done if _meet(each, step))
        found[step.key] = max(near, default=0)
        done.append(step)
    return found


def nested(steps: Sequence[Step[KeyT]]) -> Mapping[KeyT, int]:
    """Return the tracks of edges that return to the side that they come from, the shortest first."""
    found: dict[KeyT, int] = {}
    done: list[Step[KeyT]] = []
    for step in sorted(steps, key=lambda each: each.high - each.low):
        found[step.key] = max((found[each.key] + 1 for each in done if _meet(each, step)), default=0)
        done.append(step)
    return found


def _meet(one: Step[Any], other: Step[Any]) -> bool:
    return one.low - _APART < other.high and other.low - _APART < one.high


def _cost(first: Step[Any], second: Step[Any]) -> int:
    """Return the cost of one step's track before another's."""
    return _at(second.before, first) + _at(first.after, second)


def _at(level: float, step: Step[Any]) -> int:
    if step.low + _APART <= level <= step.high - _APART:
        return 1
    return _TOUCH if step.low - _APART < level < step.high + _APART else 0
