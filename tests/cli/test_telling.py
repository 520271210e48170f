"""`why`, `verify` and `history --at`: what they tell, and with which exit code."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from environments.storage.file import FileRepository
from environments.testing import ScriptedProvider
from statechart.holder import Holder


@pytest.fixture
def provisioned(cli: Any, created: Any, scripted_provider: ScriptedProvider) -> str:
    assert cli("provision", "demo").code == 0
    return "demo"


def test_of_an_environment_in_order_it_says_so(cli: Any, provisioned: str) -> None:
    ran = cli("why", "demo")

    assert ran.code == 0
    assert ran.out.startswith("demo is provisioned\n\nWhat happened\n")
    assert "complete took it from provisioning to provisioned" in ran.out
    assert "nothing on record is wrong" in ran.out
    assert "Not known" not in ran.out
    assert re.search(r"best first\n  envchart configure demo  +configures its resources\n", ran.out)


def test_of_an_interrupted_one_it_tells_the_step_the_doubt_and_the_way_on(
    cli: Any, created: Any, scripted_provider: ScriptedProvider, crash: Callable[..., Any]
) -> None:
    crash("provision", "provisioning", "first_provision")

    ran = cli("why", "demo")

    assert ran.out.startswith("demo is provisioning (provision interrupted at step first_provision)\n")
    assert "provision: step 1/2 first_provision was begun at " in ran.out
    assert ") is gone\n" in ran.out
    assert "nobody is changing it now: its lock is free" in ran.out
    assert "Not known\n  whether step first_provision was done" in ran.out
    assert "best first\n  envchart recover demo  finds out what" in ran.out
    assert "envchart why" not in ran.out


def test_of_a_failed_one_it_tells_the_cause_and_the_end_of_the_trace(
    cli: Any, created: Any, scripted_provider: ScriptedProvider
) -> None:
    scripted_provider.fails["second_provision"] = [OSError("no route to host")]
    cli("provision", "demo")

    ran = cli("why", "demo")

    assert "provision: failed at step second_provision (file_system): no route to host" in ran.out
    assert "The end of the trace\n" in ran.out
    assert "  | OSError: no route to host\n" in ran.out
    assert re.search(r"best first\n  envchart retry demo  +goes on at the first step", ran.out)


def test_of_one_that_is_being_changed_it_tells_by_whom(
    cli: Any,
    created: Any,
    scripted_provider: ScriptedProvider,
    crash: Callable[..., Any],
    repository: FileRepository,
) -> None:
    crash("provision", "provisioning", "first_provision")

    with repository.open("demo", Holder.current("envchart provision")):
        ran = cli("why", "demo")

    assert "it is being changed now by envchart provision, pid " in ran.out
    assert "Not known" not in ran.out


def test_what_recovery_was_told_is_part_of_the_story(
    cli: Any, created: Any, scripted_provider: ScriptedProvider, crash: Callable[..., Any]
) -> None:
    crash("provision", "provisioning", "first_provision")
    cli("recover", "demo", "--assume", "not-done", "--because", "I looked")

    ran = cli("why", "demo")

    assert re.search(r"\S+@\S+ said that step first_provision was not done: I looked", ran.out)


def test_the_story_is_a_document_too(cli: Any, provisioned: str) -> None:
    document = cli("why", "demo", "--json").document

    assert document["state"] == "provisioned"
    assert set(document["story"]) == {"headline", "happened", "known", "unknown", "words"}


def test_what_is_sound_is_said_to_be(cli: Any, provisioned: str) -> None:
    ran = cli("verify", "demo")

    assert (ran.code, ran.out) == (
        0,
        "demo: 7 records, 2 transitions, all sound and allowed by today's chart\n",
    )
    assert cli("verify").out == cli("verify", "--all").out == ran.out
    assert cli("verify", "--json").document["sound"] is True


def test_damage_is_found_and_the_others_are_verified_all_the_same(
    cli: Any, provisioned: str, data: Path, tmp_path: Path
) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.py").touch()
    cli("create", "whole", "--app", "app")
    journal = data / "demo" / "history.jsonl"
    journal.write_text(journal.read_text().replace("first_provision", "other_provision", 1))

    ran = cli("verify")

    assert ran.code == 8
    assert "demo: the history of 'demo' is damaged" in ran.out
    assert "whole: 1 records, 0 transitions, all sound" in ran.out
    assert "next, for demo: envchart recover demo --rebase" in ran.err
    document = json.loads(cli("verify", "demo", "--json").out)
    assert (document["sound"], document["environments"][0]["findings"][0]["seq"]) == (False, None)


@pytest.mark.parametrize(
    ("words", "code"), [(("verify", "nothing"), 3), (("verify", "demo", "--all"), 2), (("why", "x"), 3)]
)
def test_what_cannot_be_told_is_refused(
    cli: Any, provisioned: str, words: tuple[str, ...], code: int
) -> None:
    assert cli(*words).code == code


def test_nothing_to_verify_is_sound(cli: Any) -> None:
    assert (cli("verify").code, cli("verify").out) == (0, "no environments\n")


def test_an_environment_is_shown_as_it_was(cli: Any, provisioned: str) -> None:
    ran = cli("history", "demo", "--at", "1")
    document = cli("history", "demo", "--at", "2", "--json").document

    assert ran.out.startswith("demo: created\n")
    assert "as it was after record 1, written by " in ran.out
    assert "next" not in ran.out
    assert (document["state"], document["revision"], document["seq"]) == ("provisioning", 2, 6)


def test_a_time_that_history_prints_is_understood_and_stands_for_all_of_its_last_unit(
    cli: Any, provisioned: str
) -> None:
    lines = cli("history", "demo").out.splitlines()
    last = re.search(r"\d{4}-\d\d-\d\d [\d:.]+Z", lines[-1])
    assert last is not None
    moment = last[0]

    for at in (moment, moment.replace(" ", "T"), moment[:19], moment[:16], moment[:10]):
        assert cli("history", "demo", "--at", at).out.startswith("demo: provisioned\n"), at


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("9", "'demo' did not exist at revision 9: revisions 1 to 3"),
        ("-1", "'demo' did not exist at revision -1"),
        ("1999-12-31", "'demo' did not exist at 1999-12-31 23:59:59Z: it was created at "),
        ("yesterday", "--at 'yesterday' is neither a revision (a whole number) nor a time"),
        ("", "--at '' is neither a revision"),
    ],
)
def test_a_moment_that_makes_no_sense_is_refused(cli: Any, provisioned: str, at: str, said: str) -> None:
    ran = cli("history", "demo", f"--at={at}")

    assert ran.code == 2
    assert said in ran.err
    assert "next: envchart history demo" in ran.err
