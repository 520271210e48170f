"""Settings: the values of the options that every subcommand takes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from statechart.terminal.settings import ProgramSettings, shell_word

STORE_VARIABLE = "STATECHART_STORE"
NETWORK_VARIABLE = "STATECHART_ALLOW_NETWORK_FILESYSTEM"

_CHARTLESS = ("--", "docs ")


@dataclass
class Settings(ProgramSettings):
    """The settings of a run of the command line.

    Attributes:
        reference: The chart, as typed.
        model_reference: The class of the values, as typed, or None for that of the chart.
        chosen_store: The directory of the values typed on the command line, if any.
    """

    program: ClassVar[str] = "python -m statechart"

    reference: str = "MODULE:CHART"
    model_reference: str | None = None
    chosen_store: Path | None = None

    @property
    def store(self) -> Path | None:
        """The directory of the values, if it is known."""
        if self.chosen_store is not None:
            return self.chosen_store
        variable = os.environ.get(STORE_VARIABLE)
        return Path(variable) if variable else None

    @property
    def allow_network_filesystem(self) -> bool:
        """Whether the user asserts that no other machine writes to the store."""
        return os.environ.get(NETWORK_VARIABLE, "").lower() in ("1", "true", "yes")

    def spell(self, words: str, name: str | None = None) -> str:
        """Return a command ready to be typed, with `NAME` replaced by a name."""
        spelled = words.replace("NAME", shell_word(name) if name is not None else "NAME")
        command, _, rest = spelled.partition(" ")
        if f"{spelled} ".startswith(_CHARTLESS) or rest == "--help":
            return f"{self.program} {spelled}"
        options = [
            f" {option} {shell_word(str(value))}"
            for option, value in (("--store", self.chosen_store), ("--model", self.model_reference))
            if value is not None and not (option == "--store" and command == "diagram")
        ]
        named = " ".join(part for part in (command, _quoted(self.reference), rest) if part)
        return f"{self.program} {named}{''.join(options)}"


def _quoted(reference: str) -> str:
    return reference if reference == "MODULE:CHART" else shell_word(reference)
