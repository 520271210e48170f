"""`show`: a value, its fields and the events that it allows."""

from __future__ import annotations

from statechart.cli import loading
from statechart.cli.parameters import name_argument, subcommand
from statechart.cli.settings import Settings
from statechart.cli.values import print_value


@subcommand("show")
@name_argument
def show(settings: Settings, name: str) -> None:
    """Show a value: its state, its fields and the allowed events.

    Examples:
        python -m statechart show shop:OrderChart A-1 --store orders
        python -m statechart show shop:OrderChart A-1 --store orders --json | jq .value
    """
    print_value(settings, loading.repository(settings), name)
