"""`history`: the records of a value, or a test that replays them."""

from __future__ import annotations

from statechart.cli import loading
from statechart.cli.parameters import name_argument, subcommand
from statechart.cli.records import record_document, record_rows
from statechart.cli.settings import Settings
from statechart.terminal.output import json_lines, print_lines
from statechart.terminal.text import history_text


@subcommand("history")
@name_argument
def history(settings: Settings, name: str) -> None:
    """Show the records of a value, or write them as a test.

    Examples:
        python -m statechart history shop:OrderChart A-1 --store orders
    """
    records = loading.repository(settings).history(name)
    if settings.json:
        print_lines(json_lines(name, map(record_document, records)))
    else:
        print_lines(history_text(record_rows(records)))
