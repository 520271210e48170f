"""Colours on a terminal."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest

from statechart.terminal.colours import coloured, styled


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colours_are_turned_off_by_the_environment(
    cli: Any, hello: str, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert coloured(styled("x", "red")) == "\x1b[31mx\x1b[0m"

    monkeypatch.setenv(variable, value)
    assert styled("x", "red") == "x"
