"""`docs`: check or update the diagrams in pages."""

from __future__ import annotations

from pathlib import Path

import click

from statechart.cli.pages import tend
from statechart.cli.parameters import subcommand
from statechart.cli.settings import Settings
from statechart.terminal.program.parameters import places_argument


@subcommand("docs", stored=False, charted=False)
@click.argument("action", metavar="write|check", help="Write the diagrams, or only compare them.")
@places_argument
def docs(settings: Settings, action: str, places: tuple[Path, ...]) -> None:
    """Keep the diagrams in documentation up to date.

    write replaces the text between the markers of each page; check prints the differences.
    The exit code of check is 8 if a page is stale.

    Examples:
        python -m statechart docs check
        python -m statechart docs write README.md docs
    """
    tend(settings, action, places)
