"""Replaying: the history of a value as a test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from statechart.answers.records import readable
from statechart.cli.scenarios.scenario import Recorded, Scenario, Unrepeatable, print_scenario, replayed
from statechart.engine.keywords import recorded_payload
from statechart.storage.chain import CHECKPOINT
from statechart.storage.session import secrets_in
from statechart.testing.driver import Driver
from statechart.wording import state_text

if TYPE_CHECKING:
    from statechart.cli.settings import Settings
    from statechart.storage.record import Record
    from statechart.stored.repository import ChartRepository


def print_replay(settings: Settings, repository: ChartRepository[Any], name: str, path: Path) -> None:
    """Print the history of a value as a test, or write it to a file; `-` stands for stdout.

    Raises:
        UsageRefused: The file can't be written.
        StorageError: The history can't be read.
    """
    chart = repository.chart
    scenario = Scenario(chart, f"The history of {name}, as recorded.")

    def begin(scenario: Scenario, record: Recorded) -> Driver:
        value = record.value
        timed = {} if record.at is None else {"now": record.at}
        driver = Driver(chart, model=deepcopy(value), now=record.at)
        scenario.begin(state_text(value.state), value, **timed)
        return driver

    records, gap = readable(repository, name)
    if gap is not None:
        scenario.remark(f"{gap}; the test begins with the value after them")
    driver = replayed(scenario, _recorded(repository, name, records), begin, _difference, _wait)
    if driver is not None:
        scenario.compare(driver.model)
    print_scenario(settings, scenario, name, path, settings.spell("history NAME --as-test OTHER.py", name))


def _recorded(repository: ChartRepository[Any], name: str, records: Iterator[Record]) -> Iterator[Recorded]:
    begun = False
    for record in records:
        # A checkpoint repeats the value before it.
        if record.value is not None and not (begun and record.type == CHECKPOINT):
            begun = True
            value = repository.files.read(name, record)
            timer = record.data.get("timer")
            yield Recorded(
                record.seq,
                record.event if timer is None else str(record.data.get("event")),
                state_text(value.state),
                value,
                partial(_payload, repository, record),
                f"it is of the type {record.type}",
                at=record.at if repository.chart._alarms else None,
                timer=None if timer is None else str(timer),
            )


def _wait(scenario: Scenario, driver: Driver, record: Recorded) -> None:
    """Let the time before a record pass, of a chart with timers."""
    if record.at is None or record.timer is not None:
        return
    passed = record.at - driver.now
    if passed >= _NOTABLE:
        fired = len(driver.transitions)
        driver.elapse(passed)
        if len(driver.transitions) > fired:
            raise Unrepeatable(f"the timer {driver.transitions[-1].timer} was due before, and fired later")
        scenario.elapse(passed, driver.state)


_NOTABLE = timedelta(seconds=1)


def _payload(repository: ChartRepository[Any], record: Record) -> Mapping[str, Any]:
    payload = recorded_payload(repository.chart, repository.model, str(record.event), record.payload)
    if any(secrets_in(payload)):
        raise Unrepeatable("its payload has a secret, which is not recorded")
    return payload


def _difference(driver: Driver, record: Recorded) -> str | None:
    if driver.state != record.state:
        return f"it leads to {driver.state} today, not to {record.state}"
    for name, value in record.value:
        now = getattr(driver.model, name, None)
        if state_text(now) != state_text(value) if name == "state" else now != value:
            return f"its {name} is {now!r} today, not {value!r}"
    return None
