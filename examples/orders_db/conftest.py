"""A database for the tests, named before the shop is imported."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

_PLACE = Path(tempfile.mkdtemp(prefix="shop-"))
os.environ["SHOP_DB"] = str(_PLACE / "shop.db")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the database."""
    del config
    shutil.rmtree(_PLACE, ignore_errors=True)
