"""`allowed`: the events that a value allows, and the reasons of the others."""

from __future__ import annotations

import sys

from statechart.answers.values import allowed_document
from statechart.answers.ways import fire_steps
from statechart.cli import loading
from statechart.cli.parameters import name_argument, subcommand
from statechart.cli.settings import Settings
from statechart.cli.values import look, ways_text
from statechart.formats.columns import columns_of
from statechart.terminal.output import emit, tell_next


@subcommand("allowed")
@name_argument
def allowed(settings: Settings, name: str) -> None:
    """Show the events that a value allows, and why not the others.

    Examples:
        python -m statechart allowed shop:OrderChart A-1 --store orders
    """
    shown = look(loading.repository(settings), name)
    lines = [f"{name} is {shown.summary.state}", *ways_text(shown.ways, columns_of(sys.stdout))]
    emit(settings, allowed_document(shown), "\n".join(lines))
    tell_next(settings, tuple(fire_steps(shown.ways)), name)
