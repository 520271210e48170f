"""The pages of environments, as the server gives them: whole without a script, and safe."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from html import unescape
from itertools import product
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from environments import EnvironmentSpec, Workspace
from environments.dashboard import asgi_app
from environments.errors import EnvironmentsError, StepFailed
from environments.model.failure import FailureCause
from environments.model.observation import Observation, ServiceState
from environments.overview import GROUPS, EnvironmentRow
from environments.testing import ScriptedProvider, ScriptedSpec
from statechart.dashboard.site import Site
from tests.dashboard.states import UNREADABLE, at_work, make_states

HOSTILE = "<script>alert(1)</script>\"'&\x1b[31m"
INLINE = re.compile(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE)


@asynccontextmanager
async def opened(site: Site[EnvironmentRow]) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=site)
    headers = {"Accept": "text/html"}
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        try:
            yield client
        finally:
            await site.following.stop()


@pytest.fixture(scope="module")
def all_states(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("states") / "data"
    make_states(data)
    return data


@pytest.fixture
async def client(all_states: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Asks the dashboard of environments in all states."""
    async with opened(asgi_app(Workspace(all_states))) as client:
        yield client


@pytest.fixture
def provider() -> Iterator[ScriptedProvider]:
    url = {"url": "javascript:alert(1)", "instance_ip": "10.0.0.7", "details": {"page": "https://x.test/a"}}
    outputs = {"second_provision": url, "second_run": {"serving": "r1", "served": "r1"}}
    scripted = ScriptedProvider(outputs=outputs)  # type: ignore[arg-type]
    with scripted.installed():
        yield scripted


@pytest.fixture
def workspace(tmp_path: Path, provider: ScriptedProvider) -> Workspace:
    return Workspace(tmp_path / "data")


@pytest.fixture
async def fresh(workspace: Workspace) -> AsyncIterator[httpx.AsyncClient]:
    """Asks the dashboard of a workspace that a test fills."""
    async with opened(asgi_app(workspace)) as client:
        yield client


def names_of(data: Path) -> set[str]:
    return {path.name for path in data.glob("[a-z]*")}


def names_in(page: str) -> list[str]:
    return re.findall(r'data-name="([^"]+)"', page)


