"""Flat charts do what they did when python-statemachine's engine fired them, to the byte."""

from __future__ import annotations

import json

import pytest

from tests.statechart.oracles.golden.walks import EXPECTED, WALKS, walked


@pytest.mark.parametrize("walk", WALKS)
def test_hooks_refusals_log_lines_and_files_stay(walk: str) -> None:
    assert walked(walk) == json.loads(EXPECTED.read_text())[walk]
