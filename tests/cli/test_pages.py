"""`envchart docs`, and what `envchart diagram --of` shows of a history."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from environments.lifecycle import Lifecycle
from environments.testing import ScriptedProvider
from statechart.diagram import render

MARKED = "<!-- statechart: environments.lifecycle:Lifecycle md -->\n<!-- /statechart -->\n"


@pytest.fixture
def readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "README.md"
    page.write_text(MARKED)
    return page


def test_docs_are_checked_and_written(cli: Any, readme: Path) -> None:
    checked, written, again = cli("docs", "check"), cli("docs", "write"), cli("docs", "check")

    assert (checked.code, written.code, again.code) == (8, 0, 0)
    assert "+| created " in checked.out
    assert "next: envchart docs write README.md" in checked.err
    assert "written: README.md" in written.err
    assert (written.out, again.out) == ("", "")
    assert render(Lifecycle, "md") in readme.read_text()


def test_docs_tell_all_as_json(cli: Any, readme: Path) -> None:
    stale, fresh = cli("docs", "check", "--json"), cli("docs", "write", "README.md", "--json")

    assert stale.code == 8
    (page,) = stale.document["pages"]
    assert (page["path"], page["diagrams"], page["fresh"]) == ("README.md", 1, False)
    assert "+| created " in page["diff"]
    assert fresh.document["pages"][0]["path"] == "README.md"


def test_a_page_that_is_wrong_is_told_with_its_line(cli: Any, readme: Path) -> None:
    readme.write_text(f"\n{MARKED.splitlines()[0]}\n")

    checked = cli("docs", "check")

    assert checked.code == 2
    assert "README.md:2: the marker has no end" in checked.err
    assert cli("docs", "check", "--json").document["error"]["code"] == "page"


def test_a_diagram_marks_what_an_environment_went_through(
    cli: Any, created: Any, scripted_provider: ScriptedProvider
) -> None:
    scripted_provider.fails["second_configure"] = [OSError("no route to host")]
    cli("up", "demo")

    drawn = cli("diagram", "--of", "demo").out
    graph = json.loads(cli("diagram", "--of", "demo", "--format", "json").out)

    time = r"\d\d#58;\d\d#58;\d\dZ"
    assert re.search(rf"created --> provisioning : provision \(1 at {time}\)", drawn)
    assert re.search(rf"configuring --> configure_failed : fail \(4 at {time}\)", drawn)
    assert "class configure_failed failed" in drawn
    assert "configure failed at step second_configure" in drawn
    assert [visit["event"] for visit in graph["marks"]["visits"]] == [
        "provision",
        "complete",
        "configure",
        "fail",
    ]


def test_a_picture_is_written_to_a_file(cli: Any, tmp_path: Path) -> None:
    written = cli(
        "diagram", "--format", "dot", "--path", "provision,fail", "-o", str(tmp_path / "chart.dot")
    )

    assert written.code == 0
    assert (tmp_path / "chart.dot").read_text().startswith('digraph "Lifecycle" {')
