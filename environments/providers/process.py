"""Tools: programs that a step runs, recorded, watched, and ended with the step."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import psutil

from environments import processes
from environments.errors import StepFailed
from environments.failure import FailureCause
from environments.operation import StepInHand, ToolProcess
from environments.steps import StepContext
from environments.survivors import of_step
from environments.uncut import uncut

_TAIL = 40
_LINE_LIMIT = 4096
_CHUNK = 65_536
_AFTER_EXIT = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A program and how it is run.

    Attributes:
        command: The program and its arguments.
        cwd: Where it runs; by default the environment's directory.
        env: Its whole environment, apart from the marks; by default this process's.
        on_line: Told each line that it prints, stdout and stderr together, redacted.
        polite: The signal that asks it to end when its step is cancelled.
        grace: How long it has for that, before it and all that it started are killed.
    """

    command: Sequence[str]
    cwd: Path | None = None
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    on_line: Callable[[str], None] = lambda _line: None
    polite: signal.Signals = signal.SIGTERM
    grace: timedelta = timedelta(seconds=10)

    @property
    def name(self) -> str:
        """The program's name, for people."""
        return Path(self.command[0]).name


async def run_tool(context: StepContext, tool: Tool) -> tuple[str, ...]:
    """Run a tool as part of a step, and return the last lines that it printed.

    It leads a session of its own, has the step's marks in its environment, and is on record as soon
    as it is started. When the step is cancelled, or its time is up, the tool and everything that it
    started is ended before the cancellation goes on.

    Raises:
        StepFailed: It can't be started, ended with another exit code than 0, or was killed.
    """
    async with _output() as (reader, writing):
        process = await _started(context, tool, writing)
        running = _Running(context, tool, process, reader, ToolProcess.of(process.pid, tool.name))
        try:
            context.started(running.identity)
            await running.read()
            status = await process.wait()
        except BaseException:
            await uncut(running.end(), on_cancel=running.kill)
            raise
    if status != 0:
        raise running.failure(status)
    return tuple(running.tail)


@asynccontextmanager
async def _output() -> AsyncIterator[tuple[asyncio.StreamReader, int]]:
    """Yield a pipe: what reads from it, and the end that the tool gets.

    It is not the process's own: asyncio waits for a process until its pipes are closed, and a daemon
    that the tool leaves behind may never close them.
    """
    reading, writing = os.pipe()
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb", buffering=0)
    )
    try:
        yield reader, writing
    finally:
        transport.close()


async def _started(context: StepContext, tool: Tool, output: int) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *tool.command,
            cwd=tool.cwd or context.directory,
            env={**tool.env, **context.marks},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        summary = f"{error.filename or tool.command[0]} can't be started: {reason}"
        raise StepFailed(FailureCause.CONFIGURATION, summary) from error
    finally:
        os.close(output)


@dataclass(slots=True)
class _Running:
    """A tool that was started: its output, and its end."""

    context: StepContext
    tool: Tool
    process: asyncio.subprocess.Process
    output: asyncio.StreamReader
    identity: ToolProcess
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL))

    async def read(self) -> None:
        """Read what it prints until it ends.

        A daemon that it leaves behind may keep its output open: that is not waited for.
        """
        reading = asyncio.ensure_future(self._lines())
        ending = asyncio.ensure_future(self.process.wait())
        try:
            await asyncio.wait({reading, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                await asyncio.wait({reading}, timeout=_AFTER_EXIT)
            else:
                await ending
        finally:
            for task in (reading, ending):
                task.cancel()
            await asyncio.gather(reading, ending, return_exceptions=True)
        if not reading.cancelled() and reading.exception() is not None:
            raise reading.exception()  # type: ignore[misc]  # it is not None

    async def _lines(self) -> None:
        rest = b""
        while chunk := await self.output.read(_CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._tell(line)
            if len(rest) > _LINE_LIMIT:
                self._tell(rest)
                rest = b""
        if rest:
            self._tell(rest)

    def _tell(self, line: bytes) -> None:
        text = self.context.redact(line[:_LINE_LIMIT].decode("utf-8", "backslashreplace").rstrip("\r"))
        self.tail.append(text)
        self.tool.on_line(text)

    def failure(self, status: int) -> StepFailed:
        """Return how it failed, in its own last words."""
        last = next((line.strip() for line in reversed(self.tail) if line.strip()), "")
        said = f": {last}" if last else ", and said nothing"
        if status < 0:
            ended = f"{self.tool.name} was killed by {signal.Signals(-status).name}"
        else:
            ended = f"{self.tool.name} ended with exit code {status}"
        return StepFailed(FailureCause.COMMAND_EXECUTION, f"{ended}{said}", "\n".join(self.tail))

    async def end(self) -> None:
        """End it and everything that it started, politely, then by force.

        Raises:
            StepFailed: Something of it can't be ended.
        """
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, self.tool.polite)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.process.wait(), self.tool.grace.total_seconds())
        await processes.end(self._left, timedelta(seconds=0.2))

    def kill(self) -> None:
        """Kill it at once: somebody does not want to wait."""
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def _left(self) -> list[psutil.Process]:
        hand = StepInHand(
            name=self.context.step,
            number=1,
            of=1,
            started_at=self.context.environment.updated_at,
            processes=(self.identity,),
        )
        return of_step(self.context.operation_id, hand)
