"""`up`: the plan, and the environment brought up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

HELLO = Path(__file__).parents[3] / "examples" / "hello"


SPEC = f"name: hello\nprovider:\n  kind: local\n  app: {HELLO}\n"


def test_the_plan_of_a_missing_environment_starts_with_create_and_creates_nothing(
    cli: Any, file: Path, data: Path
) -> None:
    ran = cli("up", "--file", file, "--plan", "--json")

    assert ran.document == {
        "name": "hello",
        "target": "running",
        "plan": ["create", "provision", "configure", "release", "run"],
    }
    assert not data.exists()


def test_the_plan_lists_commands_ready_to_type(cli: Any, hello: str) -> None:
    assert cli("up", hello, "--to", "configured", "--plan").out == (
        "1. envchart provision hello\n2. envchart configure hello\n"
    )


def test_up_to_the_current_state_reports_that_nothing_was_done(cli: Any, hello: str) -> None:
    ran = cli("up", hello, "--to", "created")

    assert (ran.code, ran.out) == (0, "hello is created\n")
    assert "hello is already created: nothing was done" in ran.err


def test_up_to_a_state_without_a_plan_is_not_allowed(cli: Any, hello: str) -> None:
    ran = cli("up", hello, "--to", "destroyed")

    assert ran.code == 4
    assert "plans lead to provisioned, configured, released, running" in ran.err


def test_up_with_a_spec_that_differs_from_the_record_is_a_conflict(cli: Any, file: Path) -> None:
    cli("create", "--file", file)

    assert cli("up", "--file", file, "--plan").code == 0
    file.write_text(SPEC + "  port: 8080\n")
    ran = cli("up", "--file", file)
    assert ran.code == 5
    assert "next: envchart update hello --file FILE" in ran.err
