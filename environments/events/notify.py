"""Run a command after each transition, beside the commands of environments."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryFile
from types import MappingProxyType
from typing import BinaryIO, Final

from environments.events.document import event_document
from environments.execution.progress import Progress, Transitioned
from environments.model.environment import AnyEnvironment
from environments.model.records import TransitionRecord
from environments.secrets.redaction import redact_known
from environments.secrets.references import references
from statechart.following.cancellation import in_thread
from statechart.terminal.control_codes import strip_control_codes

_LIMIT: Final = timedelta(seconds=10)
_TAIL: Final = 4096  # bytes of a command's output in which its last line is looked for


@dataclass(frozen=True, slots=True)
class _Run:
    """A command, with the settings for its runs."""

    command: tuple[str, ...]
    directory: str | Path | None
    variables: Mapping[str, str]
    limit: timedelta

    def start(
        self, given: BinaryIO, said: BinaryIO, environment: AnyEnvironment
    ) -> subprocess.Popen[bytes]:
        # Secrets are for the steps that need them.
        hidden = {reference.env for reference in references(environment.spec.provider)}
        inherited = {name: value for name, value in os.environ.items() if name not in hidden}
        return subprocess.Popen(
            self.command,
            cwd=self.directory,
            env={**inherited, **self.variables},
            # Files, as a pipe could keep us waiting for whatever the command leaves behind.
            stdin=given,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )


@dataclass(slots=True)
class _Queue:
    """The runs for an environment, one after another, in a thread of their own."""

    runs: list[Future[str | None]] = field(default_factory=list)
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "on-transition"))
    _process: subprocess.Popen[bytes] | None = None
    _ended: bool = False

    def add(self, run: _Run, transitioned: Transitioned) -> None:
        """Run a command when the runs before have ended."""
        self.runs.append(self._thread.submit(self._one, run, transitioned))

    def finish(self, within: timedelta) -> list[str]:
        """Wait for all runs, end them when time is up, and return what went wrong."""
        _, late = wait(self.runs, timeout=within.total_seconds())
        if late:
            self.end()
        self._thread.shutdown(wait=True)
        dropped = sum(run.cancelled() for run in self.runs)
        problems = [problem for run in self.runs if not run.cancelled() and (problem := run.result())]
        return [*problems, *([f"{dropped} more were not run, as time was up"] if dropped else [])]

    def end(self) -> None:
        """End the present run, and start no more."""
        self._ended = True
        self._thread.shutdown(wait=False, cancel_futures=True)
        if self._process is not None:
            _kill(self._process)

    def _one(self, run: _Run, transitioned: Transitioned) -> str | None:
        """Run a command; return what went wrong, or None."""
        record = transitioned.entry.record
        assert isinstance(record, TransitionRecord)
        document = event_document(transitioned.name, record.environment.lineage, transitioned.entry)
        try:
            with TemporaryFile() as given, TemporaryFile() as said:
                given.write(json.dumps(document).encode() + b"\n")
                given.seek(0)
                self._process = process = run.start(given, said, record.environment)
                if self._ended:  # while it was started
                    _kill(process)
                try:
                    process.wait(run.limit.total_seconds())
                    late = self._ended
                except subprocess.TimeoutExpired:
                    _kill(process)
                    process.wait()
                    late = True
                if late:
                    return f"took longer than {run.limit.total_seconds():g} s, and was killed"
                return _outcome(process.returncode, said)
        except (OSError, ValueError) as error:  # a word with a NUL character is a ValueError
            return f"can't be started: {getattr(error, 'strerror', None) or error}"


class OnTransition:
    """An observer that runs a command after each transition, with the event as JSON on its stdin.

    The command runs beside the steps, in the order of the transitions of each environment. At its
    end, an environment's command waits for the runs that are left, at most as long as `timeout`. A
    run that fails, can't be started or takes longer is told as one `Noticed`, and changes nothing
    else. The command gets the variables of this process without secrets, and no lock.

    Args:
        command: The program with its arguments, or a command line, of which no shell is needed.
        directory: The directory in which the command runs; by default that of this process.
        timeout: The time after which a run is killed, with its process group.
        variables: More environment variables for the command.

    Raises:
        ValueError: The command is empty, or its quotes are not closed.
    """

    def __init__(
        self,
        command: Sequence[str] | str,
        *,
        directory: str | Path | None = None,
        timeout: timedelta = _LIMIT,
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        words = tuple(shlex.split(command) if isinstance(command, str) else command)
        if not words:
            raise ValueError("the command is empty")
        self._run = _Run(words, directory, dict(variables), timeout)
        self._queues: dict[str, _Queue] = {}
        self._told: str | None = None

    def __call__(self, progress: Progress) -> None:
        """Begin a run after a transition."""
        if isinstance(progress, Transitioned):
            self._queues.setdefault(progress.name, _Queue()).add(self._run, progress)

    async def finished(self, name: str) -> Sequence[str]:
        """Wait for the runs for an environment, within the limit; return a message for a new problem."""
        queue = self._queues.pop(name, None)
        if queue is None:
            return ()
        problems = await in_thread(lambda: queue.finish(self._run.limit), on_cancel=queue.end)
        before, self._told = self._told, problems[0] if problems else None
        # The same after each transition, and in each environment, is told once.
        return () if not problems or problems[0] == before else (self._message(problems),)

    def _message(self, problems: Sequence[str]) -> str:
        more = f" ({len(problems)} times)" if len(set(problems)) == 1 < len(problems) else ""
        return f"on_transition {shlex.join(self._run.command)} {problems[0]}{more}"


def _outcome(status: int, said: BinaryIO) -> str | None:
    if status == 0:
        return None
    said.seek(max(0, said.seek(0, os.SEEK_END) - _TAIL))
    text = redact_known(strip_control_codes(said.read().decode(errors="replace")))
    last = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
    how = f"was killed by signal {-status}" if status < 0 else f"ended with exit code {status}"
    return f"{how}: {last}" if last else how


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.returncode is None:  # not collected yet, so the number is still its own
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
