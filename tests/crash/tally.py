"""Counts of the crash tests, for the last line of the session."""

from __future__ import annotations

from collections import Counter

import pytest

KEY: pytest.StashKey[Counter[tuple[str, str]]] = pytest.StashKey()


class Tally:
    """The counts of one test, for the summary of the session."""

    def __init__(self, config: pytest.Config) -> None:
        self._counts = config.stash.setdefault(KEY, Counter())

    def add(self, what: str, **counts: int) -> None:
        """Add counts to a heading of the summary."""
        for name, count in counts.items():
            self._counts[what, name] += count


def lines(config: pytest.Config) -> list[str]:
    """Return a line for each heading, with its counts in order."""
    counted = config.stash.get(KEY, Counter())
    headings = dict.fromkeys(what for what, _ in counted)
    return [
        f"{heading}: "
        + ", ".join(
            f"{count:,} {name.replace('_', ' ')}"
            for (what, name), count in counted.items()
            if what == heading
        )
        for heading in headings
    ]
