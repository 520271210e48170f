"""The parts of the conformance run, on documents of our own: `make conformance` fetches the suites."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.__main__ import PAGE, _problems
from tests.conformance.converted import Sismic, XState
from tests.conformance.copied import copied
from tests.conformance.fetched import NotFetched, _unpacked
from tests.conformance.machine import Machine
from tests.conformance.ours import Ours
from tests.conformance.page import OURS
from tests.conformance.reasons import REASONS
from tests.conformance.running import outcomes
from tests.conformance.suites import Case, scion

TURN = """<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0">
<state id="left"><transition event="turn" target="right"/></state>
<state id="right"><transition event="turn" target="left"/></state></scxml>"""

COUNT = """<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" datamodel="python" initial="s">
<datamodel><data id="n" expr="0"/><data id="bad" expr="nowhere"/></datamodel>
<state id="s">
  <onentry>
    <foreach array="[1, 2, 3]" item="each"><assign location="n" expr="n + each"/></foreach>
    <if cond="n == 6"><send event="late" delay="2s" id="x"/><else/><send event="never"/></if>
    <send event="later" delay="3s"><param name="sum" expr="n"/></send>
    <cancel sendid="x"/>
  </onentry>
  <transition event="error.execution" target="t"/>
</state>
<state id="t">
  <transition event="late" target="fail"/>
  <transition event="later" cond="_event.data.sum == 6 &amp;&amp; In('t')" target="pass"/>
</state>
<final id="pass"/><final id="fail"/></scxml>"""


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine, documents that end may take long."""
    monkeypatch.setattr("tests.conformance.running.PATIENCE", 120)


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    where = tmp_path / "test" / "own"
    where.mkdir(parents=True)
    (where / "turn.scxml").write_text(TURN)
    script: dict[str, Any] = {"initialConfiguration": ["left"]}
    script["events"] = [{"event": {"name": "turn"}, "nextConfiguration": ["right"]}]
    (where / "turn.json").write_text(json.dumps(script))
    script["events"].append({"event": {"name": "turn"}, "nextConfiguration": ["right"]})
    (where / "wrong.scxml").write_text(TURN)
    (where / "wrong.json").write_text(json.dumps(script))
    return tmp_path


def test_each_engine_passes_what_is_right_and_fails_what_is_wrong(suite: Path) -> None:
    right, wrong = scion(suite)
    engines = (Ours, Machine, XState, Sismic)

    assert right.structural
    assert outcomes([(right, engine) for engine in engines]) == ["pass"] * 4
    assert outcomes([(wrong, engine) for engine in engines]) == ["another state"] * 4


def test_a_document_with_data_errors_and_delays_runs_on_our_engine(tmp_path: Path) -> None:
    path = tmp_path / "count.scxml"
    path.write_text(COUNT)
    case = Case("W3C mandatory", "count", path, None, structural=False)

    assert case.run(Ours)


@pytest.mark.parametrize("part", ["<invoke src='x'/>", "<onentry><x:act xmlns:x='urn:x'/></onentry>"])
def test_what_the_run_has_not_is_told_as_such(tmp_path: Path, part: str) -> None:
    path = tmp_path / "invoke.scxml"
    path.write_text(TURN.replace("<transition", f"{part}<transition", 1))

    (outcome,) = outcomes([(Case("SCION", "x", path, None, structural=False), Ours)])

    assert outcome.startswith("needs ")


def test_a_document_that_never_ends_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.conformance.running.PATIENCE", 0.3)
    path = tmp_path / "endless.scxml"
    path.write_text(TURN.replace('event="turn" ', ""))

    (outcome,) = outcomes([(Case("SCION", "x", path, None, structural=False), Machine)])

    assert outcome == "does not end"


def test_a_failure_without_a_reason_and_a_reason_without_a_failure_are_told(suite: Path) -> None:
    right, wrong = scion(suite)
    (key, *_) = REASONS
    listed = Case(key[0], key[1], right.path, None, structural=False)

    found = list(_problems({right: "pass", wrong: "another state", listed: "pass"}))

    assert f"{wrong.suite} {wrong.name} is not passed (another state), and no reason is listed" in found
    assert any(f"{key[0]} {key[1]} is passed now" in problem for problem in found)
    assert len(found) == 2 + len(REASONS) - 1  # and all others are in no suite


def test_the_page_lists_each_document_that_is_not_passed() -> None:
    text = PAGE.read_text("utf-8")

    assert OURS in text
    for (_suite, name), reason in REASONS.items():
        assert name in text
        assert reason in text


def test_lines_that_are_copied_are_found(tmp_path: Path) -> None:
    package, mine, other = tmp_path / "package", tmp_path / "mine.py", tmp_path / "other.py"
    package.mkdir()
    lines = [f"this is line number {number} of a long text in a package" for number in range(8)]
    (package / "theirs.py").write_text("\n".join(lines))
    mine.write_text("\n".join(["first", *(f"    {line}" for line in lines[2:6]), "last"]))
    other.write_text("\n".join(lines[2:5]))

    (found,) = copied([package], [mine, other])

    assert found.startswith(f"{mine} has lines of theirs.py, from 'this is line number 2")


def test_what_can_not_be_fetched_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFetched, match="could not be fetched: no such package"):
        _unpacked(tmp_path / "x", ["sh", "-c", "echo no such package >&2; exit 1", "x"])
