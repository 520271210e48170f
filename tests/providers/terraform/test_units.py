"""Unit files: values are quoted so that systemd preserves them."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from environments.providers.terraform.host_program.launch import Launch
from environments.providers.terraform.host_program.refused import Refused
from environments.providers.terraform.host_program.unit import (
    argument,
    env_file,
    globbed,
    mark,
    path,
    quoted,
    unit,
)
from tests.providers import nasty

HOSTILE = nasty.VARIABLES


def launched(root: Path, **changes: Any) -> Launch:
    facts = {
        "program": "/usr/bin/env",
        "words": ["env", "python3", "app.py"],
        "directory": root / "releases" / "0123456789ab",
        "env": HOSTILE,
        "user": pwd.getpwuid(os.geteuid()),
        "log": root / "service.log",
    }
    return Launch(**{**facts, **changes})


def test_an_environment_file_preserves_every_value(tmp_path: Path) -> None:
    """Read by a shell, whose rules for quotes and escapes systemd follows."""
    (tmp_path / "service.env").write_text(env_file(HOSTILE), newline="")
    script = f"set -a; . '{tmp_path}/service.env'; exec env -0"
    ran = subprocess.run(["sh", "-c", script], capture_output=True, check=True)
    seen = dict(line.split("=", 1) for line in ran.stdout.decode().split("\0")[:-1])
    assert {name: seen.get(name) for name in HOSTILE} == HOSTILE


def test_a_value_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(Refused, match="the variable KEY is not UTF-8"):
        env_file({"KEY": os.fsdecode(b"\xff")})


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("plain", '"plain"'),
        ("", '""'),
        (";", '";"'),
        ('a"b', r'"a\"b"'),
        ("a\\b", r'"a\\b"'),
        ("100%", '"100%%"'),
        ("${HOME} $HOME", '"$${HOME} $$HOME"'),
        ("a\tb\nc", r'"a\x09b\x0ac"'),
        ("é", '"é"'),
        (os.fsdecode(b"\xff"), r'"\xff"'),
    ],
)
def test_arguments_of_a_command_line_are_preserved(word: str, written: str) -> None:
    """Source: systemd.service(5), "Command lines"."""
    assert argument(word) == written


def test_variables_in_the_name_of_the_program_are_not_escaped() -> None:
    assert quoted("/opt/$a/%b") == '"/opt/$a/%%b"'


def test_specifiers_and_patterns_in_paths_are_escaped() -> None:
    assert path(Path("/opt/100%/[a]*")) == "/opt/100%%/[a]*"
    assert globbed("/opt/[a]*?\\") == r"/opt/\[a\]\*\?\\"


def test_a_unit_has_no_variables_of_the_service() -> None:
    root = Path("/opt/envchart-web")
    text = unit(root, launched(root, env={"PASSWORD": "hunter2"}), 5)

    assert "hunter2" not in text
    assert text.splitlines()[0] == mark(root)
    assert "EnvironmentFile=/opt/envchart-web/service.env" in text


def test_a_grace_of_zero_is_not_unlimited() -> None:
    """Source: systemd.service(5): TimeoutStopSec=0 means no limit."""
    root = Path("/opt/envchart-web")
    assert "TimeoutStopSec=1ms" in unit(root, launched(root), 0)
    assert "TimeoutStopSec=2500ms" in unit(root, launched(root), 2.5)


@pytest.mark.parametrize("directory", ["opt", """a "b' %n $HOME [x] \\y*"""])
def test_systemd_accepts_the_unit(tmp_path: Path, directory: str) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze")
    root = tmp_path / directory / "envchart-web"
    (root / "releases" / "0123456789ab").mkdir(parents=True)
    (root / "service.env").write_text(env_file(HOSTILE))
    file = tmp_path / "envchart-web.service"
    file.write_text(unit(root, launched(root, words=["env", *HOSTILE.values()]), 5))

    ran = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(file)], capture_output=True, text=True, check=False
    )
    assert [line for line in ran.stderr.splitlines() if "envchart" in line] == []
