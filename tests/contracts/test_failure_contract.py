"""Failures of real tools: each provider reports them truthfully and continues after the repair."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from environments import CommandFailed, CommandName
from environments.checks.verify import verify
from tests.contracts.failures import FAILURES, Bench, Limits, LocalBench, TerraformBench, Way
from tests.ports import free_port
from tests.providers.terraform.conftest import Project, project, sshd

__all__ = ["project", "sshd"]  # fixtures

PATH = (CommandName.PROVISION, CommandName.CONFIGURE, CommandName.RELEASE, CommandName.RUN)
FAILED = {command: f"{command}_failed" for command in PATH} | {CommandName.DESTROY: "running"}
ACHIEVED = dict(zip(PATH, ("provisioned", "configured", "released", "running"), strict=True))


def names(bench: type[LocalBench] | type[TerraformBench]) -> list[str]:
    return [name for name in FAILURES if name not in bench.NOT_FOR_IT]


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalBench]:
    bench = LocalBench(tmp_path, free_port())
    yield bench
    bench.leave()


@pytest.fixture
def terraform(project: Project) -> Iterator[TerraformBench]:
    bench = TerraformBench(project)
    yield bench
    bench.leave()


@pytest.mark.parametrize("name", names(LocalBench))
async def test_the_local_provider_reports_a_failure_and_continues_once_repaired(
    local: LocalBench, name: str
) -> None:
    await keeps_the_contract(local, name)


@pytest.mark.e2e
@pytest.mark.parametrize("name", names(TerraformBench))
async def test_the_terraform_provider_reports_a_failure_and_continues_once_repaired(
    terraform: TerraformBench, name: str
) -> None:
    await keeps_the_contract(terraform, name)


async def keeps_the_contract(bench: LocalBench | TerraformBench, name: str) -> None:
    """Cause a failure, check its report and its record, repair the cause, and continue."""
    row, way, workspace = FAILURES[name], bench.ways[name], bench.workspace
    for command in PATH:
        if command is row.command:
            break
        if command is way.before:
            await done(way.breaks)
        await run(bench, command)

    if way.before is None:
        await done(way.breaks)
    await bench.limit(row.limits)
    with pytest.raises(CommandFailed) as caught:
        await run(bench, row.command)

    failure = caught.value.failure
    assert (failure.command, failure.cause) == (row.command, row.cause), failure.summary
    assert re.search(row.said, failure.summary), failure.summary
    assert "\n" not in failure.summary
    assert len(failure.summary) < 500, failure.summary
    on_record = workspace.load("demo")
    assert (on_record.state.name, on_record.failure) == (FAILED[row.command], failure)
    assert failure.trace_file is not None
    assert failure.summary in (workspace.directory("demo") / failure.trace_file).read_text()
    await bench.limit(Limits())
    await leads_on(bench, way, row.command)


async def leads_on(bench: LocalBench | TerraformBench, way: Way, command: CommandName) -> None:
    await done(way.mends)
    if way.again is None:
        retried = await bench.workspace.retry("demo")
    else:
        retried = [await run(bench, each) for each in way.again][-1]
    if command is not CommandName.DESTROY:
        assert retried.state.name == ACHIEVED[command]
        retried = await bench.workspace.destroy("demo")
    assert retried.state.name == "destroyed"
    assert bench.is_gone()
    assert verify(bench.workspace._repository, "demo").sound


async def run(bench: Bench, command: CommandName) -> Any:
    return await getattr(bench.workspace, command.value)("demo")  # type: ignore[attr-defined]  # both have one


async def done(change: Any) -> None:
    result = change()
    if inspect.isawaitable(result):
        await result


@pytest.mark.parametrize("bench", [LocalBench, TerraformBench])
def test_each_excluded_failure_exists_and_has_a_reason(
    bench: type[LocalBench] | type[TerraformBench],
) -> None:
    assert bench.NOT_FOR_IT.keys() <= FAILURES.keys()
    assert all(bench.NOT_FOR_IT.values())


def test_each_failure_applies_to_a_provider() -> None:
    assert {*names(LocalBench), *names(TerraformBench)} == set(FAILURES)
