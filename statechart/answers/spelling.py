"""Spelling: a command of `python -m statechart`, ready to be typed."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from statechart.storage.sql.urls import lasting, shown
from statechart.terminal.settings import shell_word

if TYPE_CHECKING:
    from statechart.stored.repository import ChartRepository

PROGRAM = "python -m statechart"
ANY_CHART = "MODULE:CHART"

_CHARTLESS = ("--", "docs ")
_WITH_ACTION = ("timers",)
"""The commands whose first word is an action, before the chart."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """The words that name a chart, its model and its store in each command.

    Attributes:
        reference: The chart, or a repository of it.
        model: The class of the values, or None for that of the chart.
        store: The directory of the values, or the URL of their database; None for the one that the
            environment or a repository names. A password in the URL is left out of commands.
    """

    program: ClassVar[str] = PROGRAM

    reference: str = ANY_CHART
    model: str | None = None
    store: Path | str | None = None

    @classmethod
    def of(cls, repository: ChartRepository[Any]) -> Spelling:
        """Return the spelling for a repository; the path of a directory is absolute.

        A repository with migrations is spelled by its name in the module of the chart, which can't read
        its values without them.
        """
        chart = repository.chart
        if repository.store.schema_version > 1:  # the first has no migrations
            for name, value in vars(sys.modules[chart.__module__]).items():
                if value is repository:
                    return cls(f"{_place(chart)}:{name}")
        model = None if chart.model_class() is repository.model else _named(repository.model)
        return cls(_named(chart), model, lasting(repository.store.where))

    def spell(self, words: str, name: str | None = None) -> str:
        """Return a command ready to be typed, with `NAME` replaced by a name."""
        spelled = words.replace("NAME", shell_word(name) if name is not None else "NAME")
        command, _, rest = spelled.partition(" ")
        if command in _WITH_ACTION and not rest.startswith("-"):
            action, _, rest = rest.partition(" ")
            command = f"{command} {action}"
        if f"{spelled} ".startswith(_CHARTLESS) or rest == "--help":
            return f"{self.program} {spelled}"
        store = shown(self.store) if isinstance(self.store, str) else self.store
        named_too = () if command == "store" else (("--model", self.model),)  # the tables of all charts
        options = [
            f" {option} {shell_word(str(value))}"
            for option, value in (("--store", store), *named_too)
            if value is not None and not (option == "--store" and command == "diagram")
        ]
        reference = "" if command == "store" else _quoted(self.reference)
        named = " ".join(part for part in (command, reference, rest) if part)
        return f"{self.program} {named}{''.join(options)}"


def _named(kind: type) -> str:
    return f"{_place(kind)}:{kind.__qualname__}"


def _place(kind: type) -> str:
    """Return the module of a class, or the file of the program that has it."""
    file = getattr(sys.modules[kind.__module__], "__file__", None)
    return str(Path(file).absolute()) if kind.__module__ == "__main__" and file else kind.__module__


def _quoted(reference: str) -> str:
    return reference if reference == ANY_CHART else shell_word(reference)
