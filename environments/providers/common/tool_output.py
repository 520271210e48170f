"""The output of tools: read through a pipe, and told line by line."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from environments.system.control_codes import strip_control_codes

_CHUNK = 65_536
_PIPE = 1024 * 1024
_TAIL_LINES = 40
_TAIL_LINE = 4096
_CUT = " …"


@dataclass(frozen=True, slots=True)
class OutputPipe:
    """A pipe that a tool writes into.

    Attributes:
        reader: Reads what it writes.
        writing: The tool's end; whoever starts the tool closes it.
        reading: Our end. The tool gets this one too: should we be killed, it can go on writing, and
            is not ended by SIGPIPE in the middle of its work, before it has kept what it did.
    """

    reader: asyncio.StreamReader
    writing: int
    reading: int


@asynccontextmanager
async def output_pipe() -> AsyncIterator[OutputPipe]:
    """Yield a pipe for the output of a tool.

    The pipe is its own, and not one of asyncio's processes: those are waited for until their pipes
    are closed, and a daemon that the tool leaves behind may never close them. It holds much, for a
    tool that outlives us writes into it and nobody reads.
    """
    reading, writing = os.pipe()
    with suppress(OSError):  # more than this user may have
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


@dataclass(slots=True)
class Lines:
    """Makes lines of what a tool prints, tells each, and keeps the last ones.

    Attributes:
        redact: Takes the secrets out of a line. It sees more of a long line than is told, so that
            no secret is cut in two and told by half.
        tell: Told each line.
        longest: How many characters of a line are told; what comes behind them is dropped.
        tail: The last lines.
    """

    redact: Callable[[str], str]
    tell: Callable[[str], None]
    longest: int
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL_LINES))
    taken: int = 0
    _line: bytearray = field(default_factory=bytearray)

    async def read(self, output: asyncio.StreamReader) -> None:
        """Read to the end, which comes when nobody has the pipe open any more."""
        while chunk := await output.read(_CHUNK):
            for line in self._ended(chunk):
                self._tell(line)
            self.taken += len(chunk)
        self.end()

    def end(self) -> None:
        """Tell what stands behind the last end of a line."""
        if self._line:
            self._tell(self._take())

    def _ended(self, chunk: bytes) -> Iterator[bytes]:
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            self._add(part)
            yield self._take()
        self._add(rest)

    def _add(self, part: bytes) -> None:
        self._line += part[: max(0, 2 * self.longest - len(self._line))]

    def _take(self) -> bytes:
        line = bytes(self._line)
        self._line.clear()
        return line

    def _tell(self, line: bytes) -> None:
        text = strip_control_codes(line.decode("utf-8", "backslashreplace"))
        text = self.redact(text)  # after that: a colour in the middle of a secret would hide it
        self.tail.append(_shortened(text, _TAIL_LINE))
        self.tell(_shortened(text, self.longest))


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - len(_CUT)] + _CUT
