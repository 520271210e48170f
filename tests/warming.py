"""Import the test modules of a whole run from another place in each worker.

Pytest rewrites the assertions of a test module once, and keeps the result beside the module. Workers that
all begin at the first module do the same work at the same time; workers that begin elsewhere find what the
others have done. Of the time that a fresh checkout takes to be collected, rewriting is half.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TypeVar

import pytest

_T = TypeVar("_T")


def share(whole: Sequence[_T], number: int, of: int) -> Sequence[_T]:
    """Return the part of a worker: all parts together are the whole."""
    return whole[number * len(whole) // of : (number + 1) * len(whole) // of]


def modules(root: Path, ignored: Iterable[Path]) -> list[str]:
    """Return the names of the test modules below a directory, in the order of their paths."""
    left_out = tuple(ignored)
    found = sorted(path for path in root.joinpath("tests").rglob("test_*.py"))
    return [
        ".".join(path.relative_to(root).with_suffix("").parts)
        for path in found
        if not any(path.is_relative_to(each) for each in left_out)
    ]


def begin_at_own_place(config: pytest.Config) -> None:
    """Import this worker's share of the test modules, if all of them will be collected."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None or config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return
    ignored = [config.invocation_params.dir / each for each in config.getoption("ignore") or ()]
    number, of = int(worker.removeprefix("gw")), int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    for name in share(modules(config.rootpath, ignored), number, of):
        with suppress(Exception, pytest.skip.Exception):  # the collection tells of both
            import_module(name)
