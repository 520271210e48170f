"""`show`: the facts about one environment."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from environments.storage.file import FileRepository
from statechart.holder import Holder

HELLO = Path(__file__).parents[3] / "examples" / "hello"


def test_the_document_holds_state_failure_operation_and_next_commands(
    cli: Any, hello: str, data: Path
) -> None:
    document = cli("show", hello, "--json").document

    assert document["state"] == "created"
    assert (document["failure"], document["operation"], document["is_error"]) == (None, None, False)
    assert document["next"] == [f"envchart {verb} hello" for verb in ("provision", "up", "destroy")]
    assert document["directory"] == str(data / hello)
    assert document["spec"]["provider"]["app"] == str(HELLO)
    assert {"revision", "lineage", "since", "updated_at", "outputs"} <= document.keys()


def test_show_prints_on_stdout_only(cli: Any, hello: str) -> None:
    ran = cli("show", hello)

    assert ran.err == ""
    assert ran.out.splitlines()[0] == "hello: created"
    assert "next: envchart provision hello" in ran.out


def test_a_failure_is_shown_with_its_step_cause_and_trace(cli: Any, dying: Path, data: Path) -> None:
    cli("up", "web", "--app", dying)

    document = cli("show", "web", "--json").document
    text = cli("show", "web").out

    assert document["state"] == "run_failed"
    assert document["is_error"]
    assert document["failure"]["step"] == "check_health"
    assert Path(document["failure"]["trace_file"]).is_file()
    assert text.startswith("web: run_failed (failed at: check_health)\n")
    assert "(command_execution)" in text
    assert f"trace     {document['failure']['trace_file']}" in text
    cli("destroy", "web", "--yes")


def test_an_operation_under_way_is_shown_with_its_holder(
    cli: Any, created: Any, crash: Callable[..., Any], repository: FileRepository
) -> None:
    crash("provision", "provisioning", "first_provision")

    with repository.open("demo", Holder.current("envchart provision")):
        text = cli("show", "demo").out
        listed = cli("list", "--json").document["environments"][0]

    assert "demo: provisioning (provision under way: step first_provision)" in text
    assert "under way  provision, step 1/2 first_provision, begun" in text
    assert "by         envchart provision, pid" in text
    assert listed["next"] == ["envchart why demo"]


def test_an_operation_without_a_process_is_shown_as_interrupted(
    cli: Any, created: Any, crash: Callable[..., Any]
) -> None:
    crash("provision", "provisioning", "first_provision")

    shown, listed = cli("show", "demo"), cli("list")
    document = cli("show", "demo", "--json").document

    assert "demo: provisioning (provision interrupted at step first_provision)" in shown.out
    assert "what that step did is in doubt" in shown.out
    assert "! provisioning  demo" in listed.out
    assert listed.out.endswith("interrupted: provision at first_provision\n")
    assert "under way" not in shown.out + listed.out
    assert document["operation"]["status"] == "interrupted"
    assert document["is_error"]
    assert document["next"][0] == "envchart recover demo"


def test_an_interrupted_destroy_is_shown_before_the_state(
    cli: Any, created: Any, crash: Callable[..., Any]
) -> None:
    crash("destroy", None, "first_destroy")

    assert cli("show", "demo").out.startswith(
        "demo: created, destroy interrupted at step first_destroy: partly torn down\n"
    )


def test_an_interruption_between_two_steps_is_shown_as_such(
    cli: Any, created: Any, crash: Callable[..., Any]
) -> None:
    crash("provision", "provisioning")

    shown = cli("show", "demo")

    assert "demo: provisioning (provision interrupted between two steps)" in shown.out
    assert "interrupted  provision between two steps, begun " in shown.out


def test_a_recovered_command_is_no_longer_under_way(
    cli: Any, created: Any, crash: Callable[..., Any], scripted_provider: Any
) -> None:
    crash("provision", "provisioning", "first_provision")
    cli("recover", "demo", "--assume", "not-done", "--because", "the console shows no server")

    text = cli("show", "demo").out

    assert "recovered  provision, begun" in text
    assert "failed     provision at first_provision (interrupted)" in text
    assert "under way" not in text


def test_a_data_directory_with_control_codes_acts_on_no_terminal(cli: Any, tmp_path: Path) -> None:
    odd = tmp_path / "a\x1b[31m'b\n"
    cli("create", "web", "--app", HELLO, "--data-dir", odd)

    for command in ("show", "why", "history", "list", "verify"):
        ran = cli(command, *(("web",) if command in ("show", "why", "history") else ()), "--data-dir", odd)
        assert (ran.code, "\x1b" in ran.out + ran.err) == (0, False), command
    command = re.search(
        r"next: envchart provision web --data-dir (.*)", cli("show", "web", "--data-dir", odd).out
    )
    assert command is not None
    words = ["bash", "-c", f"printf %s {command[1]}"]
    assert subprocess.run(words, capture_output=True, check=True).stdout == os.fsencode(odd)
