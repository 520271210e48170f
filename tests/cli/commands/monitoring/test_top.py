"""All environments, or one, live on the whole terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from environments import Workspace
from environments.cli.commands.monitoring.detail import lines_of, read
from environments.cli.commands.monitoring.display import keys_in, sides
from environments.cli.commands.monitoring.overview import Overview
from environments.cli.settings import Settings
from environments.model.environment import AnyEnvironment
from environments.model.spec import EnvironmentSpec
from environments.overview import EnvironmentSource
from environments.storage.file import FileRepository
from environments.testing import ScriptedSpec
from statechart.holder import Holder
from statechart.overview import Index
from statechart.terminal.cells import width_of
from tests.conftest import Place

SIZE = os.terminal_size((80, 12))


@pytest.fixture
def source(repository: FileRepository) -> EnvironmentSource:
    return EnvironmentSource(Workspace(repository=repository), lambda step, name: f"{step} {name}")


@pytest.fixture
def five(place: Place) -> None:
    """Five environments, of which one has failed."""
    for name, state in zip(
        "abcde", ("running", "running", "created", "run_failed", "destroyed"), strict=True
    ):
        place(state, spec=EnvironmentSpec(name=name, provider=ScriptedSpec(), labels={"team": f"t-{name}"}))


@pytest.fixture
def overview(source: EnvironmentSource, five: None) -> Overview:
    index = Index(source)
    index.read()
    return Overview(index, "/data")


def names(lines: Sequence[str]) -> list[str]:
    """Return the names of the rows of an overview, the chosen one with a mark."""
    rows = [line for line in lines if line[2:3] in ("✓", "✗", "◦", "-", "!", ">") and line[3:4] == " "]
    return [row[0].strip() + row[2:].split()[2] for row in rows]


def press(overview: Overview, *keys: str) -> list[str]:
    for key in keys:
        overview.press(key)
    return names(overview.lines(SIZE, "inotify"))


def test_what_needs_a_person_comes_first(overview: Overview) -> None:
    lines = overview.lines(SIZE, "inotify")

    assert lines[0].startswith("envchart top  /data")
    assert lines[1] == "[5 in all]  ✗ 1 failed  ◦ 1 idle  ✓ 2 running  - 1 destroyed"
    assert lines[3].split() == ["STATE", "NAME", "FOR", "RELEASE", "BY", "NOTE"]
    assert names(lines)[0] == "▌d"
    assert "first_run: no route to host" in lines[4]
    assert lines[-1].endswith("1-5 of 5")
    assert len(lines) == SIZE.lines
    assert all(width_of(line) <= SIZE.columns for line in lines)


def test_keys_choose_a_row_a_group_an_order_and_a_search(overview: Overview) -> None:
    overview.press("s")
    overview.press("s")
    assert press(overview) == ["▌a", "b", "c", "d", "e"]
    assert press(overview, "down", "j", "k") == ["a", "▌b", "c", "d", "e"]
    assert press(overview, "G", "down") == ["a", "b", "c", "d", "▌e"]
    assert press(overview, "page up", "x", "F13") == ["▌a", "b", "c", "d", "e"]
    assert press(overview, "tab") == ["▌d"]
    assert press(overview, "back tab", "back tab") == ["▌e"]
    assert press(overview, "escape", "/", *"RUNx", "backspace") == ["▌a", "b", "d"]
    assert press(overview, *" t-b", "enter") == ["▌b"]
    assert "search: RUN t-b  1 found" in overview.lines(SIZE, "inotify")
    assert press(overview, "/", *"zz") == []
    assert "no environment is selected" in overview.lines(SIZE, "inotify")
    assert press(overview, "escape") == ["▌a", "b", "c", "d", "e"]


def test_the_chosen_row_is_kept_when_rows_come_and_go(
    overview: Overview, repository: FileRepository, place: Place
) -> None:
    assert press(overview, "s", "s", "down") == ["a", "▌b", "c", "d", "e"]
    place("running", spec=EnvironmentSpec(name="aa", provider=ScriptedSpec()))
    overview.index.refresh(["aa"])
    overview.refresh()
    assert press(overview) == ["a", "aa", "▌b", "c", "d", "e"]

    repository.delete(repository.load("b"))
    overview.index.refresh(["b"])
    overview.refresh()
    assert press(overview) == ["a", "aa", "▌c", "d", "e"]


def test_a_small_terminal_shows_the_rows_around_the_chosen_one(overview: Overview) -> None:
    small = os.terminal_size((60, 8))
    press(overview, "s", "s", "G")

    lines = overview.lines(small, "polling: the limit is reached")

    assert len(lines) == 8
    assert names(lines) == ["▌e"]
    assert "changes may be seen late, polling: the limit is reached" in lines
    assert all(width_of(line) <= 60 for line in lines)
    assert len(overview.lines(os.terminal_size((20, 3)), "inotify")) >= 3


def test_a_terminal_sends_keys_in_any_portions() -> None:
    assert [*keys_in("j\x1b[A\x1b[6~\x1bOB\x1b[Z\t\n\x7fé\x00\x1b")] == [
        "j", "up", "page down", "down", "back tab", "tab", "enter", "backspace", "é", "escape"
    ]  # fmt: skip
    assert [*keys_in("\x1b[1;5A")] == []


def test_a_line_has_a_text_at_each_side_if_there_is_room() -> None:
    assert sides("left", "right", 12) == "left   right"
    assert sides("left", "right", 10) == "left"


@pytest.fixture
def detail(source: EnvironmentSource, data: Path) -> Callable[[str], list[str]]:
    settings = Settings(chosen_data_dir=data)

    def lines(name: str) -> list[str]:
        present = read(source.workspace, settings, name, source.row(name))
        found = lines_of(present, settings, name, 60)
        assert all(width_of(line) <= 60 for line in found)
        return found

    return lines


def test_a_detail_shows_the_way_the_steps_the_next_commands_and_why(
    detail: Callable[[str], list[str]],
    repository: FileRepository,
    created: object,
    crash: Callable[..., AnyEnvironment],
    data: Path,
) -> None:
    crash("provision", "provisioning", "create_directories")

    lines = detail("demo")

    assert lines[0].startswith("demo ")
    assert lines[1] == "! provisioning (provision interrupted at step"
    assert "✓ created ✗ provisioned ◦ configured ◦ released ◦ running" in lines
    assert any(line.startswith("  ! create_directories  in doubt") for line in lines)
    assert "  envchart recover demo --data-dir" in " ".join(lines)
    assert "Not known" in lines

    with repository.open("demo", Holder.current("recover")):
        held = detail("demo")
    assert any(line.startswith("  > create_directories") and "so far" in line for line in held)
    assert any("held by" in line for line in held)


def test_a_detail_says_why_an_environment_cannot_be_shown(
    detail: Callable[[str], list[str]], repository: FileRepository, five: None
) -> None:
    (repository.directory("a") / "history.jsonl").write_text("damaged\n")
    (repository.directory("a") / "state.json").unlink()

    damaged = " ".join(detail("a")[2:])

    assert "history.jsonl" in damaged.replace(" ", "")
    assert "next: envchart recover a --rebase" in damaged
    assert "it was purged" in " ".join(detail("never"))


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (("top",), "list --watch"),
        (("top", "hello"), "watch hello"),
        (("top", "--json"), "list --json"),
        (("top", "hello", "--json"), "why hello --json"),
    ],
    ids=" ".join,
)
def test_without_a_terminal_another_command_is_named(cli: Any, words: Sequence[str], advice: str) -> None:
    ran = cli(*words)

    assert ran.code == 2
    assert f"envchart {advice}" in ran.err + ran.out


def test_a_terminal_is_taken_and_given_back(hello: str, data: Path) -> None:
    master, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 80, 0, 0))
    before = termios.tcgetattr(terminal)
    drawn = ""

    def until(text: str) -> None:
        nonlocal drawn
        drawn = ""
        while text not in drawn:
            assert select.select([master], [], [], 60)[0], drawn
            drawn += os.read(master, 65536).decode(errors="ignore")

    command = [sys.executable, "-m", "environments", "--data-dir", str(data), "top"]
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": "1"}
    with subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=subprocess.PIPE, env=environment
    ) as process:
        try:
            until("1-1 of 1")
            os.write(master, b"\r")
            until("What you can do")
            assert "hello" in drawn
            os.write(master, b"\x1b")
            until("1-1 of 1")
            os.write(master, b"q")
            until("\x1b[?1049l")
            assert process.wait(60) == 0
            assert process.stderr is not None
            assert process.stderr.read() == b""
        finally:
            process.kill()
    assert termios.tcgetattr(terminal) == before
    os.close(master)
    os.close(terminal)
