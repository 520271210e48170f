"""Fixtures of `python -m statechart`: it is run in this process, on a store of the test."""

from __future__ import annotations

from pathlib import Path

import pytest
from loguru import logger

from statechart import ChartRepository
from statechart.cli.app import main
from tests.cli.conftest import Cli, Ran
from tests.statechart.cli.shop import Order, OrderChart

SHOP = "tests.statechart.cli.shop"
ORDERS = f"{SHOP}:OrderChart"


@pytest.fixture(autouse=True)
def silent() -> None:
    """The package is as silent as in a program of its own, whatever ran before in this process."""
    logger.disable("statechart")


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
