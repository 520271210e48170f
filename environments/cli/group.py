"""Group: the `envchart` command, which imports a subcommand's module when that subcommand is typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from environments.cli.parameters import EVERYWHERE, LOCK_TIMEOUT
from environments.cli.registry import COMMANDS, TAKING, WAYS
from environments.presentation import guidance
from statechart.terminal.program.group import ProgramGroup, Subcommand, declare
from statechart.terminal.program.registry import Entry, Way

OVERVIEW = """\
envchart brings deployment environments up and down.

  envchart create web --app DIR  # record an environment
  envchart up web                # bring it up
  envchart deploy web            # serve a new version
  envchart list                  # show all environments
  envchart why web               # explain what happened
  envchart logs web --follow     # show its log
  envchart destroy web           # remove the resources

All commands: envchart --help
One command, with examples: envchart COMMAND --help
"""
"""The output of the command line without any words."""


class CommandGroup(ProgramGroup):
    """The group of all subcommands of the registry."""

    package = "environments.cli.commands"
    registry: ClassVar[Mapping[str, Entry]] = COMMANDS
    ways: ClassVar[Mapping[str, Way]] = WAYS
    taking = TAKING


def subcommand(name: str, *, waiting: bool = False) -> Callable[[Callable[..., Any]], Subcommand]:
    """Declare a handler as the subcommand `name`; its first argument is the `Settings`.

    A `waiting` subcommand takes `--lock-timeout`. The last section of the docstring has the examples.
    """
    shared = [*([LOCK_TIMEOUT] if waiting else []), *EVERYWHERE]
    more = guidance.sources_in_words(name) if name in guidance.COMMANDS else ""
    return lambda handler: declare(name, handler, shared, more)
