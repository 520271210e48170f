"""Saving: a page of everything that is known, in a file or on stdout."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from statechart.terminal.output import emit, note
from statechart.terminal.program.parameters import STDOUT, Decorator, PathType
from statechart.terminal.refusal import UsageRefused

if TYPE_CHECKING:
    from statechart.terminal.settings import ProgramSettings

html_option: Decorator = click.option(
    "--html",
    "file",
    metavar="FILE",
    type=PathType(),
    help="Write everything that is known to one HTML file, to attach to a ticket; '-' is stdout.",
)


def save_page(settings: ProgramSettings, name: str, page: str, file: Path) -> None:
    """Write the page about a name to a file; `-` stands for stdout.

    Raises:
        UsageRefused: The file can't be written.
    """
    if file == STDOUT:
        emit(settings, {"name": name, "html": page, "output": None}, page, raw=True)
        return
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        again = settings.spell("why NAME --html FILE", name)
        raise UsageRefused(f"{file} can't be written: {error.strerror}", (again,)) from error
    if settings.json:
        emit(settings, {"name": name, "output": str(file)}, "")
    else:
        note(f"written to {file}")
