"""Commands on several environments, by names, globs, labels and states."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from environments.errors import StepFailed
from environments.execution.stop import StopRequest
from environments.model.failure import FailureCause
from environments.model.spec import EnvironmentSpec
from environments.storage.file import FileRepository
from environments.testing import ScriptedProvider, ScriptedSpec
from environments.workspace import Workspace
from statechart.holder import Holder
from tests.cli.conftest import HELLO

Names: TypeAlias = tuple[str, ...]

BROKEN = StepFailed(FailureCause.NETWORK, "no route to host")


@pytest.fixture(autouse=True)
def names(repository: FileRepository, scripted_provider: ScriptedProvider) -> Names:
    """Environments on record: two previews of a team, and another."""
    workspace = Workspace(repository=repository)
    for name, team in (("pr-1", "web"), ("pr-2", "web"), ("shop", "sales")):
        spec = EnvironmentSpec(name=name, labels={"team": team}, provider=ScriptedSpec())
        workspace.create(spec)
    return ("pr-1", "pr-2", "shop")


@pytest.fixture
def states(repository: FileRepository) -> Callable[[], str]:
    """The states of the environments, in the order of their names."""
    return lambda: " ".join(repository.load(name).state.name for name in repository.names())


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("pr-1 shop", "provisioned created provisioned"),
        ("pr-*", "provisioned provisioned created"),
        ("--all", "provisioned provisioned provisioned"),
        ("-l team=web", "provisioned provisioned created"),
        ("pr-* -l team!=web --all", None),
        ("--state created --parallel 1", "provisioned provisioned provisioned"),
        ("--failed", "created created created"),
    ],
)
def test_environments_are_chosen_by_names_globs_and_conditions(
    cli: Any, states: Callable[[], str], words: str, expected: str | None
) -> None:
    ran = cli("provision", *words.split())

    assert ran.code == (0 if expected else 2)
    assert states() == (expected or "created created created")


def test_each_has_a_line_as_it_ends_and_the_last_line_counts(cli: Any) -> None:
    ran = cli("provision", "pr-*")

    *lines, last = ran.out.splitlines()
    assert sorted(lines) == ["pr-1 is provisioned", "pr-2 is provisioned"]
    assert last == "2: 2 done"
    assert sorted(line.split(" in ")[0] for line in ran.err.splitlines()) == [
        "pr-1: provision done",
        "pr-2: provision done",
    ]


def test_a_glob_that_matches_one_is_told_like_several(cli: Any) -> None:
    assert cli("provision", "sho?").out == "shop is provisioned\n1: 1 done\n"
    assert cli("configure", "shop").out == "shop is configured\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("provision pr-1 pr-3", 3, "no environment matches 'pr-3'; did you mean 'pr-"),
        ("provision x-*", 3, "no environment matches 'x-*'"),
        ("provision -l tema=web", 2, "no environment has the label 'tema'; did you mean 'team'?"),
        ("provision --state craeted", 2, "there is no state 'craeted'; did you mean 'created'?"),
        ("provision", 2, "give NAME or --all"),
        ("provision pr-1 --all", 2, "give NAME or --all, not both"),
        ("provision --all --parallel 0", 2, "--parallel"),
        ("destroy --all", 2, "there is no terminal for the confirmation"),
        ("release --all --previous --app x", 2, "--app can't be combined with --previous"),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused_before_anything_starts(
    cli: Any, states: Callable[[], str], words: str, code: int, said: str
) -> None:
    ran = cli(*words.split())

    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert "next: " in ran.err
    assert cli(*words.split(), "--json").error["message"]
    assert states() == "created created created"


def test_an_environment_that_is_locked_is_told_with_its_holder_and_the_others_are_done(
    cli: Any, repository: FileRepository
) -> None:
    with repository.open("pr-1", Holder.current("envchart up")):
        ran = cli("provision", "pr-1", "pr-2")
        document = cli("configure", "pr-1", "pr-2", "--json").document

    assert ran.code == 5
    assert f"pr-1 is locked: envchart up, pid {os.getpid()} of " in ran.out
    assert ran.out.endswith("2: 1 done, 1 locked\n")
    assert "next, for pr-1: envchart show pr-1" in ran.err
    locked, done = document["environments"]
    assert (locked["name"], locked["outcome"], locked["error"]["code"]) == ("pr-1", "locked", "locked")
    assert (done["name"], done["outcome"], done["state"]) == ("pr-2", "done", "configured")
    assert document["counts"] == {"done": 1, "locked": 1}


def test_the_exit_code_is_the_worst(
    cli: Any, scripted_provider: ScriptedProvider, data: Path, states: Callable[[], str]
) -> None:
    cli("provision", "shop")
    scripted_provider.fails["first_provision"] = [BROKEN, BROKEN]

    ran = cli("provision", "--all", "--parallel", "1")
    assert ran.code == 6
    assert "pr-1: provision of 'pr-1' failed at first_provision: no route to host" in ran.out
    assert ran.out.splitlines()[-1] == "3: 1 done, 2 failed"
    assert states() == "provision_failed provision_failed provisioned"

    (data / "pr-1" / "history.jsonl").write_text("damaged\n")
    (data / "pr-1" / "state.json").unlink()
    ran = cli("configure", "--all")
    assert (ran.code, ran.out.splitlines()[-1]) == (7, "2: 1 done, 1 unusable")


def test_what_a_glob_matches_in_vain_is_passed_over_and_a_name_is_not(
    cli: Any, scripted_provider: ScriptedProvider
) -> None:
    scripted_provider.fails["first_provision"] = [BROKEN]
    cli("provision", "pr-1")

    ran = cli("retry", "pr-*")
    assert (ran.code, ran.out) == (0, "pr-1 is provisioned\n1: 1 done\n")
    assert "note: retry is of no use for pr-2 (created)" in ran.err
    assert cli("retry", "--all").out == "nothing to retry\n"
    assert cli("retry", "pr-2", "shop").code == 4
    assert cli("retry", "pr-2", "sh*").code == 4


def test_a_glob_passes_over_environments_whose_teardown_has_begun(
    cli: Any, scripted_provider: ScriptedProvider
) -> None:
    cli("provision", "--all")
    scripted_provider.fails["second_destroy"] = [BROKEN]
    assert cli("destroy", "pr-1", "--yes").code == 6

    ran = cli("configure", "pr-*")

    assert (ran.code, ran.out.splitlines()[-1]) == (0, "1: 1 done")
    assert "note: configure is of no use for pr-1 (provisioned, destroy failed at" in ran.err
    assert cli("configure", "pr-1", "pr-2").code == 4


def test_ctrl_c_starts_no_more_and_names_those_not_begun(
    cli: Any, scripted_provider: ScriptedProvider, states: Callable[[], str]
) -> None:
    scripted_provider.at_step = lambda step, _context: (
        signal.raise_signal(signal.SIGINT) if step.startswith("second") else None
    )

    ran = cli("provision", "--all", "--parallel", "1")

    assert ran.code == 130
    assert ran.out == "pr-1 is provisioned\nnot begun: pr-2, shop\n3: 1 done, 2 not begun\n"
    assert states() == "provisioned created created"


def test_a_second_ctrl_c_ends_the_commands_under_way(
    cli: Any, scripted_provider: ScriptedProvider, states: Callable[[], str]
) -> None:
    scripted_provider.hangs.add("second_provision")
    scripted_provider.at_step = lambda step, _context: (
        [signal.raise_signal(signal.SIGINT) for _ in range(2)] if step.startswith("second") else None
    )

    ran = cli("provision", "pr-1", "shop", "--parallel", "1", "--json")

    assert ran.code == 130
    stopped, unbegun = ran.document["environments"]
    assert (stopped["outcome"], stopped["error"]["message"]) == (
        "cancelled",
        "ended by SIGINT: pr-1 is provision_failed (failed at: second_provision)",
    )
    assert (unbegun["outcome"], unbegun["error"]["code"]) == ("not_started", "not_started")
    assert states() == "provision_failed created created"


def test_several_are_brought_up_with_one_plan_each(cli: Any, states: Callable[[], str]) -> None:
    planned = cli("up", "pr-*", "--plan", "--json").document
    assert [(each["name"], each["plan"][0]) for each in planned["environments"]] == [
        ("pr-1", "provision"),
        ("pr-2", "provision"),
    ]
    assert planned["counts"] == {"planned": 2}
    assert states() == "created created created"

    cli("destroy", "pr-2", "--yes")
    ran = cli("up", "*", "--to", "configured", "--parallel", "2")
    assert (ran.code, states()) == (0, "configured destroyed configured")
    assert "note: up is of no use for pr-2 (destroyed)" in ran.err
    again = cli("up", "--all", "--to", "configured", "--parallel", "1")
    assert again.out.startswith("pr-1 is configured: nothing to do\nshop is")
    assert cli("up", "pr-*", "--file", "x.yaml").code == 2
    assert cli("up", "pr-1", "pr-2", "--to", "configured", "--json").document["counts"] == {
        "done": 1,
        "not_allowed": 1,
    }


def test_destroy_asks_once_about_all(repository: FileRepository, data: Path, cli: Any) -> None:
    cli("provision", "pr-2")
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "environments", "--data-dir", str(data), "destroy", "pr-*"]
    os.write(ours, b"n\n")

    done = subprocess.run(words, stdin=theirs, capture_output=True, text=True, timeout=120, check=False)

    os.close(ours)
    os.close(theirs)
    assert done.returncode == 2
    assert done.stderr.startswith(
        "  pr-1  created\n  pr-2  provisioned\nDestroy the resources of 2 environments? [y/N] "
    )
    assert "not confirmed; nothing was done" in done.stderr


def test_destroyed_environments_are_purged_at_once(cli: Any, repository: FileRepository) -> None:
    cli("destroy", "pr-*", "--yes")

    assert (
        "note: destroy is of no use for pr-1 (destroyed), pr-2 (destroyed)" in cli("destroy", "*", "-y").err
    )
    ran = cli("purge", "--destroyed", "--yes", "--json")

    assert [(each["name"], each["purged"]) for each in ran.document["environments"]] == [
        ("pr-1", True),
        ("pr-2", True),
        ("shop", True),
    ]
    assert repository.names() == []
    assert cli("purge", "--destroyed", "--yes").out == "nothing to purge\n"


def test_destroy_with_purge_frees_the_name_also_after_an_earlier_destroy(
    cli: Any, repository: FileRepository
) -> None:
    cli("destroy", "pr-2", "--yes")

    assert cli("destroy", "shop", "--purge", "--yes").out == "shop is purged: its name is free\n"
    assert cli("destroy", "pr-*", "--purge", "--yes").out.endswith("2: 2 done\n")
    assert repository.names() == []


def test_an_interruption_between_destroy_and_purge_tells_what_is_left(
    cli: Any, scripted_provider: ScriptedProvider, repository: FileRepository
) -> None:
    scripted_provider.at_step = lambda step, _context: (
        signal.raise_signal(signal.SIGINT) if step.startswith("second") else None
    )

    ran = cli("destroy", "shop", "--purge", "--yes")

    assert ran.code == 130
    assert "ended by SIGINT: shop is destroyed" in ran.err
    assert "next: envchart purge shop" in ran.err
    assert repository.load("shop").state.name == "destroyed"


def test_destroy_removes_those_that_have_expired(cli: Any, repository: FileRepository) -> None:
    assert cli("destroy", "--expired", "--yes").out == "nothing to destroy: no environment has expired\n"
    workspace = Workspace(repository=repository)
    spec = repository.load("pr-1").spec
    workspace.create(
        EnvironmentSpec(name="short", provider=spec.provider, expires=timedelta(milliseconds=1))
    )

    ran = cli("destroy", "--expired", "--purge", "--yes")

    assert (ran.code, ran.out) == (0, "short is purged: its name is free\n1: 1 done\n")
    assert repository.names() == ["pr-1", "pr-2", "shop"]


async def test_remove_stops_before_the_purge_when_asked(repository: FileRepository) -> None:
    stop = StopRequest("Ctrl-C")
    await Workspace(repository=repository).destroy("shop")

    with pytest.raises(Exception, match="'shop' is destroyed, and purge was not begun"):
        await Workspace(repository=repository, stop=stop).remove("shop")
    assert (await Workspace(repository=repository).remove("shop")).state.name == "destroyed"


def test_a_closed_output_stops_no_work(cli: Any, data: Path, repository: FileRepository) -> None:
    for name in "ab":
        cli("create", name, "--app", HELLO)
    words = f"{sys.executable} -m environments --data-dir {data} destroy a b --yes --parallel 1"

    subprocess.run(["bash", "-c", f"{words} | true"], timeout=120, check=True, capture_output=True)

    assert {repository.load(name).state.name for name in "ab"} == {"destroyed"}
