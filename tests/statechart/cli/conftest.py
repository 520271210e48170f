"""Fixtures of `python -m statechart`: it is run in this process, on a store of the test."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from statechart import ChartRepository
from statechart.cli.app import main
from tests.statechart.cli.shop import Order, OrderChart

SHOP = "tests.statechart.cli.shop"
ORDERS = f"{SHOP}:OrderChart"


@dataclass(frozen=True)
class Ran:
    """What a run of the command line left: its exit code, and both its outputs."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Cli: TypeAlias = Callable[..., Ran]


@pytest.fixture
def orders(tmp_path: Path) -> ChartRepository[Order]:
    return ChartRepository(tmp_path / "orders", OrderChart)


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Runs the command line in a directory of its own, with a store called orders."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATECHART_STORE", str(tmp_path / "orders"))

    def run(*words: str | Path) -> Ran:
        capsys.readouterr()
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run