def text_of(page: str) -> str:
    """Return the text of a page, without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


async def test_every_page_of_every_environment_is_whole_and_has_nothing_inline(
    client: httpx.AsyncClient, all_states: Path
) -> None:
    for name in names_of(all_states):
        for path in (name, f"{name}?at=2", f"{name}/trace"):
            answer = await client.get(f"/e/{path}")

            told = name in UNREADABLE or name == "foreign"
            assert answer.status_code == 200 or (told and answer.status_code in (404, 409, 500, 503)), path
            assert INLINE.search(answer.text) is None, path
            assert answer.text.rstrip().endswith("</html>"), path
            assert name in text_of(answer.text), path


async def test_the_overview_begins_with_the_environments_that_need_a_person(
    client: httpx.AsyncClient, all_states: Path
) -> None:
    page = (await client.get("/")).text

    groups = re.findall(r'<tr class="([a-z-]+)"', page)
    assert groups == sorted(groups, key=GROUPS.index)
    assert groups[0] == "failed"
    assert len(names_in(page)) == len(names_of(all_states))
    assert f'<b data-count="all">{len(names_in(page))}</b>' in page
    assert "is damaged" in text_of(page)  # the reason of one that can't be read
    assert str(all_states) in page


WANTED = (
    ("q=working", ["working"]),
    ("label:stage=test", ["working"]),  # others with this label can't be read
    ("group=unreadable&q=corrupt", ["corrupt"]),
    ("q=nothing-like-this", []),
)


async def test_the_address_says_what_is_shown(client: httpx.AsyncClient) -> None:
    for query, wanted in WANTED:
        page = (await client.get(f"/?{query}")).text

        found = names_in(page)
        assert found == wanted
        assert ("Clear the conditions" in page) == (found == [])


ABSURD = (
    "/?page=99999999999999999999",
    "/?page=-1",
    "/?page=abc&sort=%00&group=nothing&per_page=1e9",
    "/all?page=7",
    "/e/redeployed?at=99999999999999",
    "/e/redeployed?at=-4",
    "/e/redeployed?at=1%00",
    "/e/redeployed/log?lines=abc",
    "/e/redeployed/chart.svg?at=77",
)


async def test_absurd_numbers_are_corrected(client: httpx.AsyncClient) -> None:
    answers = {address: (await client.get(address)).status_code for address in ABSURD}

    assert answers == dict.fromkeys(ABSURD, 200)


NO_NAMES = ("..%2F..%2Fetc", "%2e%2e", "A", "a--b", ".locks", "x%00y", "nothing-here", "a" * 300)


async def test_a_name_that_is_none_has_no_page(client: httpx.AsyncClient) -> None:
    for name, path in product(NO_NAMES, ("", "?at=1", "/log", "/trace", "/chart.svg")):
        answer = await client.get(f"/e/{name}{path}")

        assert answer.status_code == 404, (name, path)
        assert "To the overview" in answer.text


async def test_an_environment_is_shown_as_it_was(client: httpx.AsyncClient) -> None:
    now, then = (await client.get("/e/redeployed")).text, (await client.get("/e/redeployed?at=3")).text

    assert "As it was at revision 3" in text_of(then)
    assert "Back to now" in then
    assert 'rel="prev" aria-label="The revision before" href="/e/redeployed?at=2"' in then
    assert "As it was" not in text_of(now)
    assert "What you can do" in text_of(now)
    assert "What you can do" not in text_of(then)  # nothing can be done in the past


async def test_a_long_history_is_listed_in_part(client: httpx.AsyncClient) -> None:
    few, many = (await client.get("/e/redeployed?records=3")).text, (await client.get("/e/redeployed")).text

    assert few.count('<tr id="record-') <= 3 < many.count('<tr id="record-')
    assert "records before" in text_of(few)
    assert "records before" not in text_of(many)


@pytest.mark.parametrize(
    "path", ["/", "/?q=nothing-has-this-name", "/all", "/e/redeployed", "/e/nothing-here"]
)
async def test_each_page_gives_its_content_alone(client: httpx.AsyncClient, path: str) -> None:
    part = await client.get(path, headers={"X-Part": "main"})

    assert part.text.startswith("<title>")
    assert "<html" not in part.text
    assert "<main" not in part.text


async def test_a_part_is_shorter_than_its_page(client: httpx.AsyncClient) -> None:
    whole = await client.get("/e/redeployed")
    part = await client.get("/e/redeployed", headers={"X-Part": "main"})

    assert part.headers["vary"].startswith("X-Part") or "X-Part" in part.headers["vary"]
    assert '<section class="card chart-card" id="chart"' in part.text
    assert len(part.text) < len(whole.text)


async def test_the_stream_and_the_page_have_the_same_row(all_states: Path) -> None:
    site = asgi_app(Workspace(all_states))
    async with opened(site) as client:
        page = (await client.get("/")).text
        row = site.board.index.get("redeployed")

        assert row is not None
        without_times = re.compile(r">[^<]*</time>")
        drawn = str(site.board.draw(row)["html"]).strip()
        assert without_times.sub("", drawn) in without_times.sub("", page)


async def test_the_mosaic_links_to_every_environment(client: httpx.AsyncClient, all_states: Path) -> None:
    page = (await client.get("/all")).text

    linked = set(re.findall(r'<a href="/e/([^"]+)" title=', page))
    assert linked == names_of(all_states)


async def test_without_environments_the_page_says_how_to_create_one(fresh: httpx.AsyncClient) -> None:
    page = text_of((await fresh.get("/")).text)

    assert "No environments yet" in page
    assert "envchart create web --app DIR" in page


async def test_what_was_typed_by_others_is_text(
    fresh: httpx.AsyncClient, workspace: Workspace, provider: ScriptedProvider
) -> None:
    workspace.create(EnvironmentSpec(name="shop", provider=ScriptedSpec(), description=HOSTILE))
    provider.fails["first_configure"] = [StepFailed(FailureCause.COMMAND_EXECUTION, HOSTILE)] * 9
    await workspace.provision("shop")
    with pytest.raises(EnvironmentsError):
        await workspace.configure("shop")

    for address in ("/", "/e/shop", "/e/shop/trace", f"/?q={HOSTILE.encode().hex()}", "/?q=<script>"):
        page = (await fresh.get(address)).text
        assert "<script>" not in page
        assert "\x1b" not in page
    page = (await fresh.get("/e/shop")).text
    assert 'href="javascript' not in page
    assert 'href="https://x.test/a" rel="noreferrer noopener"' in page
    assert "configure failed at first_configure" in text_of(page)
    assert f"envchart retry shop --data-dir {workspace.root}" in text_of(page)


async def test_drift_is_shown_as_it_was_last_looked_at(
    fresh: httpx.AsyncClient, workspace: Workspace, provider: ScriptedProvider
) -> None:
    workspace.create(EnvironmentSpec(name="shop", provider=ScriptedSpec()))
    await workspace.bring("shop")
    before = text_of((await fresh.get("/e/shop")).text)
    provider.observed = Observation(resources=True, service=ServiceState.DOWN, detail="it was killed")
    await workspace.drift("shop")

    after = text_of((await fresh.get("/e/shop")).text)

    assert "Nobody has compared the record with the resources yet" in before
    assert "running, drifted" in after
    assert "it was killed" in after
    assert after.index("envchart up shop") < after.index("envchart deploy shop")  # what ends the drift


async def test_the_steps_of_a_command_under_way_are_shown_with_those_that_follow(
    tmp_path: Path, provider: ScriptedProvider
) -> None:
    data = tmp_path / "data"
    make_states(data)
    async with opened(asgi_app(Workspace(data))) as client:
        with at_work(data):
            page = (await client.get("/e/working")).text

    stations = re.findall(r'<li id="step-([a-z_]+)" class="([a-z-]+)"', page)
    assert stations == [("first_provision", "under-way"), ("second_provision", "ahead")]
    assert "data-begun=" in page
    assert "envchart unlock working" in text_of(page)


async def test_an_environment_that_is_purged_has_no_page_any_more(
    fresh: httpx.AsyncClient, workspace: Workspace
) -> None:
    workspace.create(EnvironmentSpec(name="shop", provider=ScriptedSpec()))
    assert (await fresh.get("/e/shop")).status_code == 200
    await workspace.destroy("shop")
    await workspace.purge("shop")

    answer = await fresh.get("/e/shop")

    assert answer.status_code == 404
    assert "shop" in text_of(answer.text)


async def test_all_links_lead_below_the_path_that_it_is_mounted_at(all_states: Path) -> None:
    site = asgi_app(Workspace(all_states))
    around = Starlette(routes=[Mount("/ops/environments", site)])
    transport = httpx.ASGITransport(app=around)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for path in ("", "all", "e/redeployed", "e/redeployed/log", "e/nothing-here"):
            page = (await client.get(f"/ops/environments/{path}", headers={"Accept": "text/html"})).text
            links = re.findall(r'(?:href|src|action|data-live)="(/[^"]*)"', page)

            assert links
            assert [link for link in links if not link.startswith("/ops/environments/")] == []
    await site.following.stop()
