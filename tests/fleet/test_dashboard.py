"""The dashboard's page of a fleet, and its API."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from environments import EnvironmentSpec, Fleet, Workspace
from environments.dashboard import asgi_app
from environments.testing import ScriptedSpec
from tests.dashboard.test_api import check_schema


async def answers(workspace: Workspace, fleet: Fleet | None, *paths: str) -> list[httpx.Response]:
    site = asgi_app(workspace, fleet=fleet)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(site), base_url="http://localhost"
    ) as client:
        found = [await client.get(path) for path in paths]
    await site.following.stop()
    return found


async def test_the_page_shows_wishes_and_why_they_wait(
    fleet_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVCHART_SCRATCH", str(tmp_path))
    workspace, fleet = Workspace(fleet_url), Fleet(fleet_url)
    fleet.migrate()
    workspace.create(EnvironmentSpec(name="shown", provider=ScriptedSpec()))
    fleet.submit("shown", by="ann <lab>")

    page, workers, wishes, home = await answers(
        workspace, fleet, "/fleet", "/api/v1/fleet/workers", "/api/v1/fleet/wishes", "/"
    )

    assert page.status_code == 200
    assert "no worker is there" in page.text
    assert "ann &lt;lab&gt;" in page.text
    assert 'href="/fleet"' in home.text
    check_schema("FleetWorkers", workers.json())
    check_schema("FleetWishes", wishes.json())
    assert [each["condition"] for each in wishes.json()["wishes"]] == ["queued"]


async def test_a_store_without_a_fleet_says_so(tmp_path: Path, blank_postgres_url: str) -> None:
    (files,) = await answers(Workspace(tmp_path / "data"), None, "/fleet")
    (blank,) = await answers(Workspace(tmp_path / "data"), Fleet(blank_postgres_url), "/fleet")

    assert "a fleet needs a store in PostgreSQL" in files.text
    assert "envchart fleet migrate" in blank.text
