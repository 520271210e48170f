"""`logs`: the last lines, and following."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any


def test_logs_of_an_environment_that_never_ran_are_empty_with_a_note(cli: Any, hello: str) -> None:
    ran = cli("logs", hello)

    assert (ran.code, ran.out) == (0, "")
    assert "no service of it has said anything" in ran.err
    assert cli("logs", hello, "--json").document == {"name": "hello", "files": [], "lines": []}
    assert "no failure has left a trace" in cli("logs", hello, "--trace").err


def test_logs_prints_the_last_lines(cli: Any, dying: Path, data: Path) -> None:
    cli("up", "web", "--app", dying)
    with (data / "web" / "local" / "service.log").open("a") as log:
        log.write("".join(f"line {number}\n" for number in range(100)))

    assert cli("logs", "web", "-n", "2").out == "line 98\nline 99\n"
    assert cli("logs", "web", "-n", "0").out == ""
    assert cli("logs", "web", "-n", "1", "--json").document["lines"] == ["line 99"]
    cli("destroy", "web", "--yes")


def test_a_log_is_followed_through_a_rotation_until_it_is_removed(cli: Any, hello: str, data: Path) -> None:
    log = data / hello / "local" / "service.log"
    log.parent.mkdir()
    log.write_text("first\n")
    words = [sys.executable, "-m", "environments", "--data-dir", str(data), "logs", hello, "--follow"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None

        assert following.stdout.readline() == "first\n"
        with log.open("a") as grown:
            grown.write("second\n")
        assert following.stdout.readline() == "second\n"
        log.rename(log.with_name("service.log.1"))
        log.write_text("third\n")
        assert following.stdout.readline() == "third\n"
        log.unlink()

    assert following.returncode == 0


def test_following_a_log_ends_with_ctrl_c(cli: Any, hello: str, data: Path) -> None:
    log = data / hello / "local" / "service.log"
    log.parent.mkdir()
    log.write_text("first\n")
    words = [sys.executable, "-m", "environments", "--data-dir", str(data), "logs", hello, "-F"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        following.stdout.readline()
        following.send_signal(signal.SIGINT)
        _, said = following.communicate()

    assert following.returncode == 130
    assert said == ""  # the usual end is no error
