"""Log messages on stderr and in the log file."""

from __future__ import annotations

import json
import logging
from datetime import datetime
from pathlib import Path
from typing import Any


def test_transitions_are_logged_on_stderr_with_the_verbose_option(cli: Any, hello: str) -> None:
    silent, verbose = cli("provision", hello), cli("configure", hello, "-v")

    assert "Environment state transition" not in silent.err
    assert verbose.err.count("info: Environment state transition") == 2
    assert "event=complete from_state=configuring to_state=configured" in verbose.err
    assert "debug: " in cli("release", hello, "-vv").err
    cli("destroy", hello, "--yes")


def test_the_log_file_has_one_json_object_per_line(cli: Any, hello: str, tmp_path: Path) -> None:
    cli("provision", hello, "--log-file", "log.jsonl")
    cli("destroy", hello, "--yes", "--log-file", "log.jsonl")

    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]

    transitions = [line for line in lines if line["message"] == "Environment state transition"]
    assert [line["to_state"] for line in transitions] == ["provisioning", "provisioned", "destroyed"]
    assert all(datetime.fromisoformat(line["time"]).tzinfo for line in lines)


def test_the_logging_module_is_left_alone(cli: Any, hello: str) -> None:
    before = list(logging.getLogger().handlers)

    cli("show", hello, "-vv")

    assert logging.getLogger().handlers == before
