"""The command line of a fleet without workers: its documents, and the exit codes that are documented."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from environments import EnvironmentSpec, Fleet, Workspace
from environments.testing import ScriptedSpec
from statechart.storage.sql.urls import shown
from tests.cli.conftest import _logging_as_it_was as _logging_as_it_was, cli as cli, data as data


@pytest.fixture
def url(fleet_url: str, cli: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A fleet with the environment `web`, without wishes for it that are unfinished."""
    monkeypatch.setenv("ENVCHART_SCRATCH", str(tmp_path))
    monkeypatch.delenv("ENVCHART_DATA_DIR")
    monkeypatch.setenv("ENVCHART_STORE", fleet_url)
    fleet, workspace = Fleet(fleet_url), Workspace(fleet_url)
    fleet.migrate()
    if not workspace.exists("web"):
        workspace.create(EnvironmentSpec(name="web", provider=ScriptedSpec()))
    fleet.cancel([each.id for each in fleet.list(unfinished=True)])
    return fleet_url


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (("submit", "nothing"), 3, "not_found"),
        (("submit", "nothing-*"), 3, "not_found"),
        (("submit", "web", "--to", "runing"), 2, "invalid_goal"),
        (("submit",), 2, "usage"),
        (("status", "nothing"), 3, "no_such_wish"),
        (("cancel", "web"), 3, "no_such_wish"),
        (("drain", "nothing"), 3, "no_such_worker"),
        (("drain",), 2, "usage"),
        (("schedule", "drift", "* * *"), 2, "invalid_schedule"),
        (("schedule", "backup", "* * * * *"), 2, "invalid_schedule"),
    ],
)
@pytest.mark.usefixtures("url")
def test_what_can_not_be_asked_ends_with_its_code(
    cli: Any, words: Sequence[str], code: int, error: str
) -> None:
    ran = cli("fleet", *words, "--json")

    assert (ran.code, ran.error["code"]) == (code, error)


@pytest.mark.parametrize("goal", ["stop", "retry", "deploy"])
@pytest.mark.usefixtures("url")
def test_a_goal_that_the_state_does_not_allow_is_refused(cli: Any, goal: str) -> None:
    ran = cli("fleet", "submit", "web", "--to", goal, "--json")

    assert ran.code == 4
    assert [each["name"] for each in ran.document["refused"]] == ["web"]
    assert ran.document["wishes"] == []


@pytest.mark.usefixtures("url")
def test_wishes_for_a_name_wait_in_order_and_are_told_and_cancelled(cli: Any) -> None:
    made = [
        cli("fleet", "submit", "web", "web", "--to", goal, "--json") for goal in ("running", "destroyed")
    ]

    assert [ran.code for ran in made] == [0, 0]
    numbers = [each["id"] for ran in made for each in ran.document["wishes"]]
    assert len(numbers) == 2  # a name that was given twice is asked for once
    listed = cli("fleet", "list", "--unfinished", "--json").document["wishes"]
    assert sorted(each["id"] for each in listed) == sorted(numbers)
    (last,) = cli("fleet", "status", "web", "--json").document["wishes"]
    assert (last["id"], last["condition"], last["message"]) == (numbers[1], "queued", "no worker is there")
    looked = cli("fleet", "workers", "--json")
    assert (looked.document, looked.err) == ({"workers": []}, "next: envchart fleet worker\n")
    cancelled = cli("fleet", "cancel", "web", "--json")
    assert {
        (each["condition"], each["code"], each["exit_code"]) for each in cancelled.document["wishes"]
    } == {("cancelled", "cancelled", 6)}
    assert cli("fleet", "prune", "--older-than", "0", "--json").document["deleted"] >= 1
    assert cli("fleet", "status", "web", "--json").document["wishes"][0]["id"] == numbers[1]


def test_the_next_command_names_the_store_that_was_given(cli: Any, blank_postgres_url: str) -> None:
    ran = cli("fleet", "list", "--store", blank_postgres_url, "--json")

    assert (ran.code, ran.error["code"]) == (7, "fleet_not_migrated")
    assert ran.error["next"] == [f"envchart fleet migrate --store {shown(blank_postgres_url)}"]
