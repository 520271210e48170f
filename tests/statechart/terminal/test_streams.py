"""Standard streams, however the process was started."""

from __future__ import annotations

import os
import subprocess
import sys
import time

PRINTS = (
    "from statechart.terminal.streams import prepare_streams\n"
    "prepare_streams()\n"
    "from statechart.terminal.output import write\n"
    "write('x' * 200_000)\n"
)


def test_nothing_is_lost_in_a_pipe_that_does_not_block() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with subprocess.Popen([sys.executable, "-c", PRINTS], stdout=writing) as printing:
        os.close(writing)
        size = 0
        while part := os.read(reading, 50_000):
            size += len(part)
            time.sleep(0.01)
    os.close(reading)

    assert (size, printing.returncode) == (200_000, 0)
