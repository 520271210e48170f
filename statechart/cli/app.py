"""App: `python -m statechart`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from statechart.cli.parameters import EVERYWHERE
from statechart.cli.registry import COMMANDS, WAYS
from statechart.cli.settings import Settings
from statechart.terminal.program.group import ProgramGroup
from statechart.terminal.program.main import run_program
from statechart.terminal.program.registry import Entry, Way
from statechart.terminal.report import ExitCode

OVERVIEW = """\
python -m statechart looks after the values of any chart.

  python -m statechart simulate shop:OrderChart   # try it out
  python -m statechart diagram shop:OrderChart    # draw it

With the directory of a ChartRepository:

  export STATECHART_STORE=orders
  python -m statechart list shop:OrderChart
  python -m statechart show shop:OrderChart A-1
  python -m statechart fire shop:OrderChart A-1 pay amount=7

All commands: python -m statechart --help
"""
"""The output of the command line without any words."""


class _Program(ProgramGroup):
    """The group of all subcommands of the registry."""

    package = "statechart.cli.commands"
    registry: ClassVar[Mapping[str, Entry]] = COMMANDS
    ways: ClassVar[Mapping[str, Way]] = WAYS
    codes: ClassVar[Iterable[ExitCode]] = tuple(
        code for code in ExitCode if code not in (ExitCode.STEP_FAILED, ExitCode.INTERRUPTED)
    )


STATECHART = _Program(
    Settings.program,
    help="Look at the values of any chart, change them by events, try the chart out, and draw it.",
    params=list(EVERYWHERE),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    Args:
        argv: The typed words. By default those of this process, which has to end afterwards:
            signals are ignored from then on.
    """
    return run_program(argv, Settings, _run, "statechart.cli.error_reports")


def _run(arguments: list[str], settings: Settings) -> None:
    STATECHART.carry_out(arguments, settings, OVERVIEW)
