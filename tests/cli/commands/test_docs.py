"""`docs`: stale diagrams in pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from environments.lifecycle import Lifecycle
from statechart.diagram import render

MARKED = "<!-- statechart: environments.lifecycle:Lifecycle md -->\n<!-- /statechart -->\n"


@pytest.fixture
def readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "README.md"
    page.write_text(MARKED)
    return page


def test_stale_pages_are_found_by_check_and_replaced_by_write(cli: Any, readme: Path) -> None:
    checked, written, again = cli("docs", "check"), cli("docs", "write"), cli("docs", "check")

    assert (checked.code, written.code, again.code) == (8, 0, 0)
    assert "+| created " in checked.out
    assert "next: envchart docs write README.md" in checked.err
    assert "written: README.md" in written.err
    assert (written.out, again.out) == ("", "")
    assert render(Lifecycle, "md") in readme.read_text()


def test_the_document_lists_each_page_with_its_diff(cli: Any, readme: Path) -> None:
    stale, fresh = cli("docs", "check", "--json"), cli("docs", "write", "README.md", "--json")

    assert stale.code == 8
    (page,) = stale.document["pages"]
    assert (page["path"], page["diagrams"], page["fresh"]) == ("README.md", 1, False)
    assert "+| created " in page["diff"]
    assert fresh.document["pages"][0]["path"] == "README.md"


def test_an_error_in_a_page_is_reported_with_its_line(cli: Any, readme: Path) -> None:
    readme.write_text(f"\n{MARKED.splitlines()[0]}\n")

    checked = cli("docs", "check")

    assert checked.code == 2
    assert "README.md:2: the marker has no end" in checked.err
    assert cli("docs", "check", "--json").document["error"]["code"] == "page"
