"""What Prometheus reads: the environments as they are, and what was recorded since the start."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from environments import EnvironmentSpec, Workspace
from environments.dashboard.app import asgi_app, site_of
from environments.errors import CommandFailed, StepFailed
from environments.model.failure import FailureCause
from environments.overview.row import GROUPS
from environments.storage.memory import MemoryRepository
from environments.testing import ScriptedProvider, ScriptedSpec
from statechart.dashboard.exposition import CONTENT_TYPE, Family, exposed
from statechart.dashboard.guard import Access
from tests.dashboard.states import at_work, make_states
from tests.dashboard.test_api import REFERENCE

OPERATIONS = "envchart_operation_duration_seconds"

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@asynccontextmanager
async def site(workspace: Workspace) -> AsyncIterator[httpx.AsyncClient]:
    app = asgi_app(workspace)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client
    await app.following.stop()


async def scraped(client: httpx.AsyncClient) -> Samples:
    """Return the samples as Prometheus' own client reads them."""
    answer = await client.get("/metrics")
    assert (answer.status_code, answer.headers["content-type"]) == (200, CONTENT_TYPE)
    families = list(text_string_to_metric_families(answer.text))
    assert all(family.documentation and family.type != "unknown" for family in families)
    declared = dict(re.findall(r"^# TYPE (\w+) (\w+)$", answer.text, re.M))
    assert len(declared) == len(families)
    page = REFERENCE.read_text()
    assert [name for name, type in declared.items() if f"| `{name}` | {type} |" not in page] == []
    return {
        (each.name, frozenset(each.labels.items())): each.value
        for family in families
        for each in family.samples
    }


