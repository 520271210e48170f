"""Output: the result on stdout, as text or as one JSON document; everything else on stderr."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import typer

from environments.cli.refusal import UsageRefused
from environments.cli.terminal.screen import clean, current_screen, is_colourful

if TYPE_CHECKING:
    from environments.cli.report import Report
    from environments.cli.settings import Settings


def emit(settings: Settings, document: object, text: str) -> None:
    """Print the result: the document with `--json`, else the text.

    Raises:
        Refusal: It can't be written.
        typer.Exit: Nobody reads it.
    """
    write((_json(document) if settings.json else text.rstrip("\n")) + "\n")


def write(text: str) -> None:
    """Write to stdout, and see it written; raises what `emit` does."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError as error:  # nobody reads on: that is no error, and nothing can be told
        _silence()
        raise typer.Exit(128 + signal.SIGPIPE) from error
    except OSError as error:
        _silence()
        reason = f"the result can't be written: {error.strerror}"
        raise UsageRefused(
            reason, ("make room where the output goes",), code="output", exit_code=1
        ) from error


def _silence() -> None:
    """Let nothing more go to stdout, which can't take it: the interpreter would try at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _json(document: object) -> str:
    import json

    return json.dumps(document, indent=2)


def note(text: str) -> None:
    """Tell something beside the result."""
    current_screen().note(text)


def tell_next(settings: Settings, steps: tuple[str, ...], name: str) -> None:
    """Tell what can be done next."""
    if settings.json:
        return
    for word, step in zip(("next:", *["  or:"] * len(steps)), steps, strict=False):
        note(f"{word} {settings.spell(step, name)}")


def tell_error(settings: Settings, report: Report) -> None:
    """Tell an error: as the one document with `--json`, else on stderr."""
    if report.detail:
        note("\n".join(f"  | {line}" for line in report.detail.splitlines()))
    if settings.json and report.code != "output":
        write(_json(report.document()) + "\n")
        return
    note(f"error: {report.message}")
    for word, step in zip(("next:", *["  or:"] * len(report.next)), report.next, strict=False):
        note(f"{word} {step}")


def styled(text: str, colour: str) -> str:
    """Return a text for stdout, coloured if it is a terminal that shows colours; or `plain`."""
    if colour == "plain" or not is_colourful(sys.stdout):
        return clean(text)
    codes = {"red": 31, "green": 32, "yellow": 33, "bold": 1}
    return f"\x1b[{codes[colour]}m{clean(text)}\x1b[0m"
