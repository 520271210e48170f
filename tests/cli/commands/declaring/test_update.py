"""`update`: changes of the spec."""

from __future__ import annotations

from pathlib import Path
from typing import Any

HELLO = Path(__file__).parents[4] / "examples" / "hello"


SPEC = f"name: hello\nprovider:\n  kind: local\n  app: {HELLO}\n"


def test_update_changes_the_spec_and_reports_when_it_is_unchanged(cli: Any, file: Path) -> None:
    cli("create", "--file", file)
    file.write_text(SPEC + "description: for all\n")

    assert cli("update", "hello", "--file", file, "--json").document["spec"]["description"] == "for all"
    assert "nothing was changed" in cli("update", "hello", "--file", file).err


def test_a_change_that_needs_provision_is_refused_with_its_field(cli: Any, file: Path) -> None:
    cli("up", "--file", file, "--to", "provisioned")
    file.write_text(SPEC + "  port: 8080\n")

    ran = cli("update", "hello", "--file", file)

    assert ran.code == 4
    assert "provider.port of 'hello' can't be changed once it is provisioned" in ran.err
    assert cli("destroy", "hello", "--yes").code == 0


def test_a_change_that_no_command_applies_any_more_is_recorded_and_told(cli: Any, file: Path) -> None:
    cli("up", "--file", file, "--to", "provisioned")
    file.write_text(SPEC + "  files: {a: b}\n")
    assert "note:" not in cli("update", "hello", "--file", file).err
    cli("configure", "hello")
    file.write_text(SPEC + "  files: {a: c}\n")

    ran = cli("update", "hello", "--file", file, "--json")

    assert ran.document["spec"]["provider"]["files"] == {"a": "c"}
    assert (
        "note: only configure applies provider.files, and hello is configured: "
        "to apply the change, destroy, purge and create it again\n" in ran.err
    )
    assert cli("destroy", "hello", "--yes").code == 0
