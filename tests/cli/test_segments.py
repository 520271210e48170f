"""Environments with long histories: the commands read them through segments, and say which are missing."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from environments import EnvironmentSpec, FileRepository, Workspace
from environments.model.records import CheckpointRecord
from environments.testing import ScriptedSpec
from statechart.errors import MissingSegment
from statechart.storage.segments.size import Segment
from tests.cli.conftest import Cli


@pytest.fixture
def repository(data: Path) -> FileRepository:
    return FileRepository(data, segment=Segment(records=5))


@pytest.fixture
def workspace(repository: FileRepository) -> Workspace:
    workspace = Workspace(repository=repository)
    workspace.create(EnvironmentSpec(name="web", provider=ScriptedSpec()))
    for command in (workspace.provision, workspace.configure, workspace.release, workspace.run):
        asyncio.run(command("web"))
    return workspace


def lose(repository: FileRepository, number: int) -> Path:
    """Move an ended segment away; return the place where it belongs."""
    path = repository.segments("web")[number].path
    path.rename(path.with_name(f"away-{path.name}"))
    return path


def test_a_life_in_segments_reads_like_any_other(
    cli: Cli, workspace: Workspace, repository: FileRepository
) -> None:
    assert len(repository.segments("web")) > 3

    history = repository.history("web")
    assert not any(isinstance(entry.record, CheckpointRecord) for entry in history)
    assert [entry.revision for entry in history] == sorted(entry.revision for entry in history)
    assert len(cli("history", "web", "--json").document["history"]) == len(history)
    assert cli("show", "web").code == cli("why", "web").code == cli("list").code == 0
    for revision in (1, 3, history[-1].revision):
        past = cli("history", "web", "--at", str(revision), "--json").document
        assert past["revision"] == revision
    refused = cli("history", "web", "--at", "99")
    assert (refused.code, f"revisions 1 to {history[-1].revision}" in refused.err) == (2, True)
    verified = cli("verify", "web")
    assert verified.code == 0
    assert (
        f"web: {len(repository.segments('web')) - 1} ended segments, 0 of them compressed" in verified.out
    )
    states = [each["to_state"] for each in events(cli) if each["type"] == "transition"]
    assert states[-1] == "running"


def events(cli: Cli) -> list[dict[str, str]]:
    return [json.loads(line) for line in cli("events", "web", "--json").out.splitlines()]


def test_compressed_segments_are_read_and_said_by_verify(
    cli: Cli, workspace: Workspace, repository: FileRepository
) -> None:
    before = cli("history", "web").out

    count = len(repository.compress("web"))

    assert cli("history", "web").out == before
    assert f"{count} ended segments, {count} of them compressed" in cli("verify", "web").out
    assert cli("verify", "web", "--json").document["environments"][0]["notes"]


def test_a_missing_segment_is_said_and_work_goes_on(
    cli: Cli, workspace: Workspace, repository: FileRepository
) -> None:
    path = lose(repository, 1)

    with pytest.raises(MissingSegment):
        repository.history("web")
    verified = cli("verify", "web")
    assert verified.code == 8
    assert f"web: record 6: {path}: records 6 to 10: it is not there" in verified.out
    told = cli("history", "web")
    assert (told.code, "run: released → running" in told.out) == (0, True)
    assert path.name in told.err
    assert cli("history", "web", "--json").document["missing"] == {"first_seq": 1, "last_seq": 10}
    assert path.name in cli("why", "web").out
    early = cli("history", "web", "--at", "1", "--json")
    assert (early.code, early.error["code"]) == (7, "missing_segment")
    assert cli("show", "web").code == 0
    asyncio.run(workspace.run("web"))
    asyncio.run(workspace.destroy("web"))
    assert cli("history", "web", "--at", str(repository.load("web").revision)).code == 0


def test_a_damaged_segment_is_an_error_of_histories_only(
    cli: Cli, workspace: Workspace, repository: FileRepository
) -> None:
    path = repository.segments("web")[0].path
    path.write_bytes(path.read_bytes().replace(b'"created"', b'"craeted"'))

    refused = cli("history", "web", "--json")
    assert (refused.code, refused.error["code"]) == (7, "unusable_segment")
    assert cli("verify", "web").code == 8
    assert cli("show", "web").code == cli("recover", "web").code == 0


def test_an_interrupted_operation_is_recovered_without_the_segments_before_it(
    cli: Cli, workspace: Workspace, repository: FileRepository
) -> None:
    lose(repository, 0)

    asyncio.run(workspace.stop("web"))
    asyncio.run(workspace.recover("web"))
    asyncio.run(workspace.bring("web"))
    assert workspace.load("web").state.name == "running"


def test_events_tell_a_gap_and_what_is_behind_it(
    cli: Cli, workspace: Workspace, repository: FileRepository
) -> None:
    cursor = workspace.cursor()
    path = lose(repository, 1)

    told = cli("events", "web")
    assert path.name in told.err + told.out
    assert "running" in told.out
    asyncio.run(workspace.run("web"))
    later = cli("events", "web", "--since", str(cursor))
    assert path.name not in later.err + later.out
    assert later.code == 0
    last = events(cli)[-1]
    latest = cli("events", "web", "--since", last["at"], "--json")
    assert (latest.code, json.loads(latest.out)["seq"], latest.err) == (0, last["seq"], "")


def test_a_name_that_has_only_ended_segments_is_begun_anew(
    cli: Cli, workspace: Workspace, repository: FileRepository
) -> None:
    for file in ("history.jsonl", "state.json"):
        (repository.directory("web") / file).unlink()

    listed = cli("list")
    assert "envchart recover web --rebase" in listed.out + listed.err
    anew = cli("recover", "web", "--rebase", "--yes")
    assert (anew.code, "kept" in anew.out) == (0, False)
    assert cli("show", "web").code == cli("verify", "web").code == 0
