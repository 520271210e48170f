"""Tools: programs that a step runs, which are recorded, followed, and ended with the step."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psutil

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.model.operation import ToolProcess
from environments.model.steps import StepContext
from environments.providers.common.tool_output import FRAME, Lines, Output, OutputPipe, output_pipe
from environments.system.ending import end
from environments.system.inherited import passed_on
from environments.system.survivors import of_tools
from environments.system.waiting import until
from statechart.following.cancellation import shielded

_TOOL = "ENVCHART_TOOL"

_LOOK = 0.1
_LOOK_CLOSELY = 0.005
_AFTER_EXIT = 0.5
_LOOKS_AFTER_EXIT = 10
_GRACE_FOR_THE_REST = timedelta(seconds=0.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A program with the settings for its run.

    Attributes:
        command: The program and its arguments.
        cwd: The working directory; by default the environment's directory.
        env: All variables except the marks; by default those of this process, without the store's.
        on_line: Called with each line of stdout and stderr, without control codes and secrets.
        stdout: Reads stdout apart from stderr. `on_line` then gets the lines of stderr only.
        inherited: The file descriptors that the tool inherits besides its output.
        longest_line: The number of characters of a line that are passed on.
        polite: The signal to the tool's process group when its step is cancelled.
        grace: The time between that signal and the end by force.
        on_stop: The signal to the tool alone when a stop of the command is requested. Without a
            signal the tool runs to its end.
    """

    command: Sequence[str]
    cwd: Path | None = None
    env: Mapping[str, str] = field(default_factory=passed_on)
    on_line: Callable[[str], None] = lambda _line: None
    stdout: Output | None = None
    inherited: Sequence[int] = ()
    longest_line: int = 65_536
    polite: signal.Signals = signal.SIGTERM
    grace: timedelta = timedelta(seconds=10)
    on_stop: signal.Signals | None = None

    @property
    def name(self) -> str:
        """The program's file name."""
        return Path(self.command[0]).name


async def run_tool(context: StepContext, tool: Tool) -> tuple[str, ...]:
    """Run a tool as part of a step, and return the last lines of its output.

    The tool leads a session, carries the step's marks in its environment, and is recorded as soon as
    it is started. If it fails, its processes are ended. If the step is cancelled or times out, all
    processes of the step are ended before the cancellation continues; processes that can't be ended
    are named in a note of the error. Processes that a successful tool leaves behind live on.

    Raises:
        StepFailed: The tool can't be started, ended with another exit code than 0, or was killed. The
            cause is `cancelled` after a requested stop.
    """
    lines = Lines(context.redact, tool.on_line, tool.longest_line)
    outputs = [lines] if tool.stdout is None else [tool.stdout, lines]
    async with AsyncExitStack() as stack:
        pipes = [await stack.enter_async_context(output_pipe()) for _ in outputs]
        running = _RunningTool(context, tool, outputs)
        try:
            running.start(pipes)
            await running.follow(pipes)
        except BaseException as error:
            await running.end_after(error)
            raise
    return running.tail


