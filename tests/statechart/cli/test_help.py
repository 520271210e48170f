"""The help of each subcommand."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from statechart.cli.app import OVERVIEW, STATECHART
from statechart.cli.registry import COMMANDS, WAYS
from statechart.cli.settings import Settings
from statechart.terminal.program.group import Subcommand

ROOT = Path(__file__).parents[3]
PROGRAM = ["python", "-m", "statechart"]


@pytest.mark.parametrize("columns", [60, 80])
def test_the_help_fits_the_terminal(cli: Any, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))

    for words in ((), *((name,) for name in COMMANDS)):
        ran = cli(*words, "--help")
        lines = ran.out.splitlines()
        assert ran.code == 0
        assert lines[0].startswith(" ".join(["Usage: python -m statechart", *words])), words
        without_examples = ran.out.partition("\nExamples:")[0].splitlines()
        assert max(map(len, without_examples)) <= columns, words


def parsed(example: str) -> None:
    """Parse each command of an example that is ours, without running it."""
    for words in re.split(r" [|>] ", example):
        typed = shlex.split(words, comments=True)
        if typed[:3] == PROGRAM:
            name, *arguments = typed[3:]
            with STATECHART.make_context(Settings.program, typed[3:], obj=Settings()) as context:
                command = STATECHART.get_command(context, name)
                assert command is not None, name
                command.make_context(name, arguments, parent=context)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_examples_that_it_can_parse(name: str) -> None:
    command = STATECHART.get_command(click.Context(STATECHART), name)
    assert isinstance(command, Subcommand)
    assert (command.help or "").split("\n")[0] == COMMANDS[name].help
    assert command.examples
    for example in command.examples:
        assert example.startswith(f"python -m statechart {name}")
        parsed(example)


def test_the_output_without_words_can_be_parsed_and_fits_a_terminal(cli: Any) -> None:
    ran = cli()

    assert (ran.code, ran.out) == (0, OVERVIEW)
    assert max(map(len, OVERVIEW.splitlines())) <= 80
    for line in OVERVIEW.splitlines():
        if line.startswith("  python") and not line.endswith("--help"):
            parsed(line.strip())


def test_words_of_other_tools_lead_to_commands_that_exist(cli: Any) -> None:
    for word, way in WAYS.items():
        ran = cli(word)
        assert ran.code == 2, word
        for step in way.next:
            assert step.split(" ")[0] in (*COMMANDS, "--help")
            assert step.split(" ")[0] in ran.err


def test_the_help_imports_no_engine() -> None:
    code = "import sys; from statechart.cli.app import main; main(['--help']); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    loaded = set(done.stdout.splitlines()[-1].split())
    assert not loaded & {"statemachine", "pydantic", "loguru", "filelock", "rich", "asyncio"}
