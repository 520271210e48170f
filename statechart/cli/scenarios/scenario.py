"""Scenario: a pytest function that fires events on a driver, as source."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from statechart.cli.scenarios.literals import Source, Unwritable
from statechart.errors import UnknownState
from statechart.terminal.output import emit, note
from statechart.terminal.program.parameters import STDOUT
from statechart.terminal.refusal import UsageRefused
from statechart.terminal.streams import prints_aside
from statechart.testing.driver import Driver

if TYPE_CHECKING:
    from statechart.chart import Chart
    from statechart.terminal.settings import ProgramSettings


class Unrepeatable(Exception):
    """A record that a test can't repeat."""


@dataclass(slots=True)
class Scenario:
    """The source of a test, line by line.

    Attributes:
        chart: The chart.
        title: The docstring of the module.
        source: Writes the values.
        skipped: The records that the test can't repeat, a sentence each.
    """

    chart: type[Chart]
    title: str
    source: Source = field(default_factory=Source)
    skipped: list[str] = field(default_factory=list)
    _lines: list[str] = field(default_factory=list)

    def begin(self, expected: str, /, model: object = None, **facts: object) -> None:
        """Write a new driver, on a model or with facts, and the state in which it begins."""
        given = [f"model={self.source.literal(model)}"] if model is not None else []
        given += [f"{name}={self.source.literal(value)}" for name, value in facts.items()]
        self._lines.append(f"driver = {self._driver(given)}")
        self._lines.append(f"driver.expect({self.source.literal(expected)})")

    def fire(self, event: str, payload: Mapping[str, Any], state: str) -> None:
        """Write an event, and the state to which it leads."""
        self._lines.append(
            f"driver.fire({self._call(event, payload)}).expect({self.source.literal(state)})"
        )

    def elapse(self, time: timedelta | str, state: str) -> None:
        """Write that time passes, or that a timer is waited for, and the state that is led to."""
        self._lines.append(
            f"driver.elapse({self.source.literal(time)}).expect({self.source.literal(state)})"
        )

    def refuse(self, event: str, payload: Mapping[str, Any]) -> None:
        """Write a refused event."""
        self._lines.append(f"driver.refuses({self._call(event, payload)})")

    def set(self, name: str, value: object) -> None:
        """Write a change of the model that no event makes."""
        self._lines.append(f"driver.model.{name} = {self.source.literal(value)}")

    def remark(self, text: str) -> None:
        """Write a comment, and remember it for the user."""
        self.skipped.append(text)
        self._lines += wrap(text, 96, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)

    def compare(self, value: object) -> None:
        """Write a comparison of the model with a value."""
        fields = ".model_dump()" if _has_private(value) else ""
        self._lines.append(f"assert driver.model{fields} == {self.source.literal(value)}{fields}")

    def text(self, name: str, path: Path | None = None) -> str:
        """Return the module.

        Args:
            name: The words of the function's name.
            path: The file, for the path of modules that are not installed.

        Raises:
            UsageRefused: There is nothing but remarks.
        """
        if all(line.startswith("#") for line in self._lines):
            raise UsageRefused(f"no record can be repeated: {'; '.join(self.skipped)}", code="unwritable")
        function = re.sub(r"\W+", "_", name.lower()).strip("_")
        self.source.name(self.chart)
        self.source.name(Driver)
        imports = self.source.imports()
        title = self.title.replace("\\", "/").replace('"', "'")
        head = [f'"""{title}"""', "", *_path_lines(self.chart, path), *imports]
        text = "\n".join(
            [*head, "", "", f"def test_{function}() -> None:", *(f"    {x}" for x in self._lines)]
        )
        return (
            text.replace("from statechart.testing.driver import", "from statechart.testing import") + "\n"
        )

    def _driver(self, given: Iterable[str]) -> str:
        return f"Driver({', '.join([self.source.name(self.chart), *given])})"

    def _call(self, event: str, payload: Mapping[str, Any]) -> str:
        arguments = (f"{name}={self.source.literal(value)}" for name, value in payload.items())
        return ", ".join([f'"{event}"', *arguments])


def _has_private(value: object) -> bool:
    """Return whether a model differs from another with the same fields, as by private attributes."""
    if not isinstance(value, BaseModel):
        return False
    try:
        again = type(value).model_validate_json(value.model_dump_json(by_alias=True, round_trip=True))
    except ValueError:
        return True
    return again != value


def _path_lines(chart: type[Chart], path: Path | None) -> list[str]:
    """Return the lines by which a test in another directory finds a module that is a file beside none."""
    file = getattr(sys.modules.get(chart.__module__), "__file__", None)
    if path is None or file is None or "." in chart.__module__:
        return []
    there = os.path.relpath(Path(file).parent, path.absolute().parent)
    if there == "." or "site-packages" in file:
        return []
    place = f"str(Path(__file__).parent / {Source().literal(there)})"
    return ["import sys", "from pathlib import Path", "", f"sys.path.insert(0, {place})", ""]


