"""Prompts: questions on stderr, since stdout is for the result."""

from __future__ import annotations

import sys

import click

from statechart.terminal.control_codes import strip_control_codes
from statechart.terminal.refusal import UsageRefused


def ask(question: str, instead: str) -> None:
    """Ask for confirmation.

    Raises:
        UsageRefused: The answer was not yes, or stdin is not a terminal.
    """
    if not sys.stdin.isatty():
        raise UsageRefused(
            "there is no terminal for the confirmation; nothing was done", (instead,), code="not_confirmed"
        )
    try:
        # `click.confirm` would repeat the question after any other answer; here that is a no.
        answer = click.prompt(
            strip_control_codes(question), default="", show_default=False, prompt_suffix=" [y/N] ", err=True
        )
    except click.Abort as aborted:
        # click makes one ending of Ctrl-C and of the end of the input.
        if isinstance(aborted.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        raise UsageRefused("not confirmed; nothing was done", (instead,), code="not_confirmed")
