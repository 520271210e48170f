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


def test_a_change_that_no_command_applies_is_refused_with_its_field(cli: Any, file: Path) -> None:
    cli("up", "--file", file, "--to", "provisioned")
    file.write_text(SPEC + "instance_name: other\n")

    ran = cli("update", "hello", "--file", file)

    assert ran.code == 4
    assert "instance_name of 'hello' can't be changed once it is provisioned" in ran.err
    assert cli("destroy", "hello", "--yes").code == 0


def test_a_change_that_configure_applies_anew_is_recorded_and_planned(cli: Any, file: Path) -> None:
    cli("up", "--file", file, "--to", "provisioned")
    file.write_text(SPEC + "  files: {a: b}\n")
    assert "note:" not in cli("update", "hello", "--file", file).err
    cli("configure", "hello")
    file.write_text(SPEC + "  files: {a: c}\n")

    ran = cli("update", "hello", "--file", file)

    assert "  provider.files.a: b → c\n" in ran.err
    assert "  configure   a differs (b → c)\n" in cli("up", "hello", "--plan").out
    assert cli("configure", "hello").code == 0
    assert cli("destroy", "hello", "--yes").code == 0


def test_options_amend_the_recorded_spec_in_one_record_and_tell_what_changed(cli: Any, hello: str) -> None:
    cli("update", hello, "--set", "provider.files.app.ini=level = info\npassword = one\n")

    ran = cli(
        *("update", hello, "--env", "GREETING=Hi", "--env", "KEY=@env:HOME", "--set", "labels.team=web"),
        *("--set", "provider.files.app.ini=level = info\npassword = two\n", "--unset", "provider.port"),
    )

    assert [line for line in ran.err.splitlines() if "→" in line] == [
        "  provider.env.GREETING: unset → Hi",
        "  provider.env.KEY: unset → @env:HOME",
        "  provider.files.app.ini: *** → ***",
        "  labels.team: unset → web",
    ]
    ran = cli("update", hello, "--env", "GREETING=Hello", "--json")
    assert ran.document["changes"] == [{"field": "provider.env.GREETING", "old": "Hi", "new": "Hello"}]
    assert ran.document["revision"] == 4


def test_options_amend_the_declaration_of_a_file(cli: Any, hello: str, file: Path) -> None:
    cli("update", hello, "--set", "description=old")

    spec = cli("update", hello, "--file", file, "--env", "A=1", "--json").document["spec"]

    assert (spec["description"], spec["provider"]["env"]) == ("", {"A": "1"})


def test_a_wrong_change_is_refused_and_nothing_is_recorded(cli: Any, hello: str, data: Path) -> None:
    before = (data / hello / "history.jsonl").read_bytes()

    for words, code, said in (
        (
            ("--set", "provider.prt=1", "--env", "A=1"),
            "invalid_configuration",
            "did you mean 'provider.port'?",
        ),
        (
            ("--env", "API_KEY=hunter2"),
            "invalid_configuration",
            "env.API_KEY: its name says that it is a secret",
        ),
        (("--app", "nowhere"), "invalid_configuration", "nowhere does not exist"),
        (("--set", "labels.a=1", "--unset", "labels.a"), "usage", "'labels.a' is set and unset"),
        (("--set", "labels.a"), "usage", "--set 'labels.a' is not of the form K=V"),
        (("--env", "=hunter2"), "usage", "--env is not of the form K=V"),
        ((), "usage", "nothing to change"),
    ):
        ran = cli("update", hello, *words, "--json")
        assert (ran.code, ran.error["code"], said in ran.error["message"]) == (2, code, True), ran
        assert "hunter2" not in ran.out + ran.err

        assert not words or ran.error["next"][0].startswith(("correct the values", "envchart update "))

    assert (data / hello / "history.jsonl").read_bytes() == before
