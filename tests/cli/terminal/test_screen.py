"""Progress and messages on stderr."""

from __future__ import annotations

import io
import sys

import pytest

from environments.cli.terminal.screen import PlainScreen, open_screen
from environments.cli.terminal.spinner import TerminalScreen


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_an_open_line_is_completed_by_its_outcome(capsys: pytest.CaptureFixture[str]) -> None:
    screen = PlainScreen()
    screen.begin("[1/1] step")
    screen.end("[1/1] step", outcome="done", good=True)

    assert capsys.readouterr().err == "[1/1] step … done\n"


def test_a_message_during_a_step_has_its_own_line(capsys: pytest.CaptureFixture[str]) -> None:
    screen = PlainScreen()
    screen.begin("[1/1] step")
    screen.note("a warning")
    screen.end("[1/1] step", outcome="done", good=True)

    assert capsys.readouterr().err == "[1/1] step … \na warning\n[1/1] step … done\n"


def test_a_terminal_shows_a_spinner_and_coloured_outcomes(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    screen = open_screen()
    assert isinstance(screen, TerminalScreen)

    screen.begin("[1/1] step [bold]")
    screen.note("a note")
    screen.end("[1/1] step [bold]", outcome="failed: no", good=False)

    assert "a note" in terminal.getvalue()
    assert "[1/1] step [bold] … \x1b[31mfailed: no\x1b[0m" in terminal.getvalue()
