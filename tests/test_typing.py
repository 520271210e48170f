from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, get_args

import pytest

from environments.execution import commands
from environments.execution.commands import COMMANDS
from environments.lifecycle import Lifecycle
from environments.model.command_name import CommandName
from environments.model.states import AnyState, EnvironmentState, state_of
from statechart.graph import edges

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests" / "typing"
CELL = re.compile(r"await (?:workspace\.)?(\w+?)(?:\.execute)?\(each\.(\w+)\)(  # reject)?")
LINK = re.compile(r"    await workspace\.chain\(each\.(\w+)\)\.(\w+)\(\)(  # reject)?")


class Line(NamedTuple):
    file: str
    number: int


def marked() -> dict[Line, str]:
    """The lines to reject, each with mypy's code of the error."""
    found = {}
    for path in sorted(FOLDER.glob("*.py")):
        for number, text in enumerate(path.read_text().splitlines(), start=1):
            _, mark, kind = text.partition("# reject")
            if mark:
                assert re.fullmatch(r": [a-z-]+", kind), (
                    f"{path.name}:{number}: add the code of the error, as in # reject: arg-type"
                )
                found[Line(path.name, number)] = kind.removeprefix(": ")
    return found


def differences(reported: dict[Line, str], *, by_kind: bool) -> list[str]:
    expected = marked()
    missed = [
        f"{file}:{line}: accepted, and should be rejected" for file, line in expected.keys() - reported
    ]
    excess = [
        f"{line.file}:{line.number}: rejected, and should be accepted: {reported[line]}"
        for line in reported.keys() - expected
    ]
    wrong = [
        f"{line.file}:{line.number}: rejected for {reported[line]}, not for {kind}"
        for line, kind in expected.items()
        if by_kind and line in reported and reported[line].partition(":")[0] != kind
    ]
    return sorted([*missed, *excess, *wrong])


def run(*arguments: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-m", *arguments, str(FOLDER)],
        cwd=ROOT,
        env={**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 1, f"{arguments[0]} did not check anything:\n{ended.stdout}{ended.stderr}"
    return ended.stdout


def here(faults: Iterable[tuple[str, int, str]]) -> dict[Line, str]:
    return {
        Line(Path(file).name, number): what
        for file, number, what in faults
        if (ROOT / file).parent == FOLDER
    }


def test_mypy_agrees_with_every_line() -> None:
    out = run("mypy", "--strict", "--config-file", str(ROOT / "pyproject.toml"), "--output", "json")

    faults: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    reported = here(
        (fault["file"], fault["line"], f"{fault['code']}: {fault['message']}")
        for fault in faults
        if fault["severity"] == "error"
    )
    found = differences(reported, by_kind=True)
    assert not found, "\n".join(found)


def test_pyright_agrees_with_every_line() -> None:
    out = run("pyright", "--pythonpath", sys.executable, "--outputjson")

    faults: list[dict[str, Any]] = json.loads(out)["generalDiagnostics"]
    reported = here(
        (fault["file"], fault["range"]["start"]["line"] + 1, f"{fault.get('rule')}: {fault['message']}")
        for fault in faults
        if fault["severity"] == "error"
    )
    found = differences(reported, by_kind=False)
    assert not found, "\n".join(found)


def sources(command: CommandName) -> set[str]:
    """The states in which the chart allows a command to start."""
    event = COMMANDS[command].begin or COMMANDS[command].finish
    return {edge.source for edge in edges(Lifecycle) if edge.event == event.id}


@pytest.mark.parametrize("command", [command for command in CommandName if command != CommandName.DESTROY])
def test_a_command_accepts_the_states_from_which_the_chart_allows_it(command: CommandName) -> None:
    alias = getattr(commands, f"{command.title()}Source")

    assert {state_of(kind) for kind in get_args(alias) or [alias]} == sources(command)


def test_destroy_accepts_every_state_and_the_chart_refuses_only_destroyed() -> None:
    assert commands.DestroySource is AnyState
    assert sources(CommandName.DESTROY) == set(EnvironmentState) - {EnvironmentState.DESTROYED}


@pytest.mark.parametrize("command", CommandName)
def test_a_command_returns_the_target_state_of_the_chart(command: CommandName) -> None:
    kind = COMMANDS[command]
    begun = {edge.target for edge in edges(Lifecycle) if kind.begin and edge.event == kind.begin.id}
    ended = {
        edge.target
        for edge in edges(Lifecycle)
        if edge.event == kind.finish.id and (kind.begin is None or edge.source in begun)
    }

    assert ended == {state_of(kind.achieves)}


@pytest.mark.parametrize("file", ["chaining_verbs.py", "chaining_commands.py", "chaining_fluent.py"])
def test_the_checked_lines_cover_every_command_in_every_state(file: str) -> None:
    text = (FOLDER / file).read_text()
    if file == "chaining_fluent.py":
        found = [(command, state, rejected) for state, command, rejected in LINK.findall(text)]
    else:
        found = CELL.findall(text)
    cells = [(command, state, not rejected) for command, state, rejected in found]
    takes = {command: sources(command) for command in CommandName} | {
        CommandName.DESTROY: set(EnvironmentState)
    }

    expected = [
        (command, state, state in takes[command]) for command in CommandName for state in EnvironmentState
    ]
    assert sorted(cells) == sorted(expected)
