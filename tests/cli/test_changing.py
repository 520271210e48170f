"""The subcommands that change an environment, and what they say to bad input."""

from __future__ import annotations

import os
import pty
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from environments.storage.file import FileRepository
from statechart.holder import Holder

HELLO = Path(__file__).parents[2] / "examples" / "hello"
SPEC = f"name: hello\nprovider:\n  kind: local\n  app: {HELLO}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "env.yaml"
    path.write_text(SPEC)
    return path


@pytest.mark.parametrize(
    ("name", "rule", "suggestion"),
    [
        ("", "is empty", "demo"),
        ("Demo_1", "may contain only a-z, 0-9 and '-'", "demo-1"),
        ("1st", "must start with a letter", "env-1st"),
        ("x" * 41, "is longer than 40 characters", "x" * 40),
        ("web-", "must not end with '-'", "web"),
        ("a--b", "must not contain '--'", "a-b"),
    ],
)
def test_an_invalid_name_says_which_rule_it_breaks(cli: Any, name: str, rule: str, suggestion: str) -> None:
    ran = cli("create", "--app", HELLO, "--", name)

    assert ran.code == 2
    assert f"it {rule}; try '{suggestion}'" in ran.err
    assert f"next: envchart create {suggestion} --app DIR" in ran.err


def test_an_invalid_name_is_refused_wherever_a_name_is_taken(cli: Any) -> None:
    for command in ("provision", "configure", "release", "run", "up", "retry", "show", "history", "logs"):
        assert cli(command, "../x", "--json").error["code"] == "invalid_name"


def test_a_name_that_exists_is_a_conflict_and_nothing_is_lost(cli: Any, hello: str, data: Path) -> None:
    before = (data / hello / "history.jsonl").read_bytes()

    ran = cli("create", hello, "--app", HELLO, "--port", "8080")

    assert ran.code == 5
    assert "'hello' already exists in" in ran.err
    assert "next: envchart show hello" in ran.err
    assert (data / hello / "history.jsonl").read_bytes() == before


def test_an_unknown_name_says_where_it_was_looked_for_and_what_is_near(
    cli: Any, hello: str, data: Path
) -> None:
    ran = cli("provision", "helo", "--json")

    assert ran.code == 3
    assert ran.error["message"] == f"there is no 'helo' in {data}"
    assert ran.error["next"][0] == "did you mean 'hello'? envchart show hello"


