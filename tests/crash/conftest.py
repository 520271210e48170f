"""Fixtures of the crash tests."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.layer import Bench
from tests.crash.tally import Tally, lines

_MEMORY = Path("/dev/shm")  # where a sync costs nothing: a kill does not ask for more


def require(program: str, package: str) -> None:
    """Skip a test that needs a missing program; in CI, fail."""
    if shutil.which(program) is None:
        reason = f"{program} is not there: install the package {package}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def bench() -> Iterator[Bench]:
    """Two processes in which each call can be counted, failed, or made the last."""
    require("gcc", "gcc")
    where = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=where, prefix="envchart-bench-") as directory:
        made = Bench(Path(directory))
        yield made
        made.close()


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    """Counts for the last line of the session."""
    return Tally(request.config)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in lines(config):
        terminalreporter.write_line(line)
