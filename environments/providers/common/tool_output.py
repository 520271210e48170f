"""The output of tools, read through a pipe and passed on line by line."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

from environments.secrets.redaction import clean

FRAME = " \t\r│╷╵"
"""Blanks, and the frames that some tools draw around their messages."""

_CHUNK = 65_536
_PIPE = 1024 * 1024
_TAIL_LINES = 40
_TAIL_LINE = 4096
_CUT = " …"


@dataclass(frozen=True, slots=True)
class OutputPipe:
    """A pipe for the output of a tool.

    Attributes:
        reader: Reads the output.
        writing: The tool's end, to be closed once the tool is started.
        reading: Our end, to be passed to the tool as well.
    """

    reader: asyncio.StreamReader
    writing: int
    reading: int


@asynccontextmanager
async def output_pipe() -> AsyncIterator[OutputPipe]:
    """Yield a pipe for the output of a tool."""
    # Not a pipe of asyncio's subprocesses: asyncio waits until their pipes are closed, and a daemon
    # that the tool leaves behind may never close them.
    reading, writing = os.pipe()
    # A tool that outlives this process writes on and nobody reads: a large pipe lets it finish. This
    # user's limit may be lower.
    with suppress(OSError):
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE)
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb", buffering=0)
    )
    try:
        yield OutputPipe(reader, writing, reading)
    finally:
        transport.close()


class Output(Protocol):
    """Reads the output of a tool.

    Attributes:
        taken: The number of bytes read.
    """

    taken: int

    @property
    def tail(self) -> Iterable[str]:
        """The last lines, without secrets, for the failure of the tool."""
        ...

    async def read(self, output: asyncio.StreamReader) -> None:
        """Read until no process has the pipe open for writing."""
        ...

    def end(self) -> None:
        """Take the output as complete."""
        ...


@dataclass(slots=True)
class Answer:
    """Keeps the output of a tool as it is, up to a limit.

    The content may hold secrets, and has to be redacted before it is told.

    Attributes:
        limit: The number of bytes that are kept.
        content: The bytes.
        taken: The number of bytes read.
    """

    limit: int
    content: bytearray = field(default_factory=bytearray)
    taken: int = 0
    tail: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether all of the output was kept."""
        return self.taken == len(self.content)

    async def read(self, output: asyncio.StreamReader) -> None:
        """Read until no process has the pipe open for writing."""
        while chunk := await output.read(_CHUNK):
            self.content += chunk[: self.limit - len(self.content)]
            self.taken += len(chunk)

    def end(self) -> None:
        """Do nothing: the content has no lines."""


@dataclass(slots=True)
class Lines:
    """Splits the output of a tool into lines, passes each on, and keeps the last.

    Attributes:
        redact: Replaces the secrets in a line.
        tell: Called with each line, without control codes and secrets.
        longest: The number of characters of a line that are passed on; the rest is dropped.
        take_raw: Called with each line as it is, secrets included.
        tail: The last lines.
        taken: The number of bytes read.
    """

    redact: Callable[[str], str]
    tell: Callable[[str], None]
    longest: int
    take_raw: Callable[[bytes], None] = lambda _line: None
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL_LINES))
    taken: int = 0
    _line: bytearray = field(default_factory=bytearray)

    async def read(self, output: asyncio.StreamReader) -> None:
        """Read until no process has the pipe open for writing."""
        while chunk := await output.read(_CHUNK):
            for line in self._ended(chunk):
                self._tell(line)
            self.taken += len(chunk)
        self.end()

    def end(self) -> None:
        """Pass on the last line, if it has no line break."""
        if self._line:
            self._tell(self._take())

    def _ended(self, chunk: bytes) -> Iterator[bytes]:
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            self._add(part)
            yield self._take()
        self._add(rest)

    def _add(self, part: bytes) -> None:
        # Twice the length that is passed on: redaction has to see a secret whole at the cut.
        self._line += part[: max(0, 2 * self.longest - len(self._line))]

    def _take(self) -> bytes:
        line = bytes(self._line)
        self._line.clear()
        return line

    def _tell(self, line: bytes) -> None:
        self.take_raw(line)
        text = clean(line.decode("utf-8", "backslashreplace"), self.redact)
        self.tail.append(_shortened(text, _TAIL_LINE))
        self.tell(_shortened(text, self.longest))


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - len(_CUT)] + _CUT
