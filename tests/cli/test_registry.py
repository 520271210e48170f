"""The table of subcommands."""

from __future__ import annotations

from click import Context

from environments.cli.app import ENVCHART
from environments.cli.registry import COMMANDS


def test_each_help_line_is_the_first_line_of_the_subcommands_help() -> None:
    context = Context(ENVCHART)

    shown = {name: ENVCHART.get_command(context, name).help.split("\n")[0] for name in COMMANDS}

    assert shown == {name: entry.help for name, entry in COMMANDS.items()}
