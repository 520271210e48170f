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
