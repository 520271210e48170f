"""The help: its sections, its width and its colours."""

from __future__ import annotations

import io
import re
import shlex
import sys
from typing import Any

import click
import pytest

from environments.cli.app import ENVCHART
from environments.cli.group import OVERVIEW
from environments.cli.registry import COMMANDS
from environments.cli.settings import Settings
from statechart.terminal.program.group import Subcommand


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("words", [(), *((name,) for name in COMMANDS)], ids=" ".join)
def test_the_help_fits_the_terminal(
    cli: Any, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))

    lines = cli(*words, "--help").out.splitlines()

    assert lines[0].startswith(" ".join(["Usage: envchart", *words]))
    assert max(map(len, lines)) <= columns
    assert "Everywhere:" in lines


def parsed(example: str) -> None:
    """Parse each command of an example that is ours, without running it."""
    for words in re.split(r" [|>] ", example):
        name, *arguments = shlex.split(words, comments=True)
        if name == "envchart":
            with ENVCHART.make_context("envchart", arguments, obj=Settings()) as context:
                command = ENVCHART.get_command(context, arguments[0])
                assert command is not None, arguments[0]
                command.make_context(arguments[0], arguments[1:], parent=context)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_examples_that_it_can_parse(name: str) -> None:
    command = ENVCHART.get_command(click.Context(ENVCHART), name)
    assert isinstance(command, Subcommand)
    assert command.examples
    for example in command.examples:
        assert example.startswith(f"envchart {name}")
        parsed(example)


def test_the_overview_can_be_parsed() -> None:
    for line in OVERVIEW.splitlines():
        if line.startswith("  "):
            parsed(line.strip())


def test_the_help_has_the_sections_of_the_registry(cli: Any) -> None:
    lines = cli("--help").out.splitlines()

    headings = [line for line in lines if line.endswith(":") and not line.startswith((" ", "Usage"))]
    sections = dict.fromkeys(entry.section for entry in COMMANDS.values())

    assert headings == [f"{heading}:" for heading in (*sections, "Options", "Everywhere", "Exit codes")]


def test_headings_are_bold_where_colours_are_shown(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    shown = {}
    for no_color in ("", "1"):
        monkeypatch.setattr(sys, "stdout", terminal := Terminal())
        monkeypatch.setenv("NO_COLOR", no_color)
        cli("list", "--help")
        shown[no_color] = terminal.getvalue()

    assert "\x1b[1mOptions:\x1b[0m" in shown[""]
    assert "\x1b" not in shown["1"]