def of(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((name, frozenset(labels.items())), 0.0)


async def until(client: httpx.AsyncClient, holds: Callable[[Samples], bool]) -> Samples:
    """Scrape until the metrics are as they should become."""
    async with asyncio.timeout(30):
        while True:
            samples = await scraped(client)
            if holds(samples):
                return samples
            await asyncio.sleep(0.01)


async def test_the_environments_are_counted_by_state_class_and_group(data: Path) -> None:
    names = make_states(data)
    with at_work(data):
        async with site(Workspace(data)) as client:
            samples = await scraped(client)
            overview = (await client.get("/api/v1/environments?per_page=1000")).json()

    assert of(samples, "envchart_environments", state="provisioning", **{"class": "under-way"}) == 1
    assert of(samples, "envchart_operations_under_way", command="provision") == 1
    assert of(samples, "envchart_operations_under_way", command="run") == 0
    assert of(samples, "envchart_environments_unreadable") == len(overview["unreadable"]) == 4
    readable = sum(value for (name, _), value in samples.items() if name == "envchart_environments")
    assert readable == len(overview["environments"]) == len(names) - 4
    groups = {group: of(samples, "envchart_environments_by_group", group=group) for group in GROUPS}
    assert groups == overview["counts"]


@pytest.mark.parametrize("kind", ["file", "memory"])
async def test_operations_and_steps_are_counted_as_they_are_recorded(tmp_path: Path, kind: str) -> None:
    kept = MemoryRepository(tmp_path / "memory") if kind == "memory" else None
    workspace = Workspace(tmp_path / "data", repository=kept)
    for name in ("web", "old"):
        workspace.create(EnvironmentSpec(name=name, provider=ScriptedSpec()))
    await workspace.provision("old")  # before the start, and so not counted
    async with site(workspace) as client:
        assert of(await scraped(client), f"{OPERATIONS}_count") == 0

        await workspace.provision("web")
        no_route = StepFailed(FailureCause.NETWORK, "no route")
        with (
            ScriptedProvider(fails={"second_configure": [no_route]}).installed(),
            pytest.raises(CommandFailed),
        ):
            await workspace.configure("web")
        await workspace.configure("old")

        ended = [{"command": "configure", "outcome": outcome} for outcome in ("succeeded", "failed")]
        samples = await until(
            client, lambda each: all(of(each, f"{OPERATIONS}_count", **end) for end in ended)
        )

    provision = {"command": "provision", "outcome": "succeeded"}
    assert of(samples, f"{OPERATIONS}_count", **provision) == 1
    assert of(samples, f"{OPERATIONS}_bucket", le="+Inf", **provision) == 1
    step = {"command": "configure", "step": "second_configure"}
    assert of(samples, "envchart_step_duration_seconds_count", outcome="failed", **step) == 1
    assert of(samples, "envchart_step_duration_seconds_count", outcome="done", **step) == 1
    assert of(samples, "envchart_failures_total", cause="network", **step) == 1
    assert of(samples, "envchart_dashboard_reads_total") > 0


async def test_a_command_that_was_begun_before_the_start_is_counted_when_it_ends(data: Path) -> None:
    workspace = Workspace(data)
    workspace.create(EnvironmentSpec(name="web", provider=ScriptedSpec()))
    at_step = asyncio.Event()
    provider = ScriptedProvider(hangs={"second_provision"}, at_step=lambda *_: at_step.set())
    with provider.installed():
        command = asyncio.ensure_future(workspace.provision("web"))
        await at_step.wait()
        async with site(workspace) as client:
            await scraped(client)
            command.cancel()
            await asyncio.wait([command])
            ended = {"command": "provision", "outcome": "failed"}
            samples = await until(client, lambda each: of(each, f"{OPERATIONS}_count", **ended) == 1)

    assert of(samples, "envchart_operations_under_way", command="provision") == 0
    assert of(samples, "envchart_environments_by_group", group="failed") == 1


async def test_what_was_stopped_without_effect_is_a_failure_of_its_step(data: Path) -> None:
    workspace = Workspace(data)
    workspace.create(EnvironmentSpec(name="web", provider=ScriptedSpec()))
    failing: dict[str, list[BaseException]] = {
        "second_provision": [StepFailed(FailureCause.INFRASTRUCTURE, "no host")],
        "first_destroy": [StepFailed(FailureCause.NETWORK, "no route")],
    }
    options: dict[str, dict[str, object]] = {"first_destroy": {"has_effect": False}}
    with ScriptedProvider(fails=failing, options=options).installed():
        async with site(workspace) as client:
            await scraped(client)
            for command in (workspace.provision, workspace.destroy):
                with pytest.raises(CommandFailed):
                    await command("web")
            ended = {"command": "destroy", "outcome": "failed"}
            samples = await until(client, lambda each: of(each, f"{OPERATIONS}_count", **ended) == 1)

    failures = [dict(labels) for name, labels in samples if name == "envchart_failures_total"]
    assert {(each["command"], each["step"]) for each in failures} == {
        ("provision", "second_provision"),
        ("destroy", "first_destroy"),
    }


async def test_purged_and_created_again_a_name_is_counted_again(data: Path) -> None:
    workspace = Workspace(data)

    def counted(samples: Samples) -> tuple[float, float]:
        ended = of(samples, f"{OPERATIONS}_count", command="destroy", outcome="succeeded")
        return ended, of(samples, "envchart_environments_by_group", group="destroyed")

    async with site(workspace) as client:
        await scraped(client)
        for expected in ((1, 1), (2, 1)):
            workspace.create(EnvironmentSpec(name="web", provider=ScriptedSpec()))
            await workspace.destroy("web")
            await until(client, lambda each, expected=expected: counted(each) == expected)
            await workspace.purge("web")
            await until(client, lambda each: counted(each)[1] == 0)


def test_labels_are_escaped_as_prometheus_reads_them() -> None:
    odd = 'a\\b "c"\nd'
    text = exposed([Family("metric", "About \\ it\nall.", "gauge", ("label",), {(odd,): 1.5})])

    (family,) = text_string_to_metric_families(text)
    assert (family.documentation, family.samples[0].labels, family.samples[0].value) == (
        "About \\ it\nall.",
        {"label": odd},
        1.5,
    )


async def test_the_metrics_need_the_token(data: Path) -> None:
    app = site_of(Workspace(data), access=Access.of(8731, "secret"))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8731") as client:
        refused = await client.get("/metrics")
        admitted = await client.get("/metrics", headers={"Authorization": "Bearer secret"})
        health = await client.get("/healthz")
    await app.following.stop()

    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "no_token")
    assert admitted.status_code == 200
    assert (health.status_code, health.json()["ok"]) == (200, True)
