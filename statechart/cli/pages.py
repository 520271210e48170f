"""Pages: diagrams in documentation, compared or updated."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from statechart.pages import Page, default_places, refresh, write
from statechart.terminal.output import emit, note
from statechart.terminal.refusal import UsageRefused
from statechart.terminal.report import ExitCode
from statechart.terminal.settings import ProgramSettings
from statechart.wording import counted


def tend(settings: ProgramSettings, action: str, places: tuple[Path, ...]) -> None:
    """Write the diagrams between the markers of pages, or check them.

    Raises:
        UsageRefused: The action is neither `write` nor `check`.
        PageError: A page can't be read or written.
        click.exceptions.Exit: A page is stale.
    """
    if action not in ("write", "check"):
        raise UsageRefused(
            f"unknown action {action!r}: use write or check",
            (f"{settings.program} docs check", f"{settings.program} docs write"),
        )
    (_update if action == "write" else _check)(settings, list(places))


def _check(settings: ProgramSettings, places: list[Path]) -> None:
    found = refresh(places or default_places())
    stale = [page for page in found if not page.is_fresh]
    if settings.json or stale:
        emit(settings, _document(found), "".join(page.diff() for page in stale).rstrip("\n"))
    note(f"{_count(found)}; {len(stale) or 'none'} to be written")
    if stale:
        names = " ".join(shlex.quote(str(page.path)) for page in stale)
        note(f"next: {settings.program} docs write {names}")
        raise click.exceptions.Exit(ExitCode.DIFFERENCE)


def _update(settings: ProgramSettings, places: list[Path]) -> None:
    found = refresh(places or default_places())
    stale = [page for page in found if not page.is_fresh]
    for page in stale:
        write(page)
        for file in page.files:
            if not file.is_fresh:
                note(f"written: {file.path}")
        if page.now != page.fresh:
            note(f"written: {page.path}")
    if settings.json:
        emit(settings, _document(found), "")
    note(f"{_count(found)}; {len(stale) or 'none'} had to be written")


def _count(found: list[Page]) -> str:
    return f"{counted(sum(page.regions for page in found), 'diagram')} in {counted(len(found), 'page')}"


def _document(found: list[Page]) -> dict[str, object]:
    return {
        "pages": [
            {
                "path": str(page.path),
                "diagrams": page.regions,
                "fresh": page.is_fresh,
                "diff": page.diff(),
                "files": [{"path": str(file.path), "fresh": file.is_fresh} for file in page.files],
            }
            for page in found
        ]
    }
