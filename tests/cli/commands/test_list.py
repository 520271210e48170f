"""`list`: one line for each environment."""

from __future__ import annotations

import fcntl
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

HELLO = Path(__file__).parents[3] / "examples" / "hello"
FORMATS = Path(__file__).parents[2] / "formats" / "3" / "data"


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


@pytest.fixture
def four(cli: Any, data: Path) -> None:
    """Environments of two teams; one has failed, and one has expired."""
    cli("create", "api", "--app", HELLO, "--label", "team=api")
    cli("create", "pr-1", "--app", HELLO, "--label", "team=web", "--expires", "8h")
    cli("create", "pr-2", "--app", HELLO, "--label", "team=web")
    shutil.copytree(FORMATS / "failed", data / "failed")


def names(ran: Any) -> list[str]:
    return [line[2:].split()[1] for line in ran.out.splitlines()[1:]]


def test_a_list_is_selected_sorted_and_counted(cli: Any, four: None) -> None:
    for words, found, counted in (
        ("", "api failed pr-1 pr-2", "4: 3 created, 1 failed"),
        ("pr-* api", "api pr-1 pr-2", "3 of 4: 3 created"),
        ("-l team=web", "pr-1 pr-2", "2 of 4: 2 created"),
        ("--label team!=web --state created", "api", "1 of 4: 1 created"),
        ("--failed", "failed", "1 of 4: 1 failed"),
        ("--state failed", "failed", "1 of 4: 1 failed"),
        ("--expired", "", "none of 4 is selected"),
        ("--sort -name", "pr-2 pr-1 failed api", "4: 3 created, 1 failed"),
        ("--sort label:team -l team", "api pr-1 pr-2", "3 of 4: 3 created"),
    ):
        ran = cli("list", *words.split())
        assert (ran.code, names(ran), ran.err) == (0, found.split(), counted + "\n"), words
    assert "expires in 8 h" in cli("list", "pr-1").out
    assert cli("list", "--columns", "name,label:team", "api").out == "NAME  LABEL:TEAM\napi   api\n"
    grouped = cli("list", "--columns", "name", "--group-by", "team").out
    assert grouped.split("\n\n")[1:] == [
        "team=api (1)\napi",
        "team=web (2)\npr-1\npr-2",
        "without team (1)\nfailed\n",
    ]
    (found,) = cli("list", "pr-1", "--json").document["environments"]
    assert found["labels"] == {"team": "web"}
    assert (found["class"], found["release"], found["note"]) == ("created", None, None)
    assert found["expires_at"] > found["created_at"]


def test_what_can_not_be_listed_is_refused_in_one_message(cli: Any, four: None) -> None:
    for words, code, message in (
        ("pr-1 pr-3", 3, "no environment matches 'pr-3'; did you mean 'pr-2'?"),
        ("zzz*", 3, "no environment matches 'zzz*'"),
        ("-l tema=web", 2, "no environment has the label 'tema'; did you mean 'team'?"),
        ("--group-by tema", 2, "no environment has the label 'tema'; did you mean 'team'?"),
        ("--columns name,label:tema", 2, "no environment has the label 'tema'; did you mean 'team'?"),
        ("-l =web", 2, "the label '=web': its key is empty"),
        ("--state runing", 2, "there is no state 'runing'; did you mean 'running'?"),
        ("--sort nmae", 2, "--sort: there is no column 'nmae'; did you mean 'name'?"),
        ("--columns name,aeg", 2, "--columns: there is no column 'aeg'; did you mean 'age'?"),
        ("--watch", 2, "--watch has no end, and --json needs one"),
    ):
        ran = cli("list", "--json", *words.split())
        assert ran.code == code, words
        assert ran.error["message"].startswith(message), words


def test_an_output_without_the_signs_gets_plain_ones(process: Any, cli: Any, four: None) -> None:
    ran = process("list", env={**os.environ, "PYTHONIOENCODING": "ascii"})

    assert [line.split()[0] for line in ran.out.splitlines()] == ["STATE", ".", "x", ".", "."]


def test_an_empty_directory_has_no_name_and_no_unknown_label(cli: Any, data: Path) -> None:
    assert cli("list", "web").code == 3
    assert cli("list", "-l", "team=web", "--group-by", "team").code == 0


def test_the_workspace_file_has_defaults_which_typed_options_replace(
    cli: Any, four: None, tmp_path: Path
) -> None:
    (tmp_path / ".envchart.toml").write_text(
        "[list]\nstate = 'created'\nlabel = 'team=web'\nsort = '-name'\ncolumns = 'name'\n"
    )
    for words, found in {
        "": "NAME pr-2 pr-1",
        "--label team": "NAME pr-2 pr-1 api",
        "--failed -l !team": "NAME failed",
        "failed": "NAME failed",
        "--all --sort name": "NAME api failed pr-1 pr-2",
    }.items():
        assert cli("list", *words.split()).out.split() == found.split(), words
    # A label of the file need not exist yet, and a column has to.
    (tmp_path / ".envchart.toml").write_text("[list]\nlabel = 'tema'\ngroup_by = 'tema'\n")
    ran = cli("list")
    assert (ran.code, ran.err) == (0, "none of 4 is selected\nnext: envchart list --all\n")
    (tmp_path / ".envchart.toml").write_text("[list]\ncolumns = 'nmae'\n")
    assert f"columns in {tmp_path / '.envchart.toml'}: there is no column 'nmae'" in cli("list").err


@contextmanager
def watched(data: Path, *words: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Run `list --watch`; it is ended if a test fails."""
    command = [sys.executable, "-m", "environments", "--data-dir", str(data), "list", "--watch", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_watched_list_prints_what_changes_and_ends_by_ctrl_c(cli: Any, four: None, data: Path) -> None:
    with watched(data, "pr-*", stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert [process.stdout.readline().split()[0] for _ in range(3)] == ["STATE", "◦", "◦"]

        cli("destroy", "pr-2", "--yes")
        changed = [process.stdout.readline()]
        while "destroyed" not in changed[-1]:
            changed.append(process.stdout.readline())
        cli("purge", "pr-2", "--yes")
        changed.append(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        rest, said = process.communicate(timeout=60)

    assert all("pr-2" in line for line in changed)
    assert changed[-1] == "- purged: pr-2\n"
    assert (process.returncode, rest, said) == (130, "", "2 of 4: 2 created\n")


def test_a_watched_list_that_was_empty_has_a_heading(cli: Any, data: Path) -> None:
    with watched(data, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stderr.readline() == f"no environments in {data}\n"
        cli("create", "web", "--app", HELLO)
        assert [process.stdout.readline().split()[0] for _ in range(2)] == ["STATE", "◦"]


def test_a_list_on_a_terminal_is_drawn_in_place_and_no_higher(cli: Any, four: None, data: Path) -> None:
    master, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 5, 60, 0, 0))
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": "1"}
    with watched(data, stdout=terminal, env=environment) as process:
        drawn = _read_until(master, "4: 3 created, 1 failed")
        cli("destroy", "api", "--yes")
        again = _read_until(master, "1 destroyed")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert os.read(master, 4096).endswith(b"\r\n")  # for the prompt, after the ^C of the terminal
        assert process.stderr is not None
        assert process.stderr.read() == ""
    os.close(master)
    os.close(terminal)

    assert "✗ provision_failed" in drawn  # what needs attention, of what does not fit
    assert "… 3 more lines" in drawn
    assert drawn.count("\n") < 5
    assert "\x1b[4A" in again


def _read_until(master: int, text: str) -> str:
    found = b""
    while text not in found.decode(errors="replace"):
        found += os.read(master, 4096)
    return found.decode()
