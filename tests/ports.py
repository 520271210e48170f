"""Ports for servers of tests."""

from __future__ import annotations

import random
import socket
from typing import Final

_CANDIDATES: Final = range(10_000, 32_768)
"""Below the ports that the kernel gives to connections: those may be taken before a server begins."""


def free_port() -> int:
    """Return a port of 127.0.0.1 that no program listens on, nor will be given by the kernel."""
    chance = random.SystemRandom()  # a seed would have the processes of a test run choose alike
    while True:
        port = chance.choice(_CANDIDATES)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
