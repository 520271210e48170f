"""Log set-up: the log messages of the packages, on stderr and in a file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
from loguru import logger

from environments.secrets.redaction import redact_known
from statechart.terminal.screen import plain_screen

if TYPE_CHECKING:
    from pathlib import Path

    from loguru import Message, Record

    from environments.cli.settings import Settings

_PACKAGES = ("environments", "statechart")
_LEVELS = {0: "WARNING", 1: "INFO"}


def configure(settings: Settings) -> None:
    """Send warnings to stderr, more with `-v` and `-vv`, and everything to the log file.

    Call it once the packages are imported: each disables its own log messages on import.

    Raises:
        click.BadParameter: The log file can't be written.
    """
    logger.remove()
    level = _LEVELS.get(settings.verbosity, "DEBUG")
    logger.add(_Stderr(settings), level=level, format="{message}")
    if settings.log_file is not None:
        _add_file(settings.log_file)
    for package in _PACKAGES:
        logger.enable(package)


@dataclass(frozen=True, slots=True)
class _Stderr:
    settings: Settings

    def __call__(self, message: Message) -> None:
        record = message.record
        facts = "".join(
            f" {key}={value}" for key, value in record["extra"].items() if self.settings.verbosity
        )
        # Steps may log from other threads, where click has no context to ask for the screen.
        screen = self.settings.screen or plain_screen()
        screen.note(redact_known(f"{record['level'].name.lower()}: {record['message']}{facts}"))


def _add_file(path: Path) -> None:
    def write(message: Message) -> None:
        # Opened for each message, so that the file may be rotated.
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(_as_line(message.record)) + "\n")

    # Opened once beforehand, since an error while logging would come in the middle of a command.
    try:
        path.open("a").close()
    except OSError as error:
        raise click.BadParameter(
            f"{path} can't be written: {error.strerror}", param_hint="--log-file"
        ) from error
    logger.add(write, level="DEBUG", format="{message}")


def _as_line(record: Record) -> dict[str, object]:
    line: dict[str, object] = {
        "time": record["time"].isoformat(),
        "level": record["level"].name,
        "logger": record["name"],
        "message": record["message"],
        **record["extra"],
    }
    if record["exception"] is not None:
        line["exception"] = repr(record["exception"].value)
    return {
        key: value if isinstance(value, int | float | None) else redact_known(str(value))
        for key, value in line.items()
    }
