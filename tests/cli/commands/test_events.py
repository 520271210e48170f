"""`events`: what happened to all environments, one line or document each."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest

from environments.storage.file import FileRepository
from tests.cli.conftest import HELLO, Cli, Ran

LONG = "--since=ev1.eNqrVipPTVKyilZKMTZOTjIFsnWMzHUMzS1NLQ2"


@pytest.fixture
def two(cli: Cli) -> None:
    for name in ("web", "api"):
        assert cli("create", name, "--app", HELLO).code == 0
    assert cli("provision", "web").code == 0


def documents(ran: Ran) -> list[dict[str, Any]]:
    assert ran.code == 0, ran.err
    return [json.loads(line) for line in ran.out.splitlines()]


def told(ran: Ran) -> list[str]:
    return [f"{each['name']} {each['state']}" for each in documents(ran)]


def test_events_are_lines_or_documents(cli: Cli, two: None, repository: FileRepository) -> None:
    lines = cli("events").out.splitlines()
    assert [line[22:] for line in lines] == [
        "web  created",
        "api  created",
        "web  provision: created → provisioning",
        "web  complete: provisioning → provisioned",
    ]

    last = documents(cli("events", "--json"))[-1]
    entry = repository.history("web")[-1]
    assert (last["seq"], last["at"], last["operation_id"]) == (
        entry.seq,
        entry.at.isoformat().replace("+00:00", "Z"),
        entry.operation_id,
    )
    assert {key: last[key] for key in ("name", "type", "event", "from_state", "to_state", "is_error")} == {
        "name": "web",
        "type": "transition",
        "event": "complete",
        "from_state": "provisioning",
        "to_state": "provisioned",
        "is_error": False,
    }
    assert any("step reserve_port done" in line for line in cli("events", "--all-records").out.splitlines())


def test_events_go_on_behind_a_cursor(cli: Cli, two: None, tmp_path: Path) -> None:
    everything = documents(cli("events", "--json"))
    rest = documents(cli("events", "--json", "--since", everything[1]["cursor"]))
    assert rest == everything[2:]

    assert told(cli("events", "--json", "--cursor", "told.txt")) == [
        f"{each['name']} {each['state']}" for each in everything
    ]
    assert (tmp_path / "told.txt").read_text().strip() == everything[-1]["cursor"]
    assert told(cli("events", "--json", "--cursor", "told.txt")) == []
    assert cli("destroy", "api", "--yes").code == 0
    assert told(cli("events", "--json", "--cursor", "told.txt", "--since", "1h")) == ["api destroyed"]


def test_events_are_chosen_by_name_and_time(cli: Cli, two: None) -> None:
    assert told(cli("events", "a*", "--json", "--since", "1h")) == ["api created"]
    assert told(cli("events", "--json", "--since", "2999-01-01")) == []
    assert len(told(cli("events", "--json", "--since", "2020-01-01T00:00"))) == 4
    assert "no events since then" in cli("events", "--since", "2999-01-01").err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--since", "yesterday"], 2, "--since 'yesterday' is no cursor, no time like"),
        (["--since", "-2h"], 2, "--since '-2h' is no cursor"),
        ([LONG], 2, "is not a cursor; copy the whole cursor"),
        (["wbe"], 3, "no environment matches 'wbe'"),
        (["--cursor", "junk.txt"], 2, "the cursor file junk.txt can't be used: it does not hold a whole"),
        (["--cursor", "missing/told.txt"], 1, "the cursor file missing/told.txt can't be written: No such"),
    ],
    ids=["no-time", "negative", "cut-cursor", "no-name", "junk-file", "no-directory"],
)
def test_wrong_input_is_refused(
    cli: Cli, two: None, tmp_path: Path, words: list[str], code: int, message: str
) -> None:
    (tmp_path / "junk.txt").write_text("junk")

    ran = cli("events", *words)

    assert ran.code == code
    assert message in ran.err
    assert "next: " in ran.err


def test_an_unreadable_environment_is_told_and_the_others_go_on(cli: Cli, two: None, data: Path) -> None:
    (data / "api" / "history.jsonl").write_text("junk")

    ran = cli("events")
    assert (ran.code, len(ran.out.splitlines())) == (7, 3)
    assert "api can't be read" in ran.err
    assert "next, for api: envchart recover api --rebase" in ran.err

    first, *others = map(json.loads, cli("events", "--json").out.splitlines())
    assert (first["name"], first["error"]["code"], len(others)) == ("api", "corrupt_history", 3)


def test_a_narrow_terminal_gets_one_line_an_event(cli: Cli, two: None, data: Path) -> None:
    parent, child = pty.openpty()
    words = ["--data-dir", str(data), "events", "--all-records", "web"]
    termios.tcsetwinsize(child, (20, 48))
    with os.fdopen(parent, "rb") as terminal:
        command = [sys.executable, "-m", "environments", *words]
        # The terminal has the width, and not the variable of whoever runs the tests.
        environ = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
        subprocess.run(command, stdout=child, check=True, timeout=60, env=environ)
        os.write(child, b"end\n")
        os.close(child)
        lines = [line.decode().rstrip() for line in iter(terminal.readline, b"end\r\n")]

    assert max(map(len, lines)) <= 48
    assert lines[-1].endswith("web  → provisioned")
    assert any(line.endswith("…") for line in lines)


def test_following_begins_now_and_ends_by_ctrl_c(cli: Cli, two: None, data: Path, tmp_path: Path) -> None:
    words = ["events", "--follow", "--cursor", "told.txt", "--json"]
    following = subprocess.Popen(
        [sys.executable, "-m", "environments", "--data-dir", str(data), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        text=True,
    )
    try:
        while not (tmp_path / "told.txt").exists():
            assert following.poll() is None, following.communicate()
        assert cli("destroy", "api", "--yes").code == 0
        assert following.stdout is not None
        first = json.loads(following.stdout.readline())
        following.send_signal(signal.SIGINT)
        out, err = following.communicate(timeout=60)
    finally:
        following.kill()

    assert (first["name"], first["to_state"]) == ("api", "destroyed")
    assert (out, err, following.returncode) == ("", "", 130)
    assert (tmp_path / "told.txt").read_text().strip() == first["cursor"]
    assert told(cli("events", "--json", "--cursor", "told.txt")) == []
