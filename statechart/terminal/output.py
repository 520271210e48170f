"""Output: the result on stdout, as text or as one JSON document; everything else on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from textwrap import indent
from typing import TYPE_CHECKING

import click

from statechart.formats.columns import columns_of, hanging
from statechart.terminal.colours import coloured
from statechart.terminal.control_codes import strip_control_codes
from statechart.terminal.refusal import UsageRefused
from statechart.terminal.screen import current_screen

if TYPE_CHECKING:
    from statechart.terminal.report import Report
    from statechart.terminal.settings import ProgramSettings

_BLOCK = 100  # lines or records that are printed at once
_ENDED_BY_SIGPIPE = 141  # 128 + 13; the module signal would take longer to import than this one


def emit(settings: ProgramSettings, document: object, text: str, *, raw: bool = False) -> None:
    """Print the result: the document with `--json`, else the text, with no control codes but ours.

    A `raw` text is printed as it is.

    Raises:
        UsageRefused: Stdout can't be written.
        click.exceptions.Exit: Stdout was closed by its reader.
    """
    shown = text.rstrip("\n")
    if settings.json:
        shown = json.dumps(document, indent=2)
    elif not raw:
        shown = coloured(strip_control_codes(shown))
    write(f"{shown}\n")


def fitting(line: str) -> str:
    """Return a line of the result, wrapped between words if stdout is a terminal."""
    columns = columns_of(sys.stdout)
    return line if columns is None else "\n".join(hanging("", line.split(" "), columns, indent=2))


def write(text: str) -> None:
    """Write to stdout and flush; raises the same errors as `emit`."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError as error:
        # A reader that stops early, like `head`, is no error, and nobody would read a message.
        _silence()
        raise click.exceptions.Exit(_ENDED_BY_SIGPIPE) from error
    except OSError as error:
        _silence()
        reason = f"the result can't be written: {error.strerror}"
        raise UsageRefused(
            reason, ("free some space on the device that the output goes to",), code="output", exit_code=1
        ) from error


def print_lines(lines: Iterator[str]) -> None:
    """Print lines while they are made, as there may be many."""
    while block := list(islice(lines, _BLOCK)):
        write("\n".join(block) + "\n")


def json_lines(opening: dict[str, object], documents: Iterable[object]) -> Iterator[str]:
    """Yield a document of all records in parts, each some lines; `opening` comes before the records."""
    first, last = json.dumps({**opening, "history": []}, indent=2).rsplit("[]", 1)
    before = f"{first}["
    for document in documents:
        yield before
        before = f"{indent(json.dumps(document, indent=2), '    ')},"
    yield before.removesuffix(",")
    yield f"  ]{last}"


def _silence() -> None:
    # The interpreter flushes stdout again at its end, which would fail with a traceback.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def note(text: str) -> None:
    """Print a message on stderr."""
    current_screen().note(text)


def tell_next(settings: ProgramSettings, steps: tuple[str, ...], name: str) -> None:
    """Print the commands that can follow."""
    if not settings.json:
        _tell_steps(settings.spell(step, name) for step in steps)


def tell_error(settings: ProgramSettings, report: Report) -> None:
    """Print an error: as the one document with `--json`, else on stderr."""
    if report.detail:
        note("\n".join(f"  | {line}" for line in report.detail.splitlines()))
    if settings.json and report.code != "output":
        write(json.dumps(report.document(), indent=2) + "\n")
        return
    note(f"error: {report.message}")
    _tell_steps(report.next)


def _tell_steps(steps: Iterable[str]) -> None:
    for number, step in enumerate(steps):
        if step.startswith("then "):  # a step that comes after the one above, not instead of it
            note(f"then: {step.removeprefix('then ')}")
        else:
            note(f"{'  or:' if number else 'next:'} {step}")
