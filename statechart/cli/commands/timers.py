"""`timers`: the timers of a store with their deadlines, and the runner that fires them."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import redirect_stdout
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from statechart.answers.timers import running_document, timers_document
from statechart.cli import loading
from statechart.cli.parameters import subcommand
from statechart.cli.settings import Settings
from statechart.cli.values import place_of
from statechart.formats.columns import columns_of
from statechart.graph import failures
from statechart.stored.timers.reading import FOREVER
from statechart.terminal.cells import cut, width_of
from statechart.terminal.colours import coloured, styled
from statechart.terminal.output import emit, note, write
from statechart.terminal.refusal import UsageRefused
from statechart.terminal.report import ExitCode
from statechart.terminal.signals import heeded, let_finish
from statechart.terminal.streams import prints_aside
from statechart.terminal.table import Table, cleaned
from statechart.terminal.text import ago, lasting, until, when
from statechart.wording import counted

if TYPE_CHECKING:
    from statechart.engine.declaration.timers import Due
    from statechart.errors import StatechartError
    from statechart.stored.repository import ChartRepository
    from statechart.stored.timers.outcome import TimerOutcome
    from statechart.stored.timers.runner import TimersRunner

_COLUMNS = ("name", "timer", "event", "due", "at")
_TABLE = Table(usual=_COLUMNS, flexible=("timer",), dropped=("at", "event"), short={"timer": 24})
_PATIENCE = 10  # seconds for the lock of a value, with --once
_NARROW = 80  # columns; below, the date is left out
_LONGEST_NAME = 24  # characters up to which names are padded
_SHORT = 0.01  # seconds; less is not late


@subcommand("timers", waiting=True)
@click.argument("action", metavar="run|list", help="Fire timers as they become due, or list them.")
@click.option("--once", is_flag=True, help="With run: fire what is due now, and end; for cron.")
def timers(settings: Settings, action: str, *, once: bool) -> None:
    """List the timers that run, or fire them when they are due.

    run goes on until Ctrl-C or SIGTERM, and then finishes the present commit.
    Any number of runners may run, on any machines that reach the store: each timer is fired once.
    With --json, run prints what became of each timer as a document on a line of its own.
    With --once, the exit code is 8 if some could not be fired. It is 7 if a value can't be read.

    Examples:
        python -m statechart timers run shop:OrderChart --store orders
        python -m statechart timers run shop:OrderChart --store orders --once
        python -m statechart timers list shop:OrderChart --store orders
    """
    if action not in ("run", "list"):
        raise UsageRefused(
            f"timers takes run or list, not {action!r}",
            (settings.spell("timers list"), settings.spell("timers run")),
        )
    if once and action != "run":
        raise click.UsageError("--once is for run")
    repository = loading.repository(settings)
    if not repository.chart._alarms:
        raise UsageRefused(
            f"{repository.chart.__name__} declares no timers: "
            "give it some, as timers = (Timer(STATE, after=…, event=…),)",
            (settings.spell("diagram"),),
        )
    if action == "list":
        _list(settings, repository)
    elif once:
        _run_once(settings, repository)
    else:
        _run(settings, repository)


def _list(settings: Settings, repository: ChartRepository[Any]) -> None:
    damaged: dict[str, StatechartError] = {}
    found = list(repository.due(FOREVER, on_damage=damaged.__setitem__))
    now = datetime.now(UTC)
    if settings.json:
        emit(settings, timers_document(found, damaged, now, settings), "")
    elif found:
        emit(settings, None, "\n".join(_lines(found, now)))
    due = sum(each.at <= now for _, each in found)
    if found:
        note(f"{due} due, {len(found) - due} running")
    elif not damaged:
        note(f"no timer runs in {place_of(repository)}")
    if due:
        note(f"next: {settings.spell('timers run')}")
    for name, error in damaged.items():
        note(f"{name} can't be read: {error}")
        note(f"next, for {name}: {settings.spell('verify NAME', name)}")
    if damaged:
        raise click.exceptions.Exit(ExitCode.STORAGE)


def _lines(found: Iterable[tuple[str, Due]], now: datetime) -> list[str]:
    rows, colours = [], []
    for name, each in found:
        is_due = each.at <= now
        at = ago(each.at, now) if is_due else until(each.at, now)
        rows.append((cleaned(name), each.timer, each.event, at, when(each.at)))
        colours.append("bold" if is_due else "plain")
    return _TABLE.lines(_COLUMNS, rows, colours, styled, columns_of(sys.stdout))


def _run_once(settings: Settings, repository: ChartRepository[Any]) -> None:
    printer = _Printer(settings, repository)
    runner = repository.timers(tell=printer.tell)
    with prints_aside():
        found = runner.once(settings.lock_timeout or _PATIENCE)
    counts = Counter[str](each.status for each in found)
    told = [f"{counts[each]} {each}" for each in printer.order if counts[each]]
    note(", ".join(told) or "no timer is due")
    if counts["damaged"]:
        raise click.exceptions.Exit(ExitCode.STORAGE)
    if counts.keys() - {"fired", "lapsed"}:
        raise click.exceptions.Exit(ExitCode.DIFFERENCE)


def _run(settings: Settings, repository: ChartRepository[Any]) -> None:
    printer = _Printer(settings, repository)
    runner = repository.timers(tell=printer.tell)
    with prints_aside():
        ended = asyncio.run(_until_ended(runner, repository))
    note(f"{counted(runner.fired, 'timer')} fired")
    raise click.exceptions.Exit(128 + ended)


async def _until_ended(runner: TimersRunner[Any], repository: ChartRepository[Any]) -> int:
    """Run until a signal, and return its number."""
    loop = asyncio.get_running_loop()
    signals: list[signal.Signals] = []

    def end(number: signal.Signals) -> None:
        signals.append(number)
        for each in heard:
            loop.remove_signal_handler(each)
        let_finish()  # a second one ends what does not finish
        runner.stop()

    heard = heeded()
    for number in heard:
        loop.add_signal_handler(number, end, number)
    async with runner:
        note(f"firing the timers of {repository.chart.__name__} in {place_of(repository)}, until Ctrl-C")
        await runner.wait()
    return signals[0] if signals else 0


class _Printer:
    """Prints what became of timers.

    Attributes:
        order: The statuses, in the order in which they are counted.
    """

    order = ("fired", "lapsed", "failed", "locked", "unsaved", "damaged")

    def __init__(self, settings: Settings, repository: ChartRepository[Any]) -> None:
        self._settings = settings
        self._bad = failures(repository.chart)
        self._out = sys.stdout
        self._width = min(max(map(len, repository.names()), default=0), _LONGEST_NAME)

    def tell(self, outcome: TimerOutcome) -> None:
        """Print an outcome: a fired timer as a result, all else as a note."""
        with redirect_stdout(self._out):  # hooks print aside
            if self._settings.json:
                write(running_document(outcome) + "\n")
            elif outcome.status in ("fired", "lapsed"):
                write(self._line(outcome) + "\n")
            else:
                self._note(outcome)

    def _line(self, outcome: TimerOutcome) -> str:
        assert outcome.at is not None
        assert outcome.late is not None
        columns = columns_of(sys.stdout)
        at = when(outcome.at)
        if columns is not None and columns < _NARROW:
            at = at[-9:]
        before = f"{at}  {cleaned(outcome.name):{self._width}}  "
        short = f"{outcome.event} → {outcome.to_state}"
        what = f"{outcome.event}: {outcome.from_state} → {outcome.to_state}"
        if outcome.status == "lapsed":
            short = f"{outcome.event} lapsed"
            what = f"{short}: nothing takes it in {outcome.from_state}"
        seconds = outcome.late.total_seconds()
        late = lasting(seconds) or (f"{seconds:.2f} s" if seconds >= _SHORT else "")
        what += f" ({late} late)" if late else ""
        if columns is not None and width_of(before + what) > columns:
            what = cut(short, columns - width_of(before))
        return coloured(styled(before + what, "red" if outcome.to_state in self._bad else "plain"))

    def _note(self, outcome: TimerOutcome) -> None:
        name, error = outcome.name, outcome.error
        again = "" if outcome.retry is None else f"; again in {outcome.retry.total_seconds():g} s"
        match outcome.status:
            case "failed":
                note(f"{name}: {outcome.event} was not fired: {error}{again}")
                note(f"next, for {name}: {self._settings.spell('why NAME', name)}")
            case "locked":
                note(f"{name} waits: {error}{again}")
            case "damaged" | "unsaved":
                note(f"{name}: no timer was fired: {error}{again}")
                note(f"next, for {name}: {self._settings.spell('verify NAME', name)}")
            case "away":
                note(f"the store is away, and looked for again and again: {error}")
            case _:
                note("the store is back")
