"""Metrics in the text format of Prometheus.

Source: Prometheus, Exposition formats, text-based format 0.0.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Labels: TypeAlias = tuple[tuple[str, str], ...]

_LABEL = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_HELP = str.maketrans({"\\": r"\\", "\n": r"\n"})


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric with its samples.

    Attributes:
        samples: The numbers by their labels.
        kind: `counter` for a number that only grows.
    """

    name: str
    help: str
    samples: Mapping[Labels, float] = field(default_factory=dict)
    kind: Literal["gauge", "counter"] = "gauge"


def exposed(metrics: Iterable[Metric]) -> str:
    """Return metrics as text."""
    return "".join(f"{line}\n" for metric in metrics for line in _lines(metric))


def _lines(metric: Metric) -> Iterator[str]:
    yield f"# HELP {metric.name} {metric.help.translate(_HELP)}"
    yield f"# TYPE {metric.name} {metric.kind}"
    for labels, number in metric.samples.items():
        spelled = ",".join(f'{key}="{value.translate(_LABEL)}"' for key, value in labels)
        yield f"{metric.name}{{{spelled}}} {number}" if spelled else f"{metric.name} {number}"
