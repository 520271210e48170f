"""`up`: the plan, and the environment brought up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from environments.model.observation import HostState, Observation, ServiceState
from environments.storage.file import FileRepository
from environments.testing import ScriptedProvider

HELLO = Path(__file__).parents[3] / "examples" / "hello"


SPEC = f"name: hello\nprovider:\n  kind: local\n  app: {HELLO}\n"


def test_the_plan_of_a_missing_environment_starts_with_create_and_creates_nothing(
    cli: Any, file: Path, data: Path
) -> None:
    document = cli("up", "--file", file, "--plan", "--json").document

    assert document["plan"] == ["create", "provision", "configure", "release", "run"]
    assert (document["name"], document["state"], document["target"]) == ("hello", None, "running")
    assert document["commands"][2] == {"command": "configure", "reasons": ["follows provision"]}
    assert not data.exists()


def test_the_plan_lists_commands_with_their_reasons(cli: Any, hello: str) -> None:
    assert cli("up", hello, "--to", "configured", "--plan").out == (
        "hello: created, would be brought to configured\n"
        "  provision   not done yet\n"
        "  configure   follows provision\n"
    )


def test_up_to_the_current_state_reports_that_nothing_was_done(cli: Any, hello: str) -> None:
    ran = cli("up", hello, "--to", "created")

    assert (ran.code, ran.out) == (0, "hello is created\n")
    assert "hello is already created: nothing to do" in ran.err


def test_up_to_a_state_without_a_plan_is_not_allowed(cli: Any, hello: str) -> None:
    ran = cli("up", hello, "--to", "destroyed")

    assert ran.code == 4
    assert "plans lead to provisioned, configured, released, running" in ran.err


@pytest.fixture
def running(cli: Any, created: Any, scripted_provider: ScriptedProvider) -> str:
    scripted_provider.outputs["second_run"] = {"serving": "111111111111"}
    assert cli("up", "demo").code == 0
    return "demo"


def test_a_dead_service_is_recorded_and_started(
    cli: Any, running: str, scripted_provider: ScriptedProvider, repository: FileRepository
) -> None:
    seen = Observation(resources=True, service=ServiceState.DOWN, detail="its process is gone")
    scripted_provider.observed = seen
    assert cli("up", "demo", "--plan").out == (
        "demo: running, would be brought to running\n  run         service down: its process is gone\n"
    )

    ran = cli("up", "demo")

    assert ran.code == 0
    assert "run demo\n  because service down: its process is gone\n" in ran.err
    assert scripted_provider.done[-3:] == ["second_run", "first_run", "second_run"]
    states = [
        each.record.to_state for each in repository.history("demo") if each.record.type == "transition"
    ]
    assert states[-2:] == ["run_failed", "running"]


def test_nothing_is_looked_at_on_request(
    cli: Any, running: str, scripted_provider: ScriptedProvider
) -> None:
    scripted_provider.observed = Observation(resources=False, service=ServiceState.DOWN, detail="gone")

    assert cli("up", "demo", "--no-look").err.startswith("demo is already running: nothing to do\n")
    assert cli("up", "demo", "--no-look", "--deep").code == 2
    assert scripted_provider.done[-3:] == ["second_release", "first_run", "second_run"]


@pytest.mark.parametrize(
    ("seen", "code", "first"),
    [
        (Observation(resources=False, service=ServiceState.DOWN, detail="gone"), 4, "destroy demo"),
        (
            Observation(
                resources=True, service=ServiceState.UNKNOWN, host=HostState.UNREACHABLE, detail="no route"
            ),
            6,
            "drift demo",
        ),
    ],
    ids=["gone", "unreachable"],
)
def test_what_is_in_the_way_is_told_and_nothing_is_done(
    cli: Any,
    running: str,
    scripted_provider: ScriptedProvider,
    repository: FileRepository,
    seen: Observation,
    code: int,
    first: str,
) -> None:
    scripted_provider.observed = seen
    before = len(repository.history("demo"))

    plan, ran = cli("up", "demo", "--plan"), cli("up", "demo")

    assert (plan.code, ran.code) == (code, code)
    assert plan.out.startswith("demo: running, can't be brought to running\n  host ")
    assert all(f"next: envchart {first}\n" in each.err for each in (plan, ran))
    assert len(repository.history("demo")) == before


def test_gone_resources_are_created_again_on_request(
    cli: Any, running: str, scripted_provider: ScriptedProvider, repository: FileRepository
) -> None:
    lineage = repository.load("demo").lineage
    scripted_provider.observed = Observation(resources=False, service=ServiceState.DOWN, detail="gone")
    assert [line.split()[0] for line in cli("up", "demo", "--plan", "--recreate").out.splitlines()[1:]] == [
        "destroy",
        "create",
        "provision",
        "configure",
        "release",
        "run",
    ]

    assert cli("up", "demo", "--recreate").code == 0

    again = repository.load("demo")
    assert again.state.name == "running"
    assert again.lineage != lineage
    scripted_provider.observed = None
    cli("destroy", "demo", "--yes")
    assert cli("up", "demo").code == 4
    assert cli("up", "demo", "--recreate").code == 0, "an earlier attempt may have ended there"


def test_options_and_files_change_the_declaration_first(
    cli: Any, file: Path, repository: FileRepository
) -> None:
    cli("create", "--file", file)
    file.write_text(SPEC + "  port: 28081\n")

    planned = cli("up", "--file", file, "--plan")
    ran = cli("up", "--file", file, "--env", "GREETING=Hi", "--to", "provisioned", "--json")

    assert planned.code == 0
    assert "  provider.port: unset → 28081\n" in planned.err
    changed = {change["field"] for change in ran.document["changes"]}
    assert changed == {"provider.env.GREETING", "provider.port"}
    assert ran.document["state"] == "provisioned"
    types = [each.record.type for each in repository.history("hello")]
    assert types.count("amended") == 1
    refused = cli("up", "hello", "--env", "GREETING=Bye", "--to", "created")
    assert refused.code == 4
    assert [each.record.type for each in repository.history("hello")] == types
    assert cli("destroy", "hello", "--yes").code == 0


def test_replacing_that_was_not_needed_is_told(cli: Any, running: str) -> None:
    assert "note: --allow-replace was not needed" in cli("up", "demo", "--allow-replace").err


def test_any_field_of_a_new_or_an_old_environment_is_changed_first(cli: Any) -> None:
    options = ("--env", "A=1", "--set", "labels.team=web", "--to", "created")
    spec = cli("up", "new", "--app", HELLO, *options, "--json").document["spec"]
    assert (spec["labels"], spec["provider"]["env"]) == ({"team": "web"}, {"A": "1"})

    spec = cli("up", "new", "--unset", "provider.env.A", "--to", "created", "--json").document["spec"]

    assert (spec["labels"], spec["provider"]["env"]) == ({"team": "web"}, {})
    assert cli("up", "missing", "--set", "labels.team=web").code == 3
