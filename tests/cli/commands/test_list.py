"""`list`: one line for each environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

HELLO = Path(__file__).parents[3] / "examples" / "hello"


def test_a_link_in_the_place_of_an_environment_is_listed_as_unreadable(
    cli: Any, hello: str, data: Path, tmp_path: Path
) -> None:
    (data / "notes").symlink_to(HELLO / "app.py")  # of no directory, as other files are
    (data / hello).rename(tmp_path / "elsewhere")
    for target in (tmp_path / "elsewhere", tmp_path / "nowhere"):
        (data / hello).unlink(missing_ok=True)
        (data / hello).symlink_to(target)
        for words in (("list",), ("verify", "--all"), ("recover", "--all"), ("drift", "--all")):
            ran = cli(*words)
            assert ran.code in (7, 8)
            assert f"{data / hello} is a symbolic link" in ran.out + ran.err
            assert "notes" not in ran.out + ran.err


def test_list_prints_a_line_for_each_environment(cli: Any, hello: str) -> None:
    cli("create", "other", "--app", HELLO)

    lines = cli("list").out.splitlines()

    assert [line.replace("◦ ", "").split()[1] for line in lines] == ["NAME", "hello", "other"]
    assert all(line.startswith("◦ created ") for line in lines[1:])


def test_an_unreadable_environment_is_listed_with_its_error(cli: Any, hello: str, data: Path) -> None:
    cli("create", "broken", "--app", HELLO)
    (data / "broken" / "history.jsonl").write_text("")

    ran, as_json = cli("list"), cli("list", "--json")

    assert (ran.code, as_json.code) == (7, 7)
    assert "? unreadable  broken" in ran.out
    assert "the history of 'broken' is damaged" in ran.out
    assert ran.err.startswith("2: 1 created, 1 unreadable\n")
    assert "next, for broken:" in ran.err
    assert [found["name"] for found in as_json.document["environments"]] == ["hello"]
    assert as_json.document["unreadable"][0]["error"]["code"] == "corrupt_history"


def test_an_empty_list_names_the_data_directory_and_the_first_command(cli: Any, data: Path) -> None:
    ran = cli("list")

    assert (ran.code, ran.out) == (0, "")
    assert f"no environments in {data}, which does not exist" in ran.err
    data.mkdir()
    assert f"no environments in {data}\n" in cli("list").err
    (data / "notes.txt").touch()
    assert f"no environments in {data}\n" in cli("list").err


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"schema_version": 3', b'"schema_version": 3.0'),
        (b'"seq": 1', b'"seq": true'),
        (b'"seq": 1', b'"seq": -1'),
    ],
)
def test_a_document_that_names_no_record_is_left_to_the_journal(
    cli: Any, hello: str, data: Path, old: bytes, new: bytes
) -> None:
    document = data / hello / "state.json"
    document.write_bytes(document.read_bytes().replace(old, new))

    assert [cli(*words).code for words in (("list",), ("show", hello))] == [7, 7]


def test_a_document_that_is_nested_too_deeply_is_not_read(cli: Any, hello: str, data: Path) -> None:
    document = data / hello / "state.json"
    deep = b'{"a":' * 1000 + b"1" + b"}" * 1000
    document.write_bytes(document.read_bytes().replace(b'"details": {}', b'"details": ' + deep))

    ran = cli("list")

    assert (ran.code, "◦ created" in ran.out) == (cli("show", hello).code, True)