def test_a_wrong_state_names_what_is_allowed(cli: Any, hello: str) -> None:
    ran = cli("run", hello, "--json")

    assert ran.code == 4
    assert ran.error["message"] == (
        "cannot run 'hello' in state created: allowed now are provision, register, destroy"
    )
    assert ran.error["next"][0] == "envchart provision hello"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("create",), "nothing to create: give --app DIR or --file FILE"),
        (("create", "web"), "nothing to create: give --app DIR or --file FILE"),
        (("create", "--app", "."), "--app needs a name"),
        (("create", "web", "--port", "1"), "--port and --env need --app"),
        (
            ("create", "web", "--app", ".", "--file", "env.yaml"),
            "--file can't be combined with --app, --port or --env",
        ),
        (("create", "web", "--app", ".", "--env", "A"), "--env 'A' is not of the form K=V"),
        (("create", "web", "--app", ".", "--env", "A=1", "--env", "A=2"), "--env 'A' is given twice"),
        (
            ("create", "web", "--app", ".", "--port", "70000"),
            "--port: should be less than or equal to 65535, got 70000",
        ),
        (("create", "web", "--app", ".", "--env", "A-B=1"), "'A-B' is not a valid name for a variable"),
        (("create", "web", "--app", "nowhere"), "nowhere does not exist"),
        (("create", "web", "--file", "nowhere.yaml"), "No such file or directory"),
        (("up",), "the name of an environment is missing"),
        (("up", "web", "--to", "runing"), "Lifecycle has no state 'runing': did you mean 'running'?"),
        (("update", "web"), "--file FILE is missing"),
        (("release", "web", "--app", ".", "--previous"), "--app can't be combined with --previous"),
        (("logs", "web", "--follow", "--trace"), "--follow has no end"),
        (("diagram", "--format", "gif"), "there is no format 'gif': use mermaid, dot, svg, png, md, rst"),
        (
            ("diagram", "--state", "running", "--path", "provision"),
            "--of, --state and --path each mark something",
        ),
        (("diagram", "--of", "web", "--path", "provision"), "each mark something: choose one"),
        (
            ("diagram", "--path", "provision,run"),
            "run does not leave provisioning; events that do: complete, fail",
        ),
        (("docs", "wrtie"), "unknown action 'wrtie': use write or check"),
        (("docs", "check", "no/such.md"), "no/such.md: there is no such file"),
        (("diagram", "--output", "no/such/file"), "no/such/file can't be written"),
        (("provision", "web", "--lock-timeout", "-1"), "'-1' is not a number of at least 0"),
        (("provision", "web", "--lock-timeout", "nan"), "--lock-timeout"),
        (("--data-dir", "", "list"), "this is not the name of a directory"),
        (("show", "web", "--log-file", "no/such/file"), "no/such/file can't be written"),
        (("bogus",), "No such command 'bogus'"),
        (("shw",), "Did you mean 'show'?"),
        (("show",), "Missing argument"),
        (("show", "web", "--jsn"), "No such option '--jsn'. Did you mean '--json'?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_was_typed_wrong_is_told_with_what_to_type(
    cli: Any, words: tuple[str, ...], said: str
) -> None:
    ran = cli(*words)
    as_json = cli("--json", *words)

    assert (ran.code, as_json.code) == (2, 2)
    assert said in re.sub(r"\s+", " ", ran.err)
    assert "next: " in ran.err
    assert ran.out == ""
    assert said in re.sub(r"\s+", " ", as_json.error["message"])
    assert as_json.error["next"]


def test_a_file_that_is_wrong_is_told_line_by_line(cli: Any, file: Path) -> None:
    file.write_text(SPEC + "  prot: 1\nnmae: x\n")

    ran = cli("create", "--file", file)

    assert ran.code == 2
    assert f"{file}:5: provider.prot: there is no such key; did you mean 'port'?" in ran.err
    assert f"{file}:6: nmae: there is no such key; did you mean 'name'?" in ran.err
    assert cli("list").out == ""


