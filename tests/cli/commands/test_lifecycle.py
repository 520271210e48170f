"""The commands of the lifecycle, from created to destroyed."""

from __future__ import annotations

import shutil
import socket
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from environments.storage.file import FileRepository
from statechart.holder import Holder
from tests.ports import free_port

HELLO = Path(__file__).parents[3] / "examples" / "hello"


def test_a_command_in_the_wrong_state_names_the_allowed_commands(cli: Any, hello: str) -> None:
    ran = cli("run", hello, "--json")

    assert ran.code == 4
    assert ran.error["message"] == (
        "cannot run 'hello' in state created: allowed now are provision, register, destroy"
    )
    assert ran.error["next"][0] == "envchart provision hello"


def test_a_command_waits_for_the_lock_within_the_lock_timeout(
    cli: Any, hello: str, repository: FileRepository
) -> None:
    session = repository.open(hello, Holder.current("envchart update"))
    freeing = threading.Timer(0.2, session.close)
    freeing.start()

    ran = cli("destroy", hello, "--yes", "--lock-timeout", "10")

    freeing.join()
    assert ran.code == 0


def test_retry_without_a_failure_is_not_allowed(cli: Any, hello: str) -> None:
    assert cli("retry", hello, "--json").error["code"] == "nothing_to_retry"


def test_the_last_output_of_an_app_that_dies_is_printed_and_retry_is_suggested(
    cli: Any, dying: Path
) -> None:
    ran = cli("up", "web", "--app", dying)

    assert ran.code == 6
    assert "run of 'web' failed at check_health" in ran.err
    assert "  | no configuration!" in ran.err
    assert "next: envchart retry web" in ran.err
    assert "no configuration!" in cli("logs", "web", "--trace").out
    (dying / "app.py").write_text((HELLO / "app.py").read_text())
    (dying / "version.txt").write_text("1\n")
    assert cli("up", "web", "--plan").out.startswith("web: run_failed (failed at: check_health), would be")
    again = cli("retry", "web")
    told = f"is not what is in {dying} now: release first"
    assert again.code == 6
    assert told in again.err
    assert "next: envchart deploy web" in again.err
    why = cli("why", "web").out
    assert told in why
    assert why.rpartition("best first\n")[2].startswith("  envchart deploy web ")
    assert (cli("release", "web").code, cli("up", "web").code) == (0, 0)
    (dying / "version.txt").write_text("2\n")
    assert "1 file changed" in cli("up", "web").err
    assert cli("destroy", "web", "--yes").code == 0


def test_a_port_in_use_fails_provision_and_run(cli: Any) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as taken:
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


def test_the_last_output_of_an_app_that_stays_unhealthy_is_printed(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.txt").touch()
    # A shell begins at once, also on a busy machine.
    (tmp_path / "web.yaml").write_text(
        "name: web\nprovider: {kind: local, app: app, start_timeout: 1, command: "
        "[sh, -c, 'echo still waiting; sleep 600']}\n"
    )

    ran = cli("up", "--file", "web.yaml")

    assert ran.code == 6
    assert "did not get healthy within" in ran.err
    assert "  | still waiting" in ran.err
    assert cli("destroy", "web", "--yes").code == 0


def test_a_lock_error_names_the_holder_and_the_lock_timeout(
    cli: Any, hello: str, repository: FileRepository
) -> None:
    with repository.open(hello, Holder.current("envchart run")):
        ran = cli("provision", hello)

    assert ran.code == 5
    assert "error: 'hello' is locked: envchart run, pid" in ran.err
    assert "add --lock-timeout 60" in ran.err


@pytest.mark.parametrize(
    "words", [("run", "demo"), ("up", "demo"), ("retry", "demo"), ("up", "demo", "--plan")]
)
def test_after_an_interruption_only_recover_and_destroy_are_suggested(
    cli: Any, created: Any, crash: Callable[..., Any], words: tuple[str, ...]
) -> None:
    crash("provision", "provisioning", "first_provision")

    ran = cli(*words)

    assert ran.code == 9
    assert "provision of 'demo' was interrupted at step first_provision" in ran.err
    assert ") is gone\nnext: envchart recover demo" in ran.err
    assert "or: envchart destroy demo" in ran.err


def test_register_is_refused_by_a_provider_that_adopts_no_hosts(
    cli: Any, hello: str, repository: FileRepository
) -> None:
    before = repository.load(hello)

    for words in (("--address", "192.0.2.7"), ()):
        ran = cli("register", hello, *words, "--json")
        assert (ran.code, ran.error["code"]) == (4, "unsupported_command")
        assert "its provider, local, does not support that" in ran.error["message"]

    assert repository.load(hello) == before


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read().decode()


@pytest.mark.timeout(900)  # it starts two dozen processes, one after the other
def test_from_nothing_to_running_to_another_release_and_back(
    process: Any, tmp_path: Path, data: Path
) -> None:
    app = tmp_path / "an app"
    shutil.copytree(HELLO, app)

    created = process("create", "web", "--app", app, "--env", "GREETING=Good day")
    assert (created.code, created.out) == (0, "web is created\n")
    assert f"next: envchart provision web --data-dir {data}" in created.err
    provisioned = process("provision", "web")
    assert provisioned.out == "web is provisioned\n"
    assert "[1/2] create_directories … done " in provisioned.err
    assert process("configure", "web").code == 0
    again = process("run", "web")
    assert again.code == 4
    allowed = "allowed now are provision, configure, release, destroy"
    assert f"error: cannot run 'web' in state configured: {allowed}" in again.err
    assert process("release", "web").code == 0
    ran = process("run", "web", "--json").document
    first = ran["outputs"]["serving"]
    assert (ran["state"], ran["next"][0]) == ("running", f"envchart deploy web --data-dir {data}")
    assert "Good day" in fetch(ran["outputs"]["url"])

    (app / "version.txt").write_text("2.0\n")
    assert process("release", "web").code == 0
    shown = process("show", "web")
    assert f"serving   release {first}" in shown.out
    assert "not yet run" in shown.out
    assert "2.0" not in fetch(ran["outputs"]["url"])
    assert process("run", "web").code == 0
    assert "2.0" in fetch(ran["outputs"]["url"])
    assert process("release", "web", "--previous").code == 0
    assert process("up", "web").code == 0
    assert process("show", "web", "--json").document["outputs"]["serving"] == first

    assert "listening on" in process("logs", "web").out
    assert process("purge", "web", "--yes").code == 4
    assert process("destroy", "web").code == 2
    assert process("destroy", "web", "--yes").out == "web is destroyed\n"
    assert not (data / "web" / "local").exists()
    history = process("history", "web").out
    assert "run: released → running after" in history
    assert "destroy: running → destroyed" in history or "destroy: released → destroyed" in history
    assert process("purge", "web", "--yes").code == 0
    assert process("show", "web").code == 3


def test_a_refusal_offers_commands_and_no_outcomes(cli: Any, place: Any) -> None:
    place("running")

    ran = cli("register", "demo")

    assert ran.code == 4
    assert (
        "cannot register 'demo' in state running: "
        "allowed now are provision, configure, release, run, stop, destroy\n" in ran.err
    )
