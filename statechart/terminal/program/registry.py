"""Registry: the subcommands of a program, as its group shows them without importing their modules."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """A subcommand: its module in the program's package, the attribute there, and its help line."""

    module: str
    attribute: str
    help: str
    section: str


class Way(NamedTuple):
    """The way to do what a command of other tools does: in words, and by commands of the program."""

    words: str
    next: tuple[str, ...]
