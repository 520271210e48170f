"""The thresholds of chart coverage: a percentage for all required measures, or for one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from statechart.testing.coverage.items import KINDS, NESTED_KINDS, PRODUCTION, REQUIRED
from statechart.wording import listed, nearest

STEPS = "steps"
MEASURES: Mapping[str, str] = {
    **{kind: kind for kind in (*KINDS, *NESTED_KINDS)},
    "refused": "refusals",
    PRODUCTION: "transitions seen in production",
    STEPS: "steps",
}
"""The measures that a threshold may name, with their names in messages."""


def thresholds(given: Iterable[str]) -> dict[str, float]:
    """Return the required percentage of each measure.

    Args:
        given: Values such as `90`, for the states, transitions and refusals, and `pairs:50,guards:80`.
            A percentage of a named measure replaces the general threshold.

    Raises:
        ValueError: A value is not a percentage, or names an unknown measure.
    """
    general: dict[str, float] = {}
    named: dict[str, float] = {}
    for part in (part.strip() for value in given for part in value.split(",")):
        measure, colon, number = part.rpartition(":")
        if colon:
            named[_measure(measure.strip())] = _percentage(number, part)
        else:
            general = dict.fromkeys(REQUIRED, _percentage(part, part))
    return general | named


def _measure(name: str) -> str:
    by_name = {shown: kind for kind, shown in MEASURES.items()} | {kind: kind for kind in MEASURES}
    if name not in by_name:
        usual = [kind if kind != "refused" else "refusals" for kind in MEASURES]
        near = nearest(name, usual)
        hint = f"did you mean {near}?" if near else f"use {listed(usual)}"
        raise ValueError(f"there is no measure {name!r}: {hint}")
    return by_name[name]


def _percentage(number: str, part: str) -> float:
    try:
        found = float(number)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 100:
        raise ValueError(
            f"{part!r} is not a percentage: give a number from 0 to 100, "
            "or a measure with its number, as in transitions:90"
        )
    return found