@dataclass(slots=True)
class _RunningTool:
    """A tool with its process and the processes that it starts.

    Attributes:
        outputs: The readers of stdout and stderr, or one reader of both.
    """

    context: StepContext
    tool: Tool
    outputs: Sequence[Output]
    process: subprocess.Popen[bytes] | None = None
    marks: dict[str, str] = field(init=False)
    on_record: list[ToolProcess] = field(default_factory=list)
    asked_to_end: bool = False

    def __post_init__(self) -> None:
        self.marks = {**self.context.marks, _TOOL: uuid4().hex}

    @property
    def tail(self) -> tuple[str, ...]:
        """The last lines of the output."""
        return tuple(line for output in self.outputs for line in output.tail)

    def start(self, pipes: Sequence[OutputPipe]) -> None:
        """Start and record the tool."""
        # Not a coroutine: a cancellation can't come between the start and the record.
        try:
            self.process = subprocess.Popen(
                list(self.tool.command),
                cwd=self.tool.cwd or self.context.directory,
                env={**self.tool.env, **self.marks},
                stdin=subprocess.DEVNULL,
                stdout=pipes[0].writing,
                stderr=pipes[-1].writing,
                # With a reader of its own, the tool survives our end: no SIGPIPE interrupts it before
                # it has saved its state.
                pass_fds=[*(pipe.reading for pipe in pipes), *self.tool.inherited],
                start_new_session=True,
            )
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            summary = f"{error.filename or self.tool.command[0]} can't be started: {reason}"
            raise StepFailed(FailureCause.CONFIGURATION, summary) from error
        finally:
            for pipe in pipes:
                os.close(pipe.writing)
        self.on_record.append(ToolProcess.of(self.process.pid, self.tool.name))
        self.context.started(self.on_record[0])

    async def follow(self, pipes: Sequence[OutputPipe]) -> None:
        """Pass on the output until the tool ends.

        Raises:
            StepFailed: The tool ended with another exit code than 0, or was killed.
        """
        reading = asyncio.ensure_future(self._read(pipes))
        try:
            await self._ended(reading)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        if not reading.cancelled():
            reading.result()
        for output in self.outputs:
            output.end()
        if self.process is not None and self.process.returncode != 0:
            failure = _failure(self.tool, self.process.returncode, self.tail)
            if self.asked_to_end:
                failure = StepFailed(FailureCause.CANCELLED, f"asked to end: {failure}", failure.detail)
            raise failure

    async def _read(self, pipes: Sequence[OutputPipe]) -> None:
        pairs = zip(self.outputs, pipes, strict=True)
        await asyncio.gather(*(output.read(pipe.reader) for output, pipe in pairs))

    async def _ended(self, reading: asyncio.Future[None]) -> None:
        """Wait for the end of the tool and for the output up to then."""
        while self.is_alive():
            self._ask_to_end()
            await asyncio.wait({reading}, timeout=_LOOK)
            if reading.done():
                reading.result()  # an exception of a callback ends the tool
                await self._gone(timedelta(seconds=_LOOK))
        # A daemon that the tool leaves behind may keep the output open: wait only while lines come.
        for _ in range(_LOOKS_AFTER_EXIT):
            taken = self._taken
            await asyncio.wait({reading}, timeout=_AFTER_EXIT)
            if reading.done() or self._taken == taken:
                return

    @property
    def _taken(self) -> int:
        return sum(output.taken for output in self.outputs)

    def is_alive(self) -> bool:
        """Return whether the tool still runs. Collects its exit status."""
        return self.process is not None and self.process.poll() is None

    async def _gone(self, patience: timedelta) -> None:
        await until(lambda: not self.is_alive(), within=patience, every=_LOOK_CLOSELY)

    async def end_after(self, error: BaseException) -> None:
        """End the processes that an error leaves running; note on the error those that survive."""
        # A failed tool takes its own processes with it; a cancelled step, those of all its tools.
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
        self.is_alive()  # collects the exit status

    def _ask_to_end(self) -> None:
        """Signal a requested stop to the tool, once."""
        if self.tool.on_stop is None or self.asked_to_end or not self.context.stopping():
            return
        self.asked_to_end = True
        if self.process is not None:
            self.process.send_signal(self.tool.on_stop)
            self.context.progress(f"asked {self.tool.name} to end")

    def _kill(self) -> None:
        """Kill the tool at once, after a second cancellation."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self.process is not None and self.is_alive():
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)

    def _left(self, marks: Mapping[str, str]) -> list[psutil.Process]:
        return of_tools(self.on_record, marks)


def _failure(tool: Tool, status: int, tail: Sequence[str]) -> StepFailed:
    """Return the failure of a tool, with the last line of its output."""
    # Not the frame that some tools draw around their messages.
    lines = (line.strip(FRAME) for line in reversed(tail))
    last = next((line for line in lines if line), "")
    said = f": {last}" if last else ", and printed nothing"
    how = f"was killed by {_signal_name(-status)}" if status < 0 else f"ended with exit code {status}"
    return StepFailed(FailureCause.COMMAND_EXECUTION, f"{tool.name} {how}{said}", "\n".join(tail))


def _signal_name(number: int) -> str:
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"
