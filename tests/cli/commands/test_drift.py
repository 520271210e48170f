"""`drift`: the differences, and that only the record is changed."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest

from environments.model.observation import Observation, ServiceState
from environments.storage.file import FileRepository
from environments.testing import ScriptedProvider
from environments.workspace import Workspace

DOWN = Observation(resources=True, service=ServiceState.DOWN, detail="its process is gone")


@pytest.fixture
def running(cli: Any, created: Any, scripted_provider: ScriptedProvider) -> str:
    scripted_provider.outputs["second_run"] = {"serving": "111111111111"}
    assert cli("up", "demo").code == 0
    return "demo"


def test_without_differences_the_exit_code_is_0(cli: Any, running: str) -> None:
    ran = cli("drift", "demo")

    assert (ran.code, ran.out) == (0, "demo is running: no difference found\n")


def test_a_difference_is_reported_with_its_event_and_the_next_command(
    cli: Any, running: str, scripted_provider: ScriptedProvider, repository: FileRepository
) -> None:
    before = repository.history("demo")
    scripted_provider.observed = DOWN

    ran = cli("drift", "demo")

    assert ran.code == 8
    assert (
        ran.out == "demo is running, but the infrastructure differs:\n  service down: its process is gone\n"
    )
    assert ran.err.splitlines() == [
        "next, for demo: envchart up demo",
        "or, for demo: envchart drift demo --apply (only records it: fires fail)",
    ]
    assert repository.history("demo") == before


def test_an_applied_difference_is_recorded_and_retry_continues_from_it(
    cli: Any, running: str, scripted_provider: ScriptedProvider
) -> None:
    scripted_provider.observed = DOWN

    ran = cli("drift", "demo", "--apply", "--json")

    assert ran.code == 8
    (told,) = ran.document["environments"]
    assert (told["state"], told["applied"]) == ("run_failed", "fail")
    assert (
        cli("show", "demo", "--json").document["failure"]["summary"] == "service down: its process is gone"
    )
    assert cli("retry", "demo").code == 0


def test_all_inspects_each_environment_and_continues_past_errors(
    cli: Any, running: str, data: Path, scripted_provider: ScriptedProvider
) -> None:
    cli("create", "other", "--app", Path(__file__).parents[3] / "examples" / "hello")
    (data / "other" / "history.jsonl").write_text("no record\n")
    scripted_provider.observed = DOWN

    ran = cli("drift", "--all", "--json")

    assert ran.code == 8
    assert ran.document["drift"] is True
    assert {each["name"]: each.get("error", {}).get("code") for each in ran.document["environments"]} == {
        "demo": None,
        "other": "corrupt_history",
    }


def test_an_uninspected_part_is_not_taken_for_healthy(
    cli: Any, running: str, scripted_provider: ScriptedProvider
) -> None:
    scripted_provider.observed = Observation(
        resources=True, service=ServiceState.UP, serving="111111111111", unseen=("the moon: it is day",)
    )

    ran = cli("drift", "demo")

    assert ran.code == 6
    assert ran.out.endswith("no difference found in the parts that were inspected\n")
    assert "note: demo: not inspected: the moon: it is day" in ran.err


def test_an_interrupted_environment_must_be_recovered_first(
    cli: Any, created: Any, scripted_provider: ScriptedProvider, crash: Any
) -> None:
    crash("provision", "provisioning", "first_provision")

    assert cli("drift", "demo").code == 9
    ran = cli("drift", "--all")
    assert (ran.code, "envchart recover demo" in ran.err) == (9, True)


def test_an_environment_under_change_is_skipped(
    cli: Any, created: Any, scripted_provider: ScriptedProvider, crash: Any, repository: FileRepository
) -> None:
    crash("provision", "provisioning", "first_provision")
    from statechart.holder import Holder

    with repository.open("demo", Holder.current("test")):
        assert cli("drift", "demo").code == 5
        ran = cli("drift", "--all", "--json")

    assert ran.code == 0
    assert ran.document["environments"][0]["under_way"] is True


@pytest.mark.parametrize("words", [(), ("demo", "--all")])
def test_either_a_name_or_all_is_required(cli: Any, words: tuple[str, ...]) -> None:
    ran = cli("drift", *words)

    assert (ran.code, "envchart drift --all" in ran.err) == (2, True)


def test_without_environments_drift_succeeds(cli: Any) -> None:
    assert cli("drift", "--all").out == "no environments\n"
    assert cli("drift", "nope").code == 3


def test_a_killed_service_and_changed_files_are_found(cli: Any, hello: str, data: Path) -> None:
    assert cli("up", hello).code == 0
    assert cli("drift", hello).code == 0
    (data / hello / "local" / "config" / "stray").write_text("?")
    pid = next(
        process.pid
        for process in psutil.process_iter()
        if _cwd(process).startswith(str(data / hello / "local" / "releases"))
    )
    psutil.Process(pid).send_signal(signal.SIGKILL)
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=60)

    kinds = [
        finding["kind"] for finding in cli("drift", hello, "--json").document["environments"][0]["findings"]
    ]

    assert kinds == ["service_down", "configuration_changed"]
    assert cli("destroy", hello, "--yes").code == 0


def _cwd(process: psutil.Process) -> str:
    try:
        return process.cwd()
    except psutil.Error:
        return ""


def test_ctrl_c_while_all_are_compared_names_those_that_were_recorded(
    cli: Any, running: str, scripted_provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted_provider.observed = DOWN

    async def interrupted(workspace: Workspace, name: str, *, apply: bool) -> None:
        while workspace.load("demo").state.name != "run_failed":  # noqa: ASYNC110  # a record has no event
            await asyncio.sleep(0.01)
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(5)

    observe = Workspace.drift
    monkeypatch.setattr(
        Workspace,
        "drift",
        lambda *at, apply: (observe if at[1] == "demo" else interrupted)(*at, apply=apply),
    )
    assert cli("create", "other", "--app", Path(__file__).parents[3] / "examples" / "hello").code == 0

    ran = cli("drift", "--all", "--apply")

    assert ran.code == 130
    assert "error: ended by SIGINT; recorded before: demo is run_failed" in ran.err


def test_the_last_look_is_shown_until_the_next_and_says_which_revision_it_is_of(
    cli: Any, running: str, data: Path, scripted_provider: ScriptedProvider
) -> None:
    assert cli("show", "demo", "--json").document["drift"] is None
    scripted_provider.observed = DOWN
    cli("drift", "demo")

    found = cli("show", "demo", "--json").document["drift"]
    assert (found["current"], found["revision"]) == (True, 9)
    assert found["findings"] == [
        {"kind": "service_down", "what": "its process is gone", "next": "envchart up demo"}
    ]
    assert found == cli("list", "--json").document["environments"][0]["drift"]
    assert "drift     looked at now: service down: its process is gone" in cli("show", "demo").out
    # Each command that names what comes next says the same as `drift` did.
    listed = cli("list", "--json").document["environments"][0]
    for shown in (cli("show", "demo", "--json").document, listed):
        assert shown["next"][:2] == ["envchart up demo", "envchart deploy demo"]
    assert "drift now: service down: its process is gone" in cli("list").out
    known = cli("why", "demo", "--json").document["story"]["known"]
    assert known[-1].endswith("Z: service down: its process is gone")
    assert (data / "demo" / "drift.json").stat().st_mode & 0o777 == 0o600
    assert cli("verify", "demo").code == 0

    assert cli("drift", "demo", "--apply").code == 8
    shown = cli("show", "demo", "--json").document
    assert (shown["state"], shown["drift"]["current"], shown["drift"]["findings"]) == (
        "run_failed",
        True,
        [],
    )

    assert cli("retry", "demo").code == 0
    assert "looked at now, before revision 12: no difference" in cli("show", "demo").out
    assert "outdated: none" in cli("list", "--columns", "drift").out
    assert cli("destroy", "demo", "--yes").code == cli("purge", "demo", "--yes").code == 0
    assert not (data / "demo").exists()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        "\udcff",
        '{"name": "demo"}',
        '{"name": "demo", "lineage": "another", "revision": 9, "at": "2026-01-31T12:00:00Z"'
        ', "findings": [], "unseen": []}',
        '{"name": "demo", "lineage": "LINEAGE", "revision": 10, "at": "2026-01-31T12:00:00Z"'
        ', "findings": [], "unseen": []}',
        '{"name": "demo", "lineage": "LINEAGE", "revision": 9, "at": "yesterday"'
        ', "findings": [], "unseen": []}',
        " " * 300_000,
    ],
    ids=range(10),
)
def test_a_last_look_that_is_not_of_this_environment_is_ignored(
    cli: Any, running: str, data: Path, content: str
) -> None:
    lineage = cli("show", "demo", "--json").document["lineage"]
    place = data / "demo" / "drift.json"

    place.write_text(content.replace("LINEAGE", lineage), errors="surrogateescape")

    assert cli("show", "demo", "--json").document["drift"] is None
    assert cli("list", "--json").document["environments"][0]["drift"] is None


def test_a_last_look_that_can_not_be_kept_is_a_note(
    cli: Any, running: str, data: Path, tmp_path: Path, scripted_provider: ScriptedProvider
) -> None:
    scripted_provider.observed = DOWN
    place = data / "demo" / "drift.json"
    place.mkdir()

    ran = cli("drift", "demo")

    assert ran.code == 8
    assert f"this comparison is not kept: cannot write {place}: Is a directory" in ran.err
    assert [each.name for each in (data / "demo").iterdir() if each.name.endswith(".tmp")] == []

    place.rmdir()
    (tmp_path / "elsewhere").write_text("theirs")
    place.symlink_to(tmp_path / "elsewhere")
    assert cli("show", "demo", "--json").document["drift"] is None
    assert "not kept" not in cli("drift", "demo").err
    assert ((tmp_path / "elsewhere").read_text(), place.is_symlink()) == ("theirs", False)


def test_a_long_look_is_kept_in_part(cli: Any, running: str, scripted_provider: ScriptedProvider) -> None:
    altered = tuple(f"{number}: {'ü' * 5_000}" for number in range(200))
    scripted_provider.observed = Observation(
        resources=True, service=ServiceState.UP, serving="111111111111", altered=altered, detail="up"
    )

    assert cli("drift", "demo").code == 8

    for document in (
        cli("show", "demo", "--json").document,
        cli("list", "--json").document["environments"][0],
    ):
        assert len(document["drift"]["findings"]) == 50
        assert len(document["drift"]["findings"][0]["what"]) == 400
