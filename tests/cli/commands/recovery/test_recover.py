"""`recover`: the questions, the assumptions and the outcome."""

from __future__ import annotations

import io
import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from environments.model.environment import AnyEnvironment
from environments.storage.file import FileRepository
from statechart import holder
from statechart.holder import Holder


@pytest.fixture
def interrupted(created: Any, crash: Callable[..., AnyEnvironment]) -> str:
    """The environment demo, whose provision died at a step that has no probe."""
    crash("provision", "provisioning", "first_provision")
    return "demo"


def answered(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    """Let there be a terminal on which somebody types an answer."""

    class Terminal:
        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return answer + "\n"

    monkeypatch.setattr("sys.stdin", Terminal())


def test_without_a_terminal_a_doubt_is_refused_with_both_assumptions(
    cli: Any, interrupted: str, scripted_provider: Any, repository: FileRepository
) -> None:
    before = repository.load("demo")

    ran = cli("recover", "demo")

    assert ran.code == 2
    assert "whether first_provision of 'demo' was done is not known: it has no probe" in ran.err
    assert "envchart recover demo --assume not-done --because WHY" in ran.err
    assert repository.load("demo") == before


def test_an_assumption_is_recorded(cli: Any, interrupted: str, scripted_provider: Any) -> None:
    ran = cli("recover", "demo", "--assume", "not-done", "--because", "the console shows no server")
    history = cli("history", "demo", "--json").document["history"]

    assert ran.code == 0
    assert ran.out == "demo is provision_failed (interrupted at: first_provision)\n"
    assert "next: envchart retry demo" in ran.err
    settled = [record["settled"] for record in history if record.get("settled")]
    assert [(each["by"], each["reason"]) for each in settled] == [("person", "the console shows no server")]
    assert "@" in settled[0]["who"]


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ("n", 0, "provision_failed (interrupted at: first_provision)"),
        ("y", 0, "provision_failed (interrupted at: second_provision)"),
        ("", 2, "is not known"),
    ],
)
def test_on_a_terminal_recover_asks(
    cli: Any,
    interrupted: str,
    scripted_provider: Any,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    code: int,
    said: str,
) -> None:
    answered(monkeypatch, answer)

    ran = cli("recover", "demo")

    assert (ran.code, "Was first_provision of demo done?" in ran.err) == (code, True)
    assert said in ran.out + ran.err


def test_a_dry_run_prints_the_outcome_and_changes_nothing(
    cli: Any, interrupted: str, repository: FileRepository, scripted_provider: Any
) -> None:
    before = repository.load("demo")

    ran = cli("recover", "demo", "--dry-run", "--assume", "not-done")

    assert ran.code == 0
    assert ran.out == "demo would be provision_failed (interrupted at: first_provision)\n"
    assert "note: first_provision: not done, " in ran.err
    assert "next: envchart recover demo" in ran.err
    assert repository.load("demo") == before


def test_a_dry_run_names_the_step_in_doubt(cli: Any, interrupted: str, scripted_provider: Any) -> None:
    ran = cli("recover", "demo", "--dry-run")

    assert ran.code == 0
    assert ran.out == "demo would wait for a decision about first_provision\n"


def test_recover_without_an_interruption_does_nothing(cli: Any, created: Any) -> None:
    ran = cli("recover", "demo")

    assert (ran.code, ran.out) == (
        0,
        "demo is created: nothing was interrupted, and nothing was done\n",
    )


def test_all_recovers_each_interrupted_environment_and_continues_past_errors(
    cli: Any,
    interrupted: str,
    repository: FileRepository,
    scripted_provider: Any,
    crash_another: Callable[[str], None],
) -> None:
    crash_another("other")
    scripted_provider.options["second_provision"] = {"idempotent": True}

    ran = cli("recover", "--all", "--json")

    assert ran.code == 2
    by_name = {each["name"]: each for each in ran.document["environments"]}
    assert by_name["demo"]["error"]["code"] == "step_in_doubt"
    assert by_name["other"]["state"] == "provision_failed"
    assert by_name["other"]["recovery"]["settled"] is True