def test_the_template_makes_an_environment(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.py").touch()
    (tmp_path / "web.yaml").write_text(cli("create", "web", "--template").out)

    assert cli("create", "--file", "web.yaml").out == "web is created\n"


def test_the_plan_of_what_is_not_there_starts_with_create_and_makes_nothing(
    cli: Any, file: Path, data: Path
) -> None:
    ran = cli("up", "--file", file, "--plan", "--json")

    assert ran.document == {
        "name": "hello",
        "target": "running",
        "plan": ["create", "provision", "configure", "release", "run"],
    }
    assert not data.exists()


def test_the_plan_is_commands_that_can_be_typed(cli: Any, hello: str) -> None:
    assert cli("up", hello, "--to", "configured", "--plan").out == (
        "1. envchart provision hello\n2. envchart configure hello\n"
    )


def test_up_where_it_is_already_does_nothing_and_says_so(cli: Any, hello: str) -> None:
    ran = cli("up", hello, "--to", "created")

    assert (ran.code, ran.out) == (0, "hello is created\n")
    assert "hello is already created: nothing was done" in ran.err


def test_up_to_what_no_command_leads_to_is_not_allowed(cli: Any, hello: str) -> None:
    ran = cli("up", hello, "--to", "destroyed")

    assert ran.code == 4
    assert "plans lead to provisioned, configured, released, running" in ran.err


def test_up_with_another_spec_than_the_one_on_record_is_a_conflict(cli: Any, file: Path) -> None:
    cli("create", "--file", file)

    assert cli("up", "--file", file, "--plan").code == 0
    file.write_text(SPEC + "  port: 8080\n")
    ran = cli("up", "--file", file)
    assert ran.code == 5
    assert "next: envchart update hello --file FILE" in ran.err


def test_update_changes_the_spec_and_says_when_there_is_nothing_to_change(cli: Any, file: Path) -> None:
    cli("create", "--file", file)
    file.write_text(SPEC + "description: for all\n")

    assert cli("update", "hello", "--file", file, "--json").document["spec"]["description"] == "for all"
    assert "nothing was changed" in cli("update", "hello", "--file", file).err


def test_a_change_that_needs_provisioning_again_names_the_field(cli: Any, file: Path) -> None:
    cli("up", "--file", file, "--to", "provisioned")
    file.write_text(SPEC + "  port: 8080\n")

    ran = cli("update", "hello", "--file", file)

    assert ran.code == 4
    assert "provider.port of 'hello' can't be changed once it is provisioned" in ran.err
    assert cli("destroy", "hello", "--yes").code == 0


@pytest.mark.parametrize("words", [("destroy", "hello"), ("purge", "hello")])
def test_without_a_terminal_to_ask_on_nothing_is_taken_away(
    cli: Any, hello: str, words: tuple[str, ...]
) -> None:
    if words[0] == "purge":
        cli("destroy", hello, "--yes")

    ran = cli(*words)

    assert ran.code == 2
    assert f"next: envchart {' '.join(words)} --yes" in ran.err
    assert cli("show", hello).code == 0


@pytest.mark.parametrize(("answer", "code"), [("n", 2), ("", 2), ("y", 0)])
def test_destroy_asks_on_a_terminal(hello: str, data: Path, answer: str, code: int) -> None:
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "environments", "--data-dir", str(data), "destroy", hello]
    os.write(ours, f"{answer}\n".encode())

    done = subprocess.run(words, stdin=theirs, capture_output=True, text=True, timeout=30, check=False)

    os.close(ours)
    os.close(theirs)
    assert done.returncode == code
    assert "hello is created. Destroy its resources? [y/N]" in done.stderr
    assert ("not confirmed; nothing was done" in done.stderr) == (code == 2)
    assert done.stdout == ("hello is destroyed\n" if code == 0 else "")


def test_a_command_waits_for_the_lock_when_asked_to(
    cli: Any, hello: str, repository: FileRepository
) -> None:
    session = repository.open(hello, Holder.current("envchart update"))
    freeing = threading.Timer(0.2, session.close)
    freeing.start()

    ran = cli("destroy", hello, "--yes", "--lock-timeout", "10")

    freeing.join()
    assert ran.code == 0


def test_what_is_not_destroyed_is_not_purged(cli: Any, hello: str) -> None:
    ran = cli("purge", hello, "--yes")

    assert ran.code == 4
    assert "next: envchart destroy hello" in ran.err


def test_destroying_twice_is_refused_and_leads_to_purge(cli: Any, hello: str) -> None:
    cli("destroy", hello, "--yes")

    ran = cli("destroy", hello)

    assert ran.code == 4
    assert "next: envchart purge hello" in ran.err
    assert cli("purge", hello, "--yes", "--json").document == {"name": "hello", "purged": True}
    assert cli("list", "--json").document == {"environments": [], "unreadable": []}


def test_there_is_nothing_to_retry_where_nothing_failed(cli: Any, hello: str) -> None:
    assert cli("retry", hello, "--json").error["code"] == "nothing_to_retry"


def test_an_app_that_dies_is_told_with_its_last_words_and_can_be_retried(cli: Any, dying: Path) -> None:
    ran = cli("up", "web", "--app", dying)

    assert ran.code == 6
    assert "run of 'web' failed at check_health" in ran.err
    assert "  | no configuration!" in ran.err
    assert "next: envchart retry web" in ran.err
    assert "no configuration!" in cli("logs", "web", "--trace").out
    (dying / "app.py").write_text((HELLO / "app.py").read_text())
    (dying / "version.txt").write_text("1\n")
    assert cli("up", "web", "--plan").out.startswith("1. envchart")
    assert cli("retry", "web", "--json").error["code"] == "step_failed"
    assert cli("destroy", "web", "--yes").code == 0


