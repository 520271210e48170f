"""Fixtures of the tests that kill and fail."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.layer import Bench

_MEMORY = Path("/dev/shm")  # where a sync costs nothing: a kill does not ask for more


def require(program: str, package: str) -> None:
    """Skip a test for want of a program, and say which; where CI runs, that is a failure."""
    if shutil.which(program) is None:
        reason = f"{program} is not there: install the package {package}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def bench() -> Iterator[Bench]:
    """Two processes below which each call can be counted, failed, or made the last one."""
    require("gcc", "gcc")
    where = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=where, prefix="envchart-bench-") as directory:
        made = Bench(Path(directory))
        yield made
        made.close()
