"""`diagram`: formats, marks and files."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from environments.lifecycle import Lifecycle
from environments.testing import ScriptedProvider
from statechart.graph import states


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("format", ["mermaid", "dot", "md", "text"])
def test_a_diagram_contains_every_state(cli: Any, format: str) -> None:

    text = cli("diagram", "--format", format).out

    assert [state for state in states(Lifecycle) if state not in text] == []


def test_a_diagram_marks_the_state_of_an_environment(cli: Any, dying: Path, tmp_path: Path) -> None:
    cli("up", "web", "--app", dying)

    document = cli("diagram", "--of", "web", "--json").document
    written = cli("diagram", "--of", "web", "--output", "chart.mmd")

    assert (document["current"], document["failed"]) == ("run_failed", "run_failed")
    assert document["diagram"] != cli("diagram", "--json").document["diagram"]
    assert (written.code, written.out) == (0, "")
    assert (tmp_path / "chart.mmd").read_text().strip() == document["diagram"].strip()
    cli("destroy", "web", "--yes")


def test_a_diagram_marks_the_path_of_an_environment(
    cli: Any, created: Any, scripted_provider: ScriptedProvider
) -> None:
    scripted_provider.fails["second_configure"] = [OSError("no route to host")]
    cli("up", "demo")

    drawn = cli("diagram", "--of", "demo").out
    graph = json.loads(cli("diagram", "--of", "demo", "--format", "json").out)

    time = r"\d\d#58;\d\d#58;\d\dZ"
    assert re.search(rf"s_created --> s_provisioning : provision \(1 at {time}\)", drawn)
    assert re.search(rf"s_configuring --> s_configure_failed : fail \(4 at {time}\)", drawn)
    assert "class s_configure_failed failed" in drawn
    assert "configure failed at step second_configure" in drawn
    assert [visit["event"] for visit in graph["marks"]["visits"]] == [
        "provision",
        "complete",
        "configure",
        "fail",
    ]


def test_a_diagram_is_written_to_a_file(cli: Any, tmp_path: Path) -> None:
    written = cli(
        "diagram", "--format", "dot", "--path", "provision,fail", "-o", str(tmp_path / "chart.dot")
    )

    assert written.code == 0
    assert (tmp_path / "chart.dot").read_text().startswith('digraph "Lifecycle" {')


SUFFIXES = [
    ("c.svg", b"<svg "),
    ("c.png", b"\x89PNG"),
    ("c.SVG", b"<svg "),
    ("c.md", b"| State"),
    ("c.rst", b"+--"),
    ("c.json", b"{\n"),
    ("c.gv", b"digraph"),
    ("c.txt", b"Lifecycle\n"),
    ("c", b"stateDiagram-v2"),
]


def test_a_file_has_the_format_of_its_suffix(cli: Any, tmp_path: Path) -> None:
    for name, begins in SUFFIXES:
        written = cli("diagram", "--output", name)

        assert (name, written.code, written.err) == (name, 0, f"written to {name}\n")
        assert (tmp_path / name).read_bytes().startswith(begins), name


def test_a_dash_is_stdout(cli: Any, tmp_path: Path) -> None:
    printed = cli("diagram", "--output", "-", "--format", "svg")

    assert (printed.code, printed.out[:5], printed.err) == (0, "<svg ", "")
    assert not (tmp_path / "-").exists()


def test_the_look_of_a_picture_is_chosen(cli: Any) -> None:
    level, upright, dark = (
        cli("diagram", *words).out
        for words in (
            ("--format", "svg"),
            ("--upright", "--layout", "line"),
            ("--theme", "dark", "--path", "provision"),
        )
    )

    assert level.startswith("<svg ")
    assert "prefers-color-scheme" in level
    assert upright.startswith("<svg ")
    assert "var(--" not in dark


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--format svg --layout lien", "there is no layout 'lien': use auto, line, layered, dot"),
        ("--format svg --theme drak", "there is no theme 'drak': use auto, light, dark"),
        (
            "--format text --upright --theme dark",
            "--upright, --theme can't be used with text, only with svg",
        ),
        ("--layout dot --theme dark", "--layout dot has light colours only"),
        ("--format png --json", "png is not text: write it to a file"),
        ("--output chart.pdf", "no format has the suffix .pdf: use .svg, .png, .md"),
    ],
)
def test_a_look_that_is_not_there_is_refused(cli: Any, words: str, said: str) -> None:
    refused = cli("diagram", *words.split())

    assert (refused.code, refused.out == "" or "--json" in words) == (2, True)
    assert said in refused.err + refused.out
    assert "envchart diagram --" in refused.err + refused.out


def test_a_terminal_shows_an_environment_as_text(
    cli: Any, created: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("provision", "demo")
    piped = cli("diagram", "--of", "demo", "--format", "text").out
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", "60")

    cli("diagram", "--of", "demo")

    shown = terminal.getvalue()
    assert "Now: ▶ provisioned: demo, here since" in shown
    assert "complete (2)" in shown
    assert max(map(len, shown.splitlines())) <= 60 < max(map(len, piped.splitlines())) <= 80
