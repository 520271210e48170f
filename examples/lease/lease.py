"""Leases: their chart, their value, and their time. The command is `pool.py`."""

from __future__ import annotations

import os
import shutil
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import AwareDatetime, BaseModel

from statechart import Chart, ChartRepository, Event, State, effect


class Lease(BaseModel):
    """A machine that one person at a time may use, as recorded."""

    state: str = "free"
    holder: str | None = None
    until: AwareDatetime | None = None
    token: int = 0
    """Counts the holders: a machine that checks it refuses a holder who comes too late."""


class LeaseChart(Chart[Lease]):
    """From free to leased, by the holder or by time to cleaning, and back."""

    free = State(initial=True)
    leased = State()
    cleaning = State()
    retired = State(final=True)

    take = Event(free.to(leased))
    renew = Event(leased.to(leased, cond=["is_holder", "!is_over"]))
    release = Event(leased.to(cleaning, cond="is_holder"))
    expire = Event(leased.to(cleaning, cond="is_over"))
    clean = Event(cleaning.to(free))
    retire = Event(free.to(retired))

    def is_over(self, model: Lease, now: datetime) -> bool:
        """Its time is not over."""
        return model.until is not None and now >= model.until

    def is_holder(self, model: Lease, by: str) -> bool:
        """Only its holder may do that."""
        return by == model.holder

    def on_take(self, model: Lease, by: str, now: datetime, time: timedelta) -> None:
        model.holder = by
        model.until = now + time
        model.token += 1

    def on_renew(self, model: Lease, now: datetime, time: timedelta) -> None:
        model.until = now + time

    def on_enter_cleaning(self, model: Lease) -> None:
        model.holder = model.until = None

    @effect(cleaning)
    def wipe(self, name: str, repository: ChartRepository[Lease]) -> None:
        # After a crash this may run once more, when the machine has its next holder already.
        if "clean" in repository.allowed(name):
            if disk(name).exists():
                shutil.rmtree(disk(name))
            repository.fire(name, LeaseChart.clean)


def disk(name: str) -> Path:
    """Return the directory that stands for the disk of a machine."""
    return Path(os.environ.get("LEASE_DISKS", "disks")) / name
