"""`why`: the story of an environment."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.storage.file import FileRepository
from environments.testing import ScriptedProvider
from statechart.holder import Holder


@pytest.fixture
def provisioned(cli: Any, created: Any, scripted_provider: ScriptedProvider) -> str:
    assert cli("provision", "demo").code == 0
    return "demo"


def test_an_environment_in_order_is_reported_as_such(cli: Any, provisioned: str) -> None:
    ran = cli("why", "demo")

    assert ran.code == 0
    assert ran.out.startswith("demo is provisioned\n\nWhat happened\n")
    assert "complete took it from provisioning to provisioned" in ran.out
    assert "no problem is recorded" in ran.out
    assert "Not known" not in ran.out
    assert re.search(r"best first\n  envchart configure demo  +configures the resources\n", ran.out)


def test_an_interruption_is_explained_with_its_step_the_doubt_and_the_next_commands(
    cli: Any, created: Any, scripted_provider: ScriptedProvider, crash: Callable[..., Any]
) -> None:
    crash("provision", "provisioning", "first_provision")

    ran = cli("why", "demo")

    assert ran.out.startswith("demo is provisioning (provision interrupted at step first_provision)\n")
    assert "provision: step 1/2 first_provision was begun at " in ran.out
    assert ") is gone\n" in ran.out
    assert "no process is changing it now: its lock is free" in ran.out
    assert "Not known\n  whether step first_provision was done" in ran.out
    assert "best first\n  envchart recover demo  finds out how far" in ran.out
    assert "envchart why" not in ran.out


def test_a_failure_is_explained_with_its_cause_and_the_end_of_its_trace(
    cli: Any, created: Any, scripted_provider: ScriptedProvider
) -> None:
    scripted_provider.fails["second_provision"] = [OSError("no route to host")]
    cli("provision", "demo")

    ran = cli("why", "demo")

    assert "provision: failed at step second_provision (file_system): no route to host" in ran.out
    assert "The end of the trace\n" in ran.out
    assert "  | OSError: no route to host\n" in ran.out
    assert re.search(r"best first\n  envchart retry demo  +continues at the first step", ran.out)


def test_an_operation_under_way_is_explained_with_its_holder(
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


def test_an_assumption_made_for_recovery_is_part_of_the_story(
    cli: Any, created: Any, scripted_provider: ScriptedProvider, crash: Callable[..., Any]
) -> None:
    crash("provision", "provisioning", "first_provision")
    cli("recover", "demo", "--assume", "not-done", "--because", "I looked")

    ran = cli("why", "demo")

    assert re.search(r"\S+@\S+ said that step first_provision was not done: I looked", ran.out)


def test_the_story_is_part_of_the_document(cli: Any, provisioned: str) -> None:
    document = cli("why", "demo", "--json").document

    assert document["state"] == "provisioned"
    assert set(document["story"]) == {"headline", "happened", "known", "unknown", "words"}


def test_a_missing_environment_is_not_found(cli: Any) -> None:
    assert cli("why", "nothing").code == 3


def test_each_fact_about_a_service_that_ended_is_told_once(cli: Any, dying: Path) -> None:
    assert cli("up", "web", "--app", dying).code == 6

    ran = cli("why", "web")

    assert ran.out.count("the app exited with status 3") == 1
    assert ran.out.count("  | no configuration!") == 1
    assert ran.out.count("check_health") == 2  # in the headline, and where the command ended
    assert "3 changes before (see history)" in ran.out


def test_a_trace_that_only_repeats_the_steps_is_not_shown(
    cli: Any, created: Any, scripted_provider: ScriptedProvider
) -> None:
    scripted_provider.fails["second_provision"] = [StepFailed(FailureCause.NETWORK, "no route to host")]
    cli("provision", "demo")

    ran = cli("why", "demo")

    assert "provision: done so far first_provision" in ran.out
    assert "steps done" not in ran.out
    assert ran.out.count("no route to host") == 1


def test_the_end_of_a_crash_is_told_once(cli: Any, dying: Path) -> None:
    (dying / "app.py").write_text("print('the cause\\n\\nthe effect', flush=True)\nraise SystemExit(3)\n")
    assert cli("up", "web", "--app", dying).code == 6

    told = cli("why", "web").out.partition("The end of ")[2]

    assert told.count("| the cause\n") == told.count("| the effect\n") == 1
    assert cli("destroy", "web", "--yes").code == 0
