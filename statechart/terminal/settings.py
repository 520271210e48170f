"""Settings: the values of the options that every subcommand of a program takes."""

from __future__ import annotations

import os
import shlex
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Protocol


class Notes(Protocol):
    """A place for messages beside the result."""

    def note(self, text: str) -> None:
        """Show a message."""
        ...


class Spells(Protocol):
    """Spells the commands of a program."""

    program: ClassVar[str]

    def spell(self, words: str, name: str | None = None) -> str:
        """Return a command ready to be typed, with `NAME` replaced by a name."""
        ...


def shell_word(text: str) -> str:
    """Return a text as a word to type, in which no character acts on the terminal."""
    if text.isprintable():
        return shlex.quote(text)
    # The form of bash, zsh and ksh: bytes that are no printable text are written as their numbers.
    characters = (
        f"\\{char}" if char in "\\'" else char if char.isprintable() else _numbers(char) for char in text
    )
    return f"$'{''.join(characters)}'"


def _numbers(char: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(char))


@dataclass
class ProgramSettings(ABC):
    """The settings of a run of a program.

    Attributes:
        json: Whether the result is printed as a JSON document.
        verbosity: The number of `-v`.
        lock_timeout: How many seconds to wait for another process that changes the same name.
        screen: The screen that shows a command's progress while it runs.
    """

    program: ClassVar[str]
    """The words that start the program."""

    json: bool = False
    verbosity: int = 0
    lock_timeout: float = 0.0
    screen: Notes | None = None

    @abstractmethod
    def spell(self, words: str, name: str | None = None) -> str:
        """Return a command ready to be typed, with `NAME` replaced by a name."""
