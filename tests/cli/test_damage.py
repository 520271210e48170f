"""Damaged or unusable storage."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HELLO = Path(__file__).parents[2] / "examples" / "hello"


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
        place / "state.json", '"schema_version": 2', '"schema_version": 9'
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
