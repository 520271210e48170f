"""Settings: the values of the options that every subcommand takes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from statechart.answers.spelling import ANY_CHART, PROGRAM, Spelling
from statechart.storage.sql.urls import is_url
from statechart.terminal.settings import ProgramSettings

STORE_VARIABLE = "STATECHART_STORE"
NETWORK_VARIABLE = "STATECHART_ALLOW_NETWORK_FILESYSTEM"


@dataclass
class Settings(ProgramSettings):
    """The settings of a run of the command line.

    Attributes:
        reference: The chart, as typed.
        model_reference: The class of the values, as typed, or None for that of the chart.
        chosen_store: The directory of the values, or the URL of their database, typed on the command
            line, if any.
    """

    program: ClassVar[str] = PROGRAM

    reference: str = ANY_CHART
    model_reference: str | None = None
    chosen_store: Path | str | None = None

    @property
    def store(self) -> Path | str | None:
        """The directory of the values, or the URL of their database, if it is known."""
        if self.chosen_store is not None:
            return self.chosen_store
        variable = os.environ.get(STORE_VARIABLE)
        return (variable if is_url(variable) else Path(variable)) if variable else None

    @property
    def allow_network_filesystem(self) -> bool:
        """Whether the user asserts that no other machine writes to the store."""
        return os.environ.get(NETWORK_VARIABLE, "").lower() in ("1", "true", "yes")

    def spell(self, words: str, name: str | None = None) -> str:
        """Return a command ready to be typed, with `NAME` replaced by a name."""
        return Spelling(self.reference, self.model_reference, self.chosen_store).spell(words, name)
