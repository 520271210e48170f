"""Replaying: the events of an environment as a test of the lifecycle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING

from environments.cli import loading
from environments.lifecycle import Lifecycle, Subject
from environments.model.records import StepRecord, TransitionRecord
from statechart.cli.scenarios.scenario import Recorded, Scenario, print_scenario, replayed
from statechart.testing.driver import Driver

if TYPE_CHECKING:
    from environments.cli.settings import Settings
    from environments.model.records import HistoryEntry

_FACTS = ("teardown_begun", "run_under_way", "adopted")
"""The attributes of a subject that commands change between the events."""


def print_replay(settings: Settings, name: str, path: Path) -> None:
    """Print the events of an environment as a test, or write it to a file; `-` stands for stdout.

    Raises:
        UsageRefused: The file can't be written.
        StorageError: The history can't be read.
    """
    scenario = Scenario(Lifecycle, f"The events of the environment {name}, as recorded.")
    entries, gap = loading.storage(settings).readable(name)
    if gap is not None:
        scenario.remark(f"{gap}; the test begins with the state after them")
    replayed(scenario, _recorded(entries), _begin, _difference, _prepare)
    print_scenario(settings, scenario, name, path, settings.spell("history NAME --as-test OTHER.py", name))


def _recorded(entries: Iterable[HistoryEntry]) -> Iterator[Recorded]:
    """Yield the beginning and the transitions; the facts before each are those of the record before."""
    before: Subject | None = None
    for entry in entries:
        record = entry.record
        if isinstance(record, StepRecord):
            continue
        after = Subject.of(record.environment)
        if before is None or isinstance(record, TransitionRecord):
            event = record.event if isinstance(record, TransitionRecord) else None
            yield Recorded(entry.seq, event, str(after.state), after, before=before)
        elif record.type == "rebased":
            yield Recorded(entry.seq, None, str(after.state), after, said="the history begins anew with it")
        before = after


def _begin(scenario: Scenario, record: Recorded) -> Driver:
    subject: Subject = record.value
    facts = {fact: True for fact in _FACTS if getattr(subject, fact)}
    state = str(subject.state)
    scenario.begin(state, **({} if state == "created" else {"state": state}), **facts)
    return Driver(Lifecycle, model=deepcopy(subject))


def _prepare(scenario: Scenario, driver: Driver, record: Recorded) -> None:
    """Give the model the facts that commands have changed since the last event."""
    for fact in _FACTS:
        known = getattr(record.before, fact)
        if getattr(driver.model, fact) != known:
            setattr(driver.model, fact, known)
            scenario.set(fact, known)


def _difference(driver: Driver, record: Recorded) -> str | None:
    return (
        None if driver.state == record.state else f"it leads to {driver.state} today, not to {record.state}"
    )
