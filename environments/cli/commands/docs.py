"""`docs`: check or update the diagrams in pages."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from environments.cli.completion.values import one_of
from environments.cli.group import subcommand
from environments.cli.settings import Settings
from statechart.pages import Page, default_places, refresh, write
from statechart.terminal.output import emit, note
from statechart.terminal.program.parameters import PathType
from statechart.terminal.refusal import UsageRefused
from statechart.terminal.report import ExitCode


@subcommand("docs")
@click.argument(
    "action",
    metavar="write|check",
    shell_complete=one_of(("check", "write")),
    help="Write the diagrams, or only compare them.",
)
@click.argument(
    "places",
    metavar="[PATH]...",
    nargs=-1,
    type=PathType(),
    help="Pages and directories; by default README.md and docs.",
)
def docs(settings: Settings, action: str, places: tuple[Path, ...]) -> None:
    """Keep the diagrams in documentation up to date.

    write replaces the text between the markers of each page; check prints the differences.
    The exit code of check is 8 if a page is stale.

    Examples:
        envchart docs check
        envchart docs write README.md docs
    """
    if action not in ("write", "check"):
        raise UsageRefused(
            f"unknown action {action!r}: use write or check", ("envchart docs check", "envchart docs write")
        )
    (update if action == "write" else check)(settings, list(places))


def check(settings: Settings, places: list[Path]) -> None:
    """Print the differences between the pages and the charts; exit with 8 if a page is stale."""
    found = refresh(places or default_places())
    stale = [page for page in found if not page.is_fresh]
    if settings.json or stale:
        emit(settings, _document(found), "".join(page.diff() for page in stale).rstrip("\n"))
    note(f"{_count(found)}; {len(stale) or 'none'} to be written")
    if stale:
        names = " ".join(shlex.quote(str(page.path)) for page in stale)
        note(f"next: envchart docs write {names}")
        raise click.exceptions.Exit(ExitCode.DIFFERENCE)


def update(settings: Settings, places: list[Path]) -> None:
    """Write the current diagrams into the stale pages."""
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
