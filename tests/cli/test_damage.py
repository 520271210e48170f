"""Damaged or unusable storage."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

HELLO = Path(__file__).parents[2] / "examples" / "hello"
FORMATS = Path(__file__).parents[1] / "formats" / "2" / "data"


def test_a_data_directory_that_is_a_file_is_unusable_storage(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    ran = cli("create", "web", "--app", HELLO, "--data-dir", "file")

    assert ran.code == 7
    assert "next: " in ran.err


DAMAGE: dict[str, Callable[[Path], object]] = {
    "an empty journal": lambda place: (place / "history.jsonl").write_text(""),
    "no journal": lambda place: (place / "history.jsonl").unlink(),
    "a journal edited by hand": lambda place: _replace(place / "history.jsonl", "created", "destroyed"),
    "a document edited by hand": lambda place: _replace(place / "state.json", '"created"', '"running"'),
    "a newer document": lambda place: _replace(
        place / "state.json", '"schema_version": 3', '"schema_version": 9'
    ),
    "a link for a journal": lambda place: _link(place / "history.jsonl"),
}


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def _link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("command", ["show", "provision", "history"])
def test_damaged_files_are_refused_and_left_alone(
    cli: Any, hello: str, data: Path, damage: str, command: str
) -> None:
    DAMAGE[damage](data / hello)
    before = {path: path.read_bytes() for path in (data / hello).iterdir()}

    ran = cli(command, hello)

    assert ran.code == 7
    assert "error: " in ran.err
    assert "next: " in ran.err
    assert {path: path.read_bytes() for path in (data / hello).iterdir()} == before


@pytest.mark.parametrize("damage", ["", "{"], ids=["empty", "torn"])
def test_a_lost_document_is_restored_from_the_journal_with_a_warning(
    cli: Any, hello: str, data: Path, damage: str
) -> None:
    (data / hello / "state.json").write_text(damage)

    assert cli("show", hello, "--json").document["state"] == "created"
    assert "warning: Mended 'hello'" in cli("destroy", hello, "--yes").err


def test_a_copied_directory_is_refused(cli: Any, hello: str, data: Path) -> None:
    shutil.copytree(data / hello, data / "copy")

    ran = cli("destroy", "copy", "--yes", "--json")

    assert ran.code == 7
    assert ran.error["code"] == "not_ours"
    assert cli("show", hello).code == 0


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00"])
def test_an_impossible_moment_damages_its_own_environment_only(
    cli: Any, hello: str, data: Path, moment: str
) -> None:
    cli("create", "good", "--app", HELLO)
    journal = data / hello / "history.jsonl"
    line = {"seq": 2, "revision": 2, "type": "x", "at": moment, "actor": "a", "operation": None}
    rest = {"schema_version": 2, "prev": "x", "data": {}, "value": None}
    journal.write_bytes(journal.read_bytes() + json.dumps({**line, **rest}).encode() + b"\n")

    listed, verified = cli("list"), cli("verify", "--all")

    assert (listed.code, verified.code) == (7, 8)
    assert "good" in listed.out
    assert "good: 1 record, 0 transitions, all sound" in verified.out
    shown = cli("show", hello)
    assert shown.code == 7
    assert f"{journal}, line 2" in shown.err
    assert cli("recover", "--all").code == 7
    assert cli("recover", hello, "--rebase", "--yes").code == 0
    assert cli("show", hello).code == 0


ODD_FILES = (b"", b"null", b"[" * 50_000, b'{"a":' * 50_000, b'{"lineage": 3, "pid": -1}', b"9" * 5_000)


def test_odd_files_beside_the_journal_are_no_bug(cli: Any, hello: str, data: Path) -> None:
    assert cli("up", hello, "--to", "configured").code == 0
    local, document = data / hello / "local", data / hello / "state.json"
    port, whole = next((data / ".ports").glob("[0-9]*")), document.read_bytes()
    files = (data / ".locks" / f"{hello}.lock", port, local / ".envchart.json", local / "instance.json")

    for odd in ODD_FILES:
        for path in files:
            path.write_bytes(odd)
        assert (cli("show", hello).code, cli("why", hello).code) == (0, 0)
        assert cli("drift", hello).code in (6, 8)
        assert cli("unlock", hello).code == 4
        document.write_bytes(odd)
        assert {cli(*words).code for words in (("show", hello), ("list",), ("recover", "--all"))} <= {0, 7}
        document.write_bytes(whole)


@pytest.mark.parametrize("name", ["Upper", "dotted.name"])
def test_a_directory_of_another_name_is_reported_and_hides_no_environment(
    cli: Any, hello: str, data: Path, name: str
) -> None:
    shutil.copytree(data / hello, data / name)

    listed, verified = cli("list"), cli("verify")

    assert (listed.code, verified.code) == (7, 8)
    assert f"{name} is a copy" in listed.out
    assert f"{name} can't be an environment: its name" in verified.out
    assert f"{hello}: 1 record" in verified.out
    assert f"◦ created     {hello} " in listed.out
    assert cli("recover", "--all").code == 7


def test_an_open_operation_of_a_damaged_journal_hides_no_other_environment(
    cli: Any, hello: str, data: Path
) -> None:
    shutil.copytree(FORMATS / "interrupted", data / "interrupted")
    _replace(data / "interrupted" / "history.jsonl", '"seq":1,', '"seq":3,')

    ran = cli("list")

    assert ran.code == 7
    assert f"◦ created     {hello} " in ran.out
    assert "the history of 'interrupted' is damaged" in ran.out


@pytest.mark.parametrize("trace", ["/dev/zero", "../../elsewhere", "traces/a\0b"])
def test_a_record_leads_to_no_file_that_is_not_a_trace(
    cli: Any, hello: str, data: Path, trace: str
) -> None:
    journal = FORMATS / "failed" / "history.jsonl"
    *before, last = journal.read_bytes().splitlines(keepends=True)
    (data / "failed").mkdir()
    changed = last.replace(b'"traces/t.log"', json.dumps(trace).encode())
    (data / "failed" / "history.jsonl").write_bytes(b"".join((*before, changed)))

    why, logs = cli("why", "failed"), cli("logs", "failed", "--trace")

    assert (why.code, logs.code) == (0, 7)
    assert "The end of the trace" not in why.out
    assert "leads out of" in logs.err


def test_a_step_that_can_not_be_applied_is_damage_with_its_line(cli: Any, hello: str, data: Path) -> None:
    first, *_ = (FORMATS / "failed" / "history.jsonl").read_bytes().splitlines(keepends=True)
    step = {"seq": 2, "revision": 1, "type": "step", "at": "2026-01-01T00:00:00Z", "actor": "ann"}
    data_ = {"phase": "failure", "step": "reserve_port", "summary": "no port"}
    rest = {"operation": None, "schema_version": 2, "prev": sha256(first).hexdigest(), "data": data_}
    (data / "failed").mkdir()
    journal = data / "failed" / "history.jsonl"
    journal.write_bytes(first + json.dumps({**step, **rest, "value": None}).encode() + b"\n")

    for command in ("show", "why", "recover"):
        ran = cli(command, "failed")
        assert (ran.code, f"{journal}, line 2" in ran.err) == (7, True), command
    assert cli("verify", "--all").code == 8
    assert f"\n{hello}: 1 record" in cli("verify", "--all").out
