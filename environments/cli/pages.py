"""Pages: the diagrams in documentation, written and checked."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from environments.cli.error_reports import ExitCode
from environments.cli.terminal.output import emit, note
from statechart.pages import Page, default_places, refresh, write

if TYPE_CHECKING:
    from environments.cli.settings import Settings


def check(settings: Settings, places: list[Path]) -> None:
    """Print how the pages differ from what they should be; exit with 8 if any does."""
    found = refresh(places or default_places())
    stale = [page for page in found if not page.is_fresh]
    if settings.json or stale:
        emit(settings, _document(found), "".join(page.diff() for page in stale).rstrip("\n"))
    note(f"{_count(found)}; {len(stale) or 'none'} to be written")
    if stale:
        names = " ".join(shlex.quote(str(page.path)) for page in stale)
        note(f"next: envchart docs write {names}")
        raise typer.Exit(ExitCode.DIFFERENCE)


def update(settings: Settings, places: list[Path]) -> None:
    """Write the pages that differ from what they should be."""
    found = refresh(places or default_places())
    stale = [page for page in found if not page.is_fresh]
    for page in stale:
        write(page)
        note(f"written: {page.path}")
    if settings.json:
        emit(settings, _document(found), "")
    note(f"{_count(found)}; {len(stale) or 'none'} had to be written")


def _count(found: list[Page]) -> str:
    diagrams = sum(page.regions for page in found)
    return f"{_some(diagrams, 'diagram')} in {_some(len(found), 'page')}"


def _some(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _document(found: list[Page]) -> dict[str, object]:
    return {
        "pages": [
            {
                "path": str(page.path),
                "diagrams": page.regions,
                "fresh": page.is_fresh,
                "diff": page.diff(),
            }
            for page in found
        ]
    }
