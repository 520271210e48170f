"""Tools: programs that a step runs, recorded, watched, and ended with the step."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psutil

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.model.operation import ToolProcess
from environments.model.steps import StepContext
from environments.providers.common.tool_output import Lines, OutputPipe, output_pipe
from environments.system.cancellation import shielded
from environments.system.ending import end
from environments.system.survivors import of_tools
from environments.system.waiting import until

_TOOL = "ENVCHART_TOOL"
_LOOK = 0.1
_LOOK_CLOSELY = 0.005
_AFTER_EXIT = 0.5
_LOOKS_AFTER_EXIT = 10
_GRACE_FOR_THE_REST = timedelta(seconds=0.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A program and how it is run.

    Attributes:
        command: The program and its arguments.
        cwd: Where it runs; by default the environment's directory.
        env: Its whole environment, apart from the marks; by default this process's.
        on_line: Told each line that it prints, stdout and stderr together, redacted.
        longest_line: How many characters of a line are told.
        polite: The signal that asks it to end when its step is cancelled.
        grace: How long it has for that, before it and all that it started are killed.
        on_stop: The signal that asks it, and it alone, to end in order when a stop of the command is
            asked for; without one it is let end by itself.
    """

    command: Sequence[str]
    cwd: Path | None = None
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    on_line: Callable[[str], None] = lambda _line: None
    longest_line: int = 65_536
    polite: signal.Signals = signal.SIGTERM
    grace: timedelta = timedelta(seconds=10)
    on_stop: signal.Signals | None = None

    @property
    def name(self) -> str:
        """The program's name, for people."""
        return Path(self.command[0]).name


async def run_tool(context: StepContext, tool: Tool) -> tuple[str, ...]:
    """Run a tool as part of a step, and return the last lines that it printed.

    It leads a session of its own, has the step's marks in its environment, and is on record as soon
    as it is started. When it fails, everything that it started is ended. When the step is cancelled,
    or its time is up, it and everything that the step started is ended before the cancellation goes
    on; what can't be ended is named in a note of the error. What it leaves behind when it succeeds,
    lives on.

    Raises:
        StepFailed: It can't be started, ended with another exit code than 0, or was killed. The cause
            is `cancelled` when it was asked to end.
    """
    lines = Lines(context.redact, tool.on_line, tool.longest_line)
    async with output_pipe() as pipe:
        running = _RunningTool(context, tool)
        try:
            running.start(pipe)
            await running.follow(lines, pipe.reader)
        except BaseException as error:
            await running.end_after(error)
            raise
    return tuple(lines.tail)


@dataclass(slots=True)
class _RunningTool:
    """A tool that runs: its process, the processes that it starts, and its end."""

    context: StepContext
    tool: Tool
    process: subprocess.Popen[bytes] | None = None
    marks: dict[str, str] = field(init=False)
    on_record: list[ToolProcess] = field(default_factory=list)
    asked_to_end: bool = False

    def __post_init__(self) -> None:
        self.marks = {**self.context.marks, _TOOL: uuid4().hex}

    def start(self, pipe: OutputPipe) -> None:
        """Start it and put it on record, without a wait in between in which that could be cut."""
        try:
            self.process = subprocess.Popen(
                list(self.tool.command),
                cwd=self.tool.cwd or self.context.directory,
                env={**self.tool.env, **self.marks},
                stdin=subprocess.DEVNULL,
                stdout=pipe.writing,
                stderr=pipe.writing,
                pass_fds=(pipe.reading,),
                start_new_session=True,
            )
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            summary = f"{error.filename or self.tool.command[0]} can't be started: {reason}"
            raise StepFailed(FailureCause.CONFIGURATION, summary) from error
        finally:
            os.close(pipe.writing)
        self.on_record.append(ToolProcess.of(self.process.pid, self.tool.name))
        self.context.started(self.on_record[0])

    async def follow(self, lines: Lines, output: asyncio.StreamReader) -> None:
        """Tell what it prints until it ends.

        Raises:
            StepFailed: It ended with another exit code than 0, or was killed.
        """
        reading = asyncio.ensure_future(lines.read(output))
        try:
            await self._ended(reading, lines)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        if not reading.cancelled():
            reading.result()
        lines.end()
        if self.process is not None and self.process.returncode != 0:
            failure = _failure(self.tool, self.process.returncode, lines)
            if self.asked_to_end:
                failure = StepFailed(FailureCause.CANCELLED, f"asked to end: {failure}", failure.detail)
            raise failure

    async def _ended(self, reading: asyncio.Future[None], lines: Lines) -> None:
        """Wait for its end, and for what it had printed by then.

        A daemon that it leaves behind may keep its output open: that is not waited for.
        """
        while self.is_alive():
            self._ask_to_end()
            await asyncio.wait({reading}, timeout=_LOOK)
            if reading.done():
                reading.result()  # what a callback raises ends the tool
                await self._gone(timedelta(seconds=_LOOK))
        for _ in range(_LOOKS_AFTER_EXIT):
            taken = lines.taken
            await asyncio.wait({reading}, timeout=_AFTER_EXIT)
            if reading.done() or lines.taken == taken:
                return

    def is_alive(self) -> bool:
        """Return whether it runs still; what its status says is kept."""
        return self.process is not None and self.process.poll() is None

    async def _gone(self, patience: timedelta) -> None:
        await until(lambda: not self.is_alive(), within=patience, every=_LOOK_CLOSELY)

    async def end_after(self, error: BaseException) -> None:
        """End what an error leaves running; when something can't be ended, the error gets a note."""
        failed = isinstance(error, StepFailed)
        if failed and self.process is None:
            return
        await shielded(self._end(error, self.marks if failed else self.context.marks), on_cancel=self._kill)

    async def _end(self, error: BaseException, marks: Mapping[str, str]) -> None:
        self._send(self.tool.polite)
        await self._gone(self.tool.grace)
        try:
            await end(lambda: self._left(marks), _GRACE_FOR_THE_REST)
        except StepFailed as left:
            error.add_note(left.summary)
        self.is_alive()  # collects it

    def _ask_to_end(self) -> None:
        """Pass on, once, that a stop was asked for."""
        if self.tool.on_stop is None or self.asked_to_end or not self.context.stopping():
            return
        self.asked_to_end = True
        if self.process is not None:
            self.process.send_signal(self.tool.on_stop)
            self.context.progress(f"asked {self.tool.name} to end")

    def _kill(self) -> None:
        """Kill it at once: somebody does not want to wait."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self.process is not None and self.is_alive():
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)

    def _left(self, marks: Mapping[str, str]) -> list[psutil.Process]:
        return of_tools(self.on_record, marks)


def _failure(tool: Tool, status: int, lines: Lines) -> StepFailed:
    """Return how a tool failed, in its own last words."""
    last = next((line.strip() for line in reversed(lines.tail) if line.strip()), "")
    said = f": {last}" if last else ", and printed nothing"
    how = f"was killed by {_signal_name(-status)}" if status < 0 else f"ended with exit code {status}"
    return StepFailed(FailureCause.COMMAND_EXECUTION, f"{tool.name} {how}{said}", "\n".join(lines.tail))


def _signal_name(number: int) -> str:
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"