def test_all_asks_about_steps_in_doubt_one_after_the_other(
    cli: Any, interrupted: str, scripted_provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = io.StringIO("n\n")
    monkeypatch.setattr(answers, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", answers)

    ran = cli("recover", "--all", "--parallel", "8")

    assert (ran.code, ran.out) == (
        0,
        "demo is provision_failed (interrupted at: first_provision)\n1: 1 done\n",
    )
    assert "Was first_provision of demo done? [y]es, [n]o" in ran.err
    assert ran.err.splitlines()[-1] == "next, for demo: envchart retry demo"


@pytest.fixture
def crash_another(repository: FileRepository) -> Callable[[str], None]:
    """Puts another environment on record whose provision died at a step that may be repeated."""
    from environments.model.command_name import CommandName
    from environments.model.environment import Environment
    from environments.model.operation import Operation, StepInHand
    from environments.model.records import StepRecord, TransitionRecord
    from environments.model.spec import EnvironmentSpec
    from environments.model.states import Provisioning
    from environments.system.clock import SystemClock
    from environments.testing import ScriptedSpec

    def crashed(name: str) -> None:
        now = SystemClock().now()
        made = repository.create(Environment.new(EnvironmentSpec(name=name, provider=ScriptedSpec()), now))
        dead = Holder.current("envchart provision").model_copy(update={"pid": 2**22, "start_ticks": 1})
        operation = Operation(id="other", command=CommandName.PROVISION, started_at=now, holder=dead)
        entered = made.entering(Provisioning(), at=now, operation=operation)
        hand = StepInHand(name="second_provision", number=2, of=2, started_at=now)
        with repository.open(name, Holder.current("crash")) as session:
            session.commit(
                TransitionRecord(
                    event="provision", from_state="created", to_state="provisioning", environment=entered
                )
            )
            session.append_step(StepRecord(phase="intent", step=hand.name, intent=hand))

    return crashed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("recover",), "give NAME or --all"),
        (("recover", "demo", "--all"), "give NAME or --all"),
        (("recover", "demo", "--assume", "perhaps"), "--assume takes done or not-done"),
        (("recover", "demo", "--because", "so"), "--assume takes done or not-done"),
        (("recover", "--all", "--rebase"), "--rebase needs NAME"),
        (("recover", "demo", "--rebase", "--dry-run"), "--rebase needs NAME"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_contradicting_options_are_refused(
    cli: Any, created: Any, words: tuple[str, ...], said: str
) -> None:
    ran = cli(*words)

    assert ran.code == 2
    assert said in ran.err
    assert "next: envchart recover" in ran.err


def test_a_missing_environment_is_not_found(cli: Any, created: Any) -> None:
    assert cli("recover", "nothing").code == 3


def test_a_running_command_is_not_recovered(cli: Any, interrupted: str, repository: FileRepository) -> None:
    with repository.open("demo", Holder.current("envchart provision")):
        ran = cli("recover", "demo")

    assert ran.code == 5
    assert f"envchart provision, pid {os.getpid()} of " in ran.err
    assert "now at step 1/2 first_provision since " in ran.err


def test_the_document_lists_the_findings(
    cli: Any, interrupted: str, scripted_provider: Any, tmp_path: Path
) -> None:
    ran = cli("recover", "demo", "--assume", "done", "--json")

    document = json.loads(ran.out)
    assert document["state"] == "provision_failed"
    assert document["operation"]["status"] == "interrupted"
    assert document["failure"]["cause"] == "interrupted"
    assert Path(document["failure"]["trace_file"]).is_file()
    assert document["recovery"]["findings"][1] == "second_provision: not begun"


@pytest.mark.parametrize("error", [KeyError("uid not found: 54321"), OSError("No username set")])
def test_a_user_without_a_name_can_say_how_a_step_ended(
    cli: Any, interrupted: str, scripted_provider: Any, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def nameless() -> str:
        raise error

    monkeypatch.setattr("getpass.getuser", nameless)
    holder._user.cache_clear()
    try:
        ran = cli("recover", "demo", "--assume", "done", "--because", "I looked")
    finally:
        holder._user.cache_clear()

    assert ran.code == 0, ran.err
    assert f"{os.getuid()}@{socket.gethostname()} says: I looked" in ran.err
