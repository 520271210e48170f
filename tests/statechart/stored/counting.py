"""A chart whose event counts, and a program that fires it."""

from __future__ import annotations

import sys

from pydantic import BaseModel

from statechart import Chart, ChartRepository, Event, State


class Counter(BaseModel):
    state: str = "counting"
    count: int = 0


class Counting(Chart[Counter]):
    counting = State(initial=True)
    count = Event(counting.to(counting))

    def on_count(self, model: Counter) -> None:
        model.count += 1


if __name__ == "__main__":
    root, name, times = sys.argv[1:]
    counters = ChartRepository(root, Counting, timeout=60)
    for _ in range(int(times)):
        counters.fire(name, Counting.count)
        print("counted", flush=True)
