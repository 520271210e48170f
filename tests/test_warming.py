"""Each worker begins the collection at a place of its own."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.warming import modules, share

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("workers", [1, 2, 3, 7, 9])
def test_the_shares_of_all_workers_are_the_whole(workers: int) -> None:
    whole = list(range(7))

    assert [each for number in range(workers) for each in share(whole, number, workers)] == whole


def test_a_module_is_named_as_it_is_collected() -> None:
    assert __name__ in modules(ROOT, [])
    assert find_spec(__name__) is not None


def test_what_is_ignored_is_not_imported() -> None:
    assert __name__ not in modules(ROOT, [ROOT / "tests" / "docs", ROOT / "tests" / "test_warming.py"])
