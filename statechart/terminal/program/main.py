"""Main: a program from its typed words to its exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TypeVar

import click

from statechart.terminal.settings import ProgramSettings
from statechart.terminal.signals import handled_signals, let_finish
from statechart.terminal.streams import prepare_streams

SettingsT = TypeVar("SettingsT", bound=ProgramSettings)


def run_program(
    argv: Sequence[str] | None,
    settings: type[SettingsT],
    work: Callable[[list[str], SettingsT], None],
    conclude: str,
) -> int:
    """Run a program and return its exit code.

    Args:
        argv: The typed words. By default those of this process, which has to end afterwards:
            signals are ignored from then on.
        settings: The class of the program's settings.
        work: Carries out the typed words.
        conclude: The module whose `conclude` reports an error and returns its exit code.
    """
    prepare_streams()
    with handled_signals(own_process=argv is None):
        words = list(sys.argv[1:] if argv is None else argv)
        # An error of the parser itself has to know in which form it is printed.
        chosen = settings(json="--json" in words)
        try:
            work(words, chosen)
            let_finish()
        except click.exceptions.Exit as ended:
            let_finish()
            return ended.exit_code
        except (Exception, KeyboardInterrupt) as error:  # the outermost loop: every error is reported
            let_finish()
            # Only a failure needs the errors of all packages, and with them pydantic.
            code: int = import_module(conclude).conclude(error, chosen)
            return code
        return 0