def require_new(path: Path, again: str) -> None:
    """Check that a file can be written without a loss.

    Args:
        path: The file.
        again: The command for another file, for advice.

    Raises:
        UsageRefused: There is one, or no directory for it.
    """
    if path.exists():
        raise UsageRefused(f"{path} exists, and is left as it is", (again,), code="exists")
    if not path.absolute().parent.is_dir():
        raise UsageRefused(f"{path}: there is no directory {path.parent}", (again,))


def save(scenario: Scenario, name: str, path: Path, again: str) -> str:
    """Write a test to a file, tell which records it can't repeat, and return it.

    Raises:
        UsageRefused: The file can't be written.
    """
    text = scenario.text(name, path)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        if not isinstance(error, FileExistsError):
            path.unlink(missing_ok=True)
        raise UsageRefused(
            f"{path} can't be written: {error.strerror}", (again,), code="unwritable", exit_code=1
        ) from error
    note(f"written to {path}; run it with pytest {shlex.quote(str(path))}")
    _tell_skipped(scenario)
    return text


def print_scenario(
    settings: ProgramSettings, scenario: Scenario, name: str, typed: Path, again: str
) -> None:
    """Print a test or write it to a file, and tell which records it can't repeat."""
    path = None if typed == STDOUT else typed
    if path is not None:
        require_new(path, again)
        text = save(scenario, name, path, again)
    else:
        text = scenario.text(name)
    if path is None or settings.json:
        document = {"test": text, "skipped": scenario.skipped, "output": str(path) if path else None}
        emit(settings, document, text)
    if path is None:
        _tell_skipped(scenario)


def _tell_skipped(scenario: Scenario) -> None:
    for skipped in scenario.skipped:
        note(f"note: {skipped}")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A record that carries a value.

    Attributes:
        seq: Its number.
        event: The event of a transition, or None for another change.
        state: The state after it.
        value: The model after it.
        payload: Returns the payload of the event.
        said: Why a change without an event can't be replayed.
        before: The model that guards saw, or None if it is that of the driver.
        at: The moment of the record, for charts with timers.
        timer: The timer that fired the event, or None.
    """

    seq: int
    event: str | None
    state: str
    value: Any  # Any: a model
    payload: Callable[[], Mapping[str, Any]] = dict
    said: str = ""
    before: Any = None
    at: datetime | None = None
    timer: str | None = None


Began = Callable[[Scenario, Recorded], Driver]
"""Writes a new driver on the value of a record, and returns it."""


@prints_aside()
def replayed(
    scenario: Scenario,
    records: Iterable[Recorded],
    begin: Began,
    agrees: Callable[[Driver, Recorded], str | None],
    prepare: Callable[[Scenario, Driver, Recorded], None] = lambda _scenario, _driver, _record: None,
) -> Driver | None:
    """Replay records on drivers, and write those that can be repeated.

    Args:
        scenario: The test.
        records: The records, oldest first.
        begin: Writes a new driver on the value of a record.
        agrees: Returns how a driver differs from a record, or None.
        prepare: Makes the changes that no event makes, before an event.
    """
    driver: Driver | None = None
    for record in records:
        if driver is None:
            driver = _begun(scenario, record, begin)
            continue
        if record.event is None:
            problem: str | None = record.said or "it is not a transition"
        else:
            problem = _repeated(scenario, driver, record, agrees, prepare)
        if problem is not None:
            what = f"record {record.seq}{f' ({record.event})' if record.event else ''}"
            scenario.remark(
                f"{what} can't be replayed: {problem}; the test goes on from the value after it"
            )
            driver = _begun(scenario, record, begin)
    return driver


def _begun(scenario: Scenario, record: Recorded, begin: Began) -> Driver | None:
    """Begin on the value of a record, or return None if today's chart does not have its state."""
    try:
        return begin(scenario, record)
    except UnknownState as error:
        scenario.remark(f"the value of record {record.seq} can't be used: {error}")
        return None


def _repeated(
    scenario: Scenario,
    driver: Driver,
    record: Recorded,
    agrees: Callable[[Driver, Recorded], str | None],
    prepare: Callable[[Scenario, Driver, Recorded], None],
) -> str | None:
    """Repeat a transition; return why it can't be repeated, or None."""
    event = str(record.event)
    try:
        payload = record.payload()
        lines = len(scenario._lines)
        prepare(scenario, driver, record)
        if record.timer is None:
            driver.fire(event, **payload)
        else:
            driver.elapse(record.timer)
        problem = agrees(driver, record)
        if problem is not None:
            del scenario._lines[lines:]
        elif record.timer is None:
            scenario.fire(event, payload, record.state)
        else:
            scenario.elapse(record.timer, record.state)
    except (Unwritable, Unrepeatable) as error:
        return str(error)
    except Exception as error:  # guards and hooks of any chart can raise any exception
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    return problem
