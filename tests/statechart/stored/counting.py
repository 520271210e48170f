"""A chart without an end, and a program that fires its event."""

from __future__ import annotations

import sys

from pydantic import BaseModel

from statechart import Chart, ChartRepository, Event, State


class Counter(BaseModel, frozen=True):
    state: str = "counting"


class Counting(Chart[Counter]):
    counting = State(initial=True)
    count = Event(counting.to(counting))


if __name__ == "__main__":
    root, name, times = sys.argv[1:]
    counters = ChartRepository(root, Counting, timeout=60)
    for _ in range(int(times)):
        counters.fire(name, Counting.count)
        print("counted", flush=True)
