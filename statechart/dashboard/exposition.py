"""The text in which Prometheus reads metrics.

Source: Prometheus, Exposition formats, Text-based format (version 0.0.4).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Final, Literal, TypeAlias

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_HELP_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n"})

BUCKETS: Final = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
"""The upper limits of the buckets of durations, in seconds: from a restart to the making of a cluster."""

Labels: TypeAlias = tuple[str, ...]


@dataclass(slots=True)
class Durations:
    """The durations of one kind of work, counted in buckets."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        """Count a duration."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds

    def copy(self) -> Durations:
        """Return a copy, which does not change while it is written."""
        return Durations(list(self.counts), self.total)


@dataclass(frozen=True, slots=True)
class Family:
    """A metric.

    Attributes:
        name: The name.
        about: A line about the value.
        type: The type.
        labels: The names of the labels.
        values: The value for each combination of the labels' values.
    """

    name: str
    about: str
    type: Literal["counter", "gauge", "histogram"]
    labels: Labels
    values: Mapping[Labels, float | Durations]

    def lines(self) -> Iterator[str]:
        """Yield the lines of the metric."""
        yield f"# HELP {self.name} {self.about.translate(_HELP_ESCAPES)}"
        yield f"# TYPE {self.name} {self.type}"
        for given, value in sorted(self.values.items(), key=lambda each: each[0]):
            pairs = tuple(zip(self.labels, given, strict=True))
            if isinstance(value, Durations):
                yield from self._histogram(pairs, value)
            else:
                yield _sample(self.name, pairs, value)

    def _histogram(self, pairs: tuple[tuple[str, str], ...], value: Durations) -> Iterator[str]:
        count = 0
        for limit, number in zip((*BUCKETS, inf), value.counts, strict=True):
            count += number
            yield _sample(f"{self.name}_bucket", (*pairs, ("le", _number(limit))), count)
        yield _sample(f"{self.name}_sum", pairs, value.total)
        yield _sample(f"{self.name}_count", pairs, count)


def exposed(families: Iterable[Family]) -> str:
    """Return metrics as text."""
    return "".join(f"{line}\n" for family in families for line in family.lines())


def _sample(name: str, pairs: Iterable[tuple[str, str]], value: float) -> str:
    labels = ",".join(f'{label}="{text.translate(_ESCAPES)}"' for label, text in pairs)
    return f"{name}{{{labels}}} {_number(value)}" if labels else f"{name} {_number(value)}"


def _number(value: float) -> str:
    return "+Inf" if value == inf else repr(value)
