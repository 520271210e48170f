"""The subcommands that only look."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from environments.model.environment import AnyEnvironment, Environment
from environments.model.states import Created
from environments.presentation.view import look
from environments.storage.file import FileRepository
from statechart.graph import states
from statechart.holder import Holder

HELLO = Path(__file__).parents[2] / "examples" / "hello"


def test_a_state_is_a_string_beside_what_failed_and_what_is_next(cli: Any, hello: str, data: Path) -> None:
    document = cli("show", hello, "--json").document

    assert document["state"] == "created"
    assert (document["failure"], document["operation"], document["is_error"]) == (None, None, False)
    assert document["next"] == [f"envchart {verb} hello" for verb in ("provision", "up", "destroy")]
    assert document["directory"] == str(data / hello)
    assert document["spec"]["provider"]["app"] == str(HELLO)
    assert {"revision", "lineage", "since", "updated_at", "outputs"} <= document.keys()


def test_show_is_on_stdout_alone(cli: Any, hello: str) -> None:
    ran = cli("show", hello)

    assert ran.err == ""
    assert ran.out.splitlines()[0] == "hello: created"
    assert "next: envchart provision hello" in ran.out


def test_a_failure_is_shown_with_step_cause_and_trace(cli: Any, dying: Path, data: Path) -> None:
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


def test_who_is_at_work_is_shown(
    cli: Any, created: Any, crash: Callable[..., Any], repository: FileRepository
) -> None:
    crash("provision", "provisioning", "first_provision")

    with repository.open("demo", Holder.current("envchart provision")):
        text = cli("show", "demo").out
        listed = cli("list", "--json").document["environments"][0]

    assert "demo: provisioning (provision under way: step first_provision)" in text
    assert "under way  provision, step 1/2 first_provision, begun" in text
    assert "by         envchart provision, pid" in text
    assert listed["next"] == ["envchart show demo"]


def test_what_nobody_is_at_any_more_is_never_shown_as_under_way(
    cli: Any, created: Any, crash: Callable[..., Any]
) -> None:
    crash("provision", "provisioning", "first_provision")

    shown, listed = cli("show", "demo"), cli("list")
    document = cli("show", "demo", "--json").document

    assert "demo: provisioning (provision interrupted at step first_provision)" in shown.out
    assert "what that step did is in doubt" in shown.out
    assert "provisioning (provision interrupted at step first_provision)" in listed.out
    assert "under way" not in shown.out + listed.out
    assert document["operation"]["status"] == "interrupted"
    assert document["is_error"]
    assert document["next"][0] == "envchart recover demo"


def test_a_teardown_that_was_interrupted_leads(cli: Any, created: Any, crash: Callable[..., Any]) -> None:
    crash("destroy", None, "first_destroy")

    assert cli("show", "demo").out.startswith(
        "demo: created, destroy interrupted at step first_destroy: partly torn down\n"
    )


def test_list_has_a_line_for_each(cli: Any, hello: str) -> None:
    cli("create", "other", "--app", HELLO)

    lines = cli("list").out.splitlines()

    assert [line.split()[0] for line in lines] == ["NAME", "hello", "other"]
    assert all(line.endswith("created") for line in lines[1:])


def test_list_goes_on_past_what_it_cannot_read_and_says_so(cli: Any, hello: str, data: Path) -> None:
    cli("create", "broken", "--app", HELLO)
    (data / "broken" / "history.jsonl").write_text("")

    ran, as_json = cli("list"), cli("list", "--json")

    assert (ran.code, as_json.code) == (7, 7)
    assert "unreadable: the history of 'broken' is damaged" in ran.out
    assert "next, for broken:" in ran.err
    assert [found["name"] for found in as_json.document["environments"]] == ["hello"]
    assert as_json.document["unreadable"][0]["error"]["code"] == "corrupt_history"


def test_an_empty_list_says_where_it_looked_and_how_to_begin(cli: Any, data: Path) -> None:
    ran = cli("list")

    assert (ran.code, ran.out) == (0, "")
    assert f"no environments in {data}, which does not exist" in ran.err
    data.mkdir()
    assert f"no environments in {data}\n" in cli("list").err


DAMAGE: dict[str, Callable[[Path], object]] = {
    "an empty journal": lambda place: (place / "history.jsonl").write_text(""),
    "no journal": lambda place: (place / "history.jsonl").unlink(),
    "a journal edited by hand": lambda place: _replace(place / "history.jsonl", "created", "destroyed"),
    "a document edited by hand": lambda place: _replace(place / "state.json", '"created"', '"running"'),
    "a newer document": lambda place: _replace(
        place / "state.json", '"schema_version": 2', '"schema_version": 9'
    ),
    "a link for a journal": lambda place: _link(place / "history.jsonl"),
}


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def _link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("command", ["show", "provision", "history"])
def test_damage_is_refused_and_nothing_is_touched(
    cli: Any, hello: str, data: Path, damage: str, command: str
) -> None:
    DAMAGE[damage](data / hello)
    before = {path: path.read_bytes() for path in (data / hello).iterdir()}

    ran = cli(command, hello)

    assert ran.code == 7
    assert "error: " in ran.err
    assert "next: " in ran.err
    assert {path: path.read_bytes() for path in (data / hello).iterdir()} == before


@pytest.mark.parametrize("damage", ["", "{"], ids=["empty", "torn"])
def test_a_document_that_is_lost_is_read_from_the_journal_and_mended_with_a_warning(
    cli: Any, hello: str, data: Path, damage: str
) -> None:
    (data / hello / "state.json").write_text(damage)

    assert cli("show", hello, "--json").document["state"] == "created"
    assert "warning: Mended 'hello'" in cli("destroy", hello, "--yes").err


def test_a_copied_directory_is_refused(cli: Any, hello: str, data: Path) -> None:
    shutil.copytree(data / hello, data / "copy")

    ran = cli("destroy", "copy", "--yes", "--json")

    assert ran.code == 7
    assert ran.error["code"] == "not_ours"
    assert cli("show", hello).code == 0


def test_history_tells_what_happened_when_how_long_and_by_whom(cli: Any, hello: str) -> None:
    cli("provision", hello)

    lines = cli("history", hello).out.splitlines()
    records = cli("history", hello, "--json").document["history"]

    assert lines[0].split() == ["SEQ", "REV", "TIME", "BY", "WHAT"]
    assert lines[2].endswith("provision: created → provisioning")
    assert "step reserve_port done in 0." in lines[4]
    assert "complete: provisioning → provisioned after 0." in lines[-1]
    assert [record["type"] for record in records] == [
        "created",
        "transition",
        "step",
        "step",
        "step",
        "step",
        "transition",
    ]
    assert records[-1]["state"] == "provisioned"
    cli("destroy", hello, "--yes")


def test_history_shows_the_step_that_has_no_result(
    cli: Any, created: Any, crash: Callable[..., Any]
) -> None:
    crash("provision", "provisioning", "first_provision")

    assert "step first_provision begun, and no result" in cli("history", "demo").out


def test_logs_of_what_never_ran_say_so(cli: Any, hello: str) -> None:
    ran = cli("logs", hello)

    assert (ran.code, ran.out) == (0, "")
    assert "no service of it has said anything" in ran.err
    assert cli("logs", hello, "--json").document == {"name": "hello", "files": [], "lines": []}
    assert "no failure has left a trace" in cli("logs", hello, "--trace").err


def test_logs_are_the_last_lines(cli: Any, dying: Path, data: Path) -> None:
    cli("up", "web", "--app", dying)
    with (data / "web" / "local" / "service.log").open("a") as log:
        log.write("".join(f"line {number}\n" for number in range(100)))

    assert cli("logs", "web", "-n", "2").out == "line 98\nline 99\n"
    assert cli("logs", "web", "-n", "0").out == ""
    assert cli("logs", "web", "-n", "1", "--json").document["lines"] == ["line 99"]
    cli("destroy", "web", "--yes")


def test_a_log_is_followed_through_a_rotation_until_it_is_gone(cli: Any, hello: str, data: Path) -> None:
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


def test_following_ends_with_ctrl_c(cli: Any, hello: str, data: Path) -> None:
    log = data / hello / "local" / "service.log"
    log.parent.mkdir()
    log.write_text("first\n")
    words = [sys.executable, "-m", "environments", "--data-dir", str(data), "logs", hello, "-F"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        following.stdout.readline()
        following.send_signal(signal.SIGINT)

    assert following.returncode == 130


class Ending:
    """A reader of an environment whose command ends while it is looked at."""

    def __init__(self, *seen: AnyEnvironment) -> None:
        self._seen = list(seen)

    def load(self, name: str) -> AnyEnvironment:
        return self._seen.pop(0) if len(self._seen) > 1 else self._seen[0]

    def holder(self, name: str) -> None:
        return None


def test_a_command_that_ends_while_it_is_looked_at_does_not_look_interrupted(
    created: Environment[Created], crash: Callable[..., AnyEnvironment]
) -> None:
    begun = crash("run", None, "first_run")

    assert not look(Ending(begun, created), "demo").interrupted
    assert look(Ending(begun, begun), "demo").interrupted


@pytest.mark.parametrize("format", ["mermaid", "dot", "md"])
def test_a_diagram_has_every_state(cli: Any, format: str) -> None:
    from environments.lifecycle import Lifecycle

    text = cli("diagram", "--format", format).out

    assert [state for state in states(Lifecycle) if state not in text] == []


def test_a_diagram_marks_the_state_of_an_environment(cli: Any, dying: Path, tmp_path: Path) -> None:
    cli("up", "web", "--app", dying)

    document = cli("diagram", "--of", "web", "--json").document
    written = cli("diagram", "--of", "web", "--output", "chart.mmd")

    assert (document["current"], document["failed"]) == ("run_failed", "run_failed")
    assert document["diagram"] != cli("diagram", "--json").document["diagram"]
    assert (written.code, written.out) == (0, "")
    assert (tmp_path / "chart.mmd").read_text().strip() == document["diagram"].strip()
    cli("destroy", "web", "--yes")


def test_the_schema_is_json_with_or_without_the_option(cli: Any) -> None:
    assert json.loads(cli("schema").out) == cli("schema", "--json").document


def test_help_tells_from_which_states_a_command_goes(cli: Any) -> None:
    assert "From created, provision_failed." in cli("provision", "--help").out
    assert "From every state but destroyed." in cli("destroy", "--help").out


def test_nothing_typed_gets_the_help(cli: Any) -> None:
    ran = cli()

    assert ran.code == 0
    assert "Exit codes:" in ran.out


def test_the_version_is_the_distributions(cli: Any) -> None:
    from importlib.metadata import version

    assert cli("--version").out == f"envchart {version('envchart')}\n"


def test_a_command_that_died_between_two_steps_is_told_so(
    cli: Any, created: Any, crash: Callable[..., Any]
) -> None:
    crash("provision", "provisioning")

    shown = cli("show", "demo")

    assert "demo: provisioning (provision interrupted between two steps)" in shown.out
    assert "interrupted  provision between two steps, begun " in shown.out