def test_a_port_in_use_is_told_before_and_after_provision(cli: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        cli("create", "web", "--app", HELLO, "--port", port)
        before = cli("up", "web")
    assert cli("retry", "web").code == 0
    cli("up", "web", "--to", "released")
    with socket.create_server(("127.0.0.1", port)):
        after = cli("run", "web")

    for ran in (before, after):
        assert ran.code == 6
        assert f"port {port}" in ran.err
        assert "next: envchart retry web" in ran.err
    assert cli("retry", "web").code == 0
    assert cli("destroy", "web", "--yes").code == 0


def test_an_app_that_never_gets_healthy_is_told_with_its_last_words(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.py").write_text(
        "print('still waiting', flush=True)\nimport time; time.sleep(60)\n"
    )
    (tmp_path / "web.yaml").write_text("name: web\nprovider: {kind: local, app: app, start_timeout: 0.5}\n")

    ran = cli("up", "--file", "web.yaml")

    assert ran.code == 6
    assert "did not get healthy within" in ran.err
    assert "  | still waiting" in ran.err
    assert cli("destroy", "web", "--yes").code == 0


def test_a_lock_says_who_holds_it_and_how_to_wait(cli: Any, hello: str, repository: FileRepository) -> None:
    with repository.open(hello, Holder.current("envchart run")):
        ran = cli("provision", hello)

    assert ran.code == 5
    assert "error: 'hello' is locked: envchart run, pid" in ran.err
    assert "take --lock-timeout 60" in ran.err


@pytest.mark.parametrize(
    "words", [("run", "demo"), ("up", "demo"), ("retry", "demo"), ("up", "demo", "--plan")]
)
def test_after_an_interruption_recover_comes_first(
    cli: Any, created: Any, crash: Callable[..., Any], words: tuple[str, ...]
) -> None:
    crash("provision", "provisioning", "first_provision")

    ran = cli(*words)

    assert ran.code == 9
    assert "provision of 'demo' was interrupted at step first_provision" in ran.err
    assert ") is gone\nnext: envchart recover demo" in ran.err
    assert "or: envchart destroy demo" in ran.err


def test_a_data_directory_that_is_a_file_is_unusable_storage(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    ran = cli("create", "web", "--app", HELLO, "--data-dir", "file")

    assert ran.code == 7
    assert "next: " in ran.err


def test_options_are_taken_before_and_after_the_subcommand(cli: Any, tmp_path: Path) -> None:
    assert (
        cli("--data-dir", "one", "--json", "create", "web", "--app", HELLO).document["state"] == "created"
    )
    assert cli("show", "web", "--json", "--data-dir", "one").document["next"][0] == (
        "envchart provision web --data-dir one"
    )
    assert cli("--data-dir", "two", "show", "web", "--data-dir", "one").code == 0


def test_a_provider_that_adopts_no_hosts_says_so_and_nothing_is_written(
    cli: Any, hello: str, repository: FileRepository
) -> None:
    before = repository.load(hello)

    for words in (("--address", "192.0.2.7"), ()):
        ran = cli("register", hello, *words, "--json")
        assert (ran.code, ran.error["code"]) == (4, "unsupported_command")
        assert "its provider, local, does not support that" in ran.error["message"]

    assert repository.load(hello) == before


def test_there_is_a_template_for_each_kind_that_is_built_in(cli: Any) -> None:
    assert "  kind: terraform\n" in cli("create", "web", "--template", "--kind", "terraform").out
    for words in (("--template", "--kind", "cloud"), ("--kind", "terraform")):
        ran = cli("create", "web", *words)
        assert (ran.code, "envchart create --template" in ran.err) == (2, True)
