"""Works: the commands that pages have started, as processes that outlive the dashboard."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import IO, Final

from environments.system.inherited import STORE_VARIABLE as STORE_VARIABLE
from statechart.dashboard.refusals import Refused
from statechart.terminal.report import Report

ACTOR_VARIABLE: Final = "ENVCHART_ACTOR"
DATA_DIR_VARIABLE: Final = "ENVCHART_DATA_DIR"

_MOST: Final = 16  # commands at a time
_SAID: Final = 65_536  # bytes of a command's output that are read
_SIGNALLED: Final = 128


@dataclass(slots=True)
class Work:
    """A command that was started from a page.

    Attributes:
        name: The environment.
        words: The command, as it would be typed.
        revision: The revision of the environment before.
        started: The time of its start.
        report: What went wrong, once it has ended with an error.
        is_begun: Whether its process was started.
    """

    name: str
    words: str
    revision: int
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    report: Report | None = None
    is_begun: bool = False
    _over: threading.Event = field(default_factory=threading.Event)

    @property
    def is_over(self) -> bool:
        """Whether the command has ended."""
        return self._over.is_set()

    def run(self, line: Sequence[str], variables: Mapping[str, str], ended: Callable[[], None]) -> None:
        """Start the command, and call a function in a thread when it has ended.

        Args:
            line: The words of the command.
            variables: The variables that it has besides those of this process.
            ended: The function.

        Raises:
            OSError: It can't be started.
        """
        # Files, not pipes: the command must not notice when the dashboard ends.
        said = tempfile.TemporaryFile()  # noqa: SIM115  # both are closed by the thread below
        problems = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            process = subprocess.Popen(
                line,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=problems,
                env={**os.environ, **variables},
                start_new_session=True,
            )
        except BaseException:
            said.close()
            problems.close()
            raise
        self.is_begun = True

        def wait() -> None:
            with said, problems:
                code = process.wait()
                self.report = _report(code, said, problems) if code else None
            self._over.set()
            ended()

        threading.Thread(target=wait, name=self.words, daemon=True).start()


class Works:
    """The commands that pages have started: one at a time for an environment."""

    def __init__(self) -> None:
        self._latest: dict[str, Work] = {}

    def of(self, name: str) -> Work | None:
        """Return the command that was started last on an environment from a page."""
        return self._latest.get(name)

    def claim(self, work: Work) -> None:
        """Keep a command that is about to be started.

        Raises:
            Refused: Another command is at work, or too many are.
        """
        before = self._latest.get(work.name)
        if before is not None and not before.is_over:
            raise Refused(
                HTTPStatus.CONFLICT, "busy", f"a command that was started from here goes on: {before.words}"
            )
        at_work = sum(not each.is_over for each in self._latest.values())
        if at_work >= _MOST:
            raise Refused(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "too_many_commands",
                f"{at_work} commands that were started from here go on",
                ("wait until some have ended",),
            )
        self._latest[work.name] = work

    def drop(self, work: Work) -> None:
        """Forget a command that was not started, or whose end was told."""
        if self._latest.get(work.name) is work:
            del self._latest[work.name]


def program() -> list[str]:
    """Return the words that run this program: its script beside the interpreter, or its module."""
    script = Path(sys.executable).with_name("envchart")
    return [str(script)] if script.is_file() else [sys.executable, "-m", "environments"]


def _report(code: int, said: IO[bytes], problems: IO[bytes]) -> Report:
    """Return the error that a command printed as JSON, or else the end of its other output."""
    try:
        error = json.loads(_end_of(said))["error"]
        return Report(code, str(error["code"]), str(error["message"]), tuple(map(str, error["next"])))
    except (ValueError, KeyError, TypeError):
        pass
    if code < 0:
        return Report(_SIGNALLED - code, "ended", f"signal {-code} ended it")
    lines = _end_of(problems).decode("utf-8", "replace").strip().splitlines()
    return Report(code, "unexpected", lines[-1] if lines else f"it ended with exit code {code}")


def _end_of(file: IO[bytes]) -> bytes:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _SAID))
    return file.read()
