"""Names of operations for tests that start tools: the tests of other processes have other ones."""

from __future__ import annotations

import os


def own(operation: str) -> str:
    """Return an operation's id that no other process of this run marks its tools with.

    Tools are found by their mark on the whole machine, as they have to be after a crash.
    """
    return f"{operation}-{os.getpid()}"
