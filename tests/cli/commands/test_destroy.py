"""`destroy` and `purge`: the confirmation, and the states that allow them."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize("words", [("destroy", "hello"), ("purge", "hello")])
def test_without_a_terminal_nothing_is_removed(cli: Any, hello: str, words: tuple[str, ...]) -> None:
    if words[0] == "purge":
        cli("destroy", hello, "--yes")

    ran = cli(*words)

    assert ran.code == 2
    assert f"next: envchart {' '.join(words)} --yes" in ran.err
    assert cli("show", hello).code == 0


@pytest.mark.parametrize(("answer", "code"), [("n", 2), ("", 2), ("maybe", 2), ("y", 0)])
def test_destroy_asks_for_confirmation_on_a_terminal(
    hello: str, data: Path, answer: str, code: int
) -> None:
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "environments", "--data-dir", str(data), "destroy", hello]
    os.write(ours, f"{answer}\n".encode())

    done = subprocess.run(words, stdin=theirs, capture_output=True, text=True, timeout=120, check=False)

    os.close(ours)
    os.close(theirs)
    assert done.returncode == code
    assert "hello is created. Destroy its resources? [y/N]" in done.stderr
    assert ("not confirmed; nothing was done" in done.stderr) == (code == 2)
    assert done.stdout == ("hello is destroyed\n" if code == 0 else "")


def test_purge_is_refused_before_destroy(cli: Any, hello: str) -> None:
    ran = cli("purge", hello, "--yes")

    assert ran.code == 4
    assert "next: envchart destroy hello" in ran.err


def test_a_second_destroy_is_refused_and_suggests_purge(cli: Any, hello: str) -> None:
    cli("destroy", hello, "--yes")

    ran = cli("destroy", hello)

    assert ran.code == 4
    assert "next: envchart purge hello" in ran.err
    assert cli("purge", hello, "--yes", "--json").document == {"name": "hello", "purged": True}
    assert cli("list", "--json").document == {"environments": [], "unreadable": []}
