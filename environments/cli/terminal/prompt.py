"""Asking: a question that has to be answered with yes before something is done."""

from __future__ import annotations

import sys

from environments.cli.refusal import UsageRefused
from environments.cli.terminal.screen import clean


def ask(question: str, instead: str) -> None:
    """Ask on stderr, since stdout is for the result.

    Raises:
        Refusal: The answer was not yes, or there is nobody to ask.
    """
    if not sys.stdin.isatty():
        raise UsageRefused(
            "there is no terminal to ask on; nothing was done", (instead,), code="not_confirmed"
        )
    sys.stderr.write(f"{clean(question)} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageRefused("you did not agree; nothing was done", (instead,), code="not_confirmed")
