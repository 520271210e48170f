"""The actions of pages: real commands of the command line, on environments of the local provider."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable
from importlib import import_module
from pathlib import Path

import httpx
import psutil
import pytest
from starlette.applications import Starlette
from starlette.authentication import SimpleUser
from starlette.routing import Mount

from environments.dashboard import asgi_app
from environments.dashboard.acting.actions import ACTIONS
from environments.dashboard.works import program
from environments.model.environment import AnyEnvironment
from environments.model.fields.actor import as_actor
from environments.model.spec import EnvironmentSpec
from environments.overview import EnvironmentRow
from environments.presentation.guidance import EVENTS, next_steps
from environments.providers.local import LocalProvider
from environments.storage.memory import MemoryRepository
from environments.workspace import Workspace
from statechart.dashboard.site import Site
from statechart.holder import Holder

HELLO = Path(__file__).parents[2] / "examples" / "hello"
PAGE = {"accept": "text/html"}
ROUTES = import_module("environments.dashboard.acting.routes")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "data")


@pytest.fixture
def web(workspace: Workspace, tmp_path: Path) -> AnyEnvironment:
    shutil.copytree(HELLO, tmp_path / "app")
    return workspace.create(EnvironmentSpec(name="web", provider=LocalProvider(app=tmp_path / "app")))


@pytest.fixture
async def site(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Site[EnvironmentRow]]:
    # On a busy machine, a command begins late, and takes its time to end.
    monkeypatch.setattr(ROUTES, "_PATIENCE", 60)
    monkeypatch.setattr(ROUTES, "_MOMENT", 60)
    site = asgi_app(workspace, allow_actions=True)
    yield site
    await site.following.stop()


@pytest.fixture
async def client(site: Site[EnvironmentRow]) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(site), base_url="http://here") as client:
        yield client


def expected(environment: AnyEnvironment) -> dict[str, str]:
    return {"expected": f"{environment.lineage}-{environment.revision}"}


async def until(happened: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not happened():  # noqa: ASYNC110  # other processes are waited for
            await asyncio.sleep(0.02)


async def settled(workspace: Workspace, name: str = "web") -> AnyEnvironment:
    """Return the environment once no process changes it."""
    await until(lambda: workspace.holder(name) is None and workspace.load(name).operation is None)
    return workspace.load(name)


async def test_a_button_starts_the_command_and_the_person_is_on_record(
    client: httpx.AsyncClient, workspace: Workspace, web: AnyEnvironment
) -> None:
    page = await client.get("/e/web", headers=PAGE)
    (value,) = set(re.findall(r'name="expected" value="([^"]+)"', page.text))
    assert re.findall(r'action="([^"]+)"', page.text)[:2] == ["/e/web/provision", "/e/web/up"]

    answer = await client.post("/e/web/provision", data={"expected": value, "name": "x", "argv": "--help"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/e/web")
    after = await settled(workspace)
    assert after.state.name == "provisioned"
    actors = {entry.actor for entry in workspace.history("web")[1:]}
    assert actors == {f"{Holder.current().user} via dashboard"}


async def test_taking_away_asks_for_the_name(
    client: httpx.AsyncClient, workspace: Workspace, web: AnyEnvironment
) -> None:
    asked = await client.get("/e/web/destroy", headers=PAGE)
    unasked = await client.post("/e/web/destroy", data=expected(web))
    wrong = await client.post("/e/web/destroy", data={**expected(web), "confirm": "<b>Web"})

    assert (asked.status_code, unasked.status_code, wrong.status_code) == (200, 200, 422)
    assert all('name="confirm"' in each.text for each in (asked, unasked, wrong))
    assert "“&lt;b&gt;Web” is not its name" in wrong.text
    assert workspace.load("web") == web

    done = await client.post("/e/web/destroy", data={**expected(web), "confirm": "web"})
    assert done.status_code == 303
    destroyed = await settled(workspace)
    assert destroyed.state.name == "destroyed"

    purged = await client.post("/e/web/purge", data={**expected(destroyed), "confirm": "web"})
    assert purged.status_code == 303
    await until(lambda: not workspace.exists("web"))


async def test_what_has_changed_since_the_page_was_shown_is_told_and_nothing_done(
    client: httpx.AsyncClient, workspace: Workspace, web: AnyEnvironment
) -> None:
    await workspace.amend(web, lambda spec: spec.model_copy(update={"description": "another"}))
    now = workspace.load("web")

    stale = await client.post("/e/web/provision", data=expected(web))
    replaced = await client.post("/e/web/provision", data={"expected": f"other-{now.revision}"})

    assert (stale.status_code, replaced.status_code) == (409, 409)
    assert "amended: description" in stale.text
    assert "Another environment was created under its name" in replaced.text
    assert workspace.load("web") == now


REFUSED: list[tuple[str, dict[str, str], int, str]] = [
    ("/e/web/deploy", {}, 409, "what can follow: provision, up, destroy"),
    ("/e/web/purge", {"confirm": "web"}, 409, "purge is not a next command"),
    ("/e/web/why", {}, 404, "no such command"),
    ("/e/web/provision --help", {}, 404, "no such command"),
    ("/e/web/provision", {"expected": ""}, 400, "which revision"),
    ("/e/web/provision", {"expected": "web-one"}, 400, "which revision"),
    ("/e/none/provision", {}, 404, "there is no"),
    ("/e/--all/provision", {}, 404, "no environment can have this name"),
    ("/e/..%2Fweb/provision", {}, 404, "no such page"),
    ("/e/%2E%2E/provision", {}, 404, ""),
    ("/e/we%00b/provision", {}, 404, "no environment can have this name"),
]


async def test_only_what_can_follow_is_started(
    client: httpx.AsyncClient, workspace: Workspace, web: AnyEnvironment
) -> None:
    for path, fields, status, said in REFUSED:
        answer = await client.post(path, data={**expected(web), **fields}, headers=PAGE)

        assert (answer.status_code, said in answer.text) == (status, True), path
        assert workspace.load("web") == web


async def test_a_command_is_not_started_twice_nor_beside_another(
    client: httpx.AsyncClient, workspace: Workspace, web: AnyEnvironment
) -> None:
    with workspace._repository.open("web", Holder.current("envchart provision")):
        held = await client.post("/e/web/provision", data=expected(web), headers=PAGE)
        page = await client.get("/e/web", headers=PAGE)
    assert (held.status_code, "is being changed by envchart provision" in held.text) == (409, True)
    assert 'id="act"' not in page.text

    both = [client.post("/e/web/provision", data=expected(web), headers=PAGE) for _ in range(2)]
    answers = sorted([*await asyncio.gather(*both)], key=lambda each: each.status_code)

    assert [each.status_code for each in answers] == [303, 409]
    await settled(workspace)
    assert [entry.record.type for entry in workspace.history("web")].count("transition") == 2


@pytest.mark.parametrize("patience", [0, 60])
async def test_why_a_command_did_not_begin_is_told_at_once_or_on_the_page(
    client: httpx.AsyncClient,
    workspace: Workspace,
    web: AnyEnvironment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    patience: int,
) -> None:
    monkeypatch.setattr(ROUTES, "_PATIENCE", patience)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".envchart.toml").write_text("[nonsense]")

    answer = await client.post("/e/web/up", data=expected(web), headers={"accept": "application/json"})

    if patience:
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (400, "invalid_configuration")
        assert "nonsense" in error["message"]
    else:
        assert answer.status_code == 303
        page = await client.get("/e/web", headers=PAGE)
        async with asyncio.timeout(60):
            while "exit code 2" not in page.text:
                assert "Started from here" in page.text
                page = await client.get("/e/web", headers=PAGE)
        assert "nonsense" in page.text
        assert 'action="/e/web/provision"' in page.text
    assert workspace.load("web") == web


async def test_a_command_outlives_the_dashboard(
    site: Site[EnvironmentRow], client: httpx.AsyncClient, workspace: Workspace, web: AnyEnvironment
) -> None:
    app = Path(web.spec.provider.app)  # type: ignore[attr-defined]
    (app / "app.py").write_text("import time; time.sleep(3600)")

    answer = await client.post("/e/web/up", data=expected(web), headers=PAGE)
    page = await client.get("/e/web", headers=PAGE)
    await site.following.stop()

    assert answer.status_code == 303
    assert page.status_code == 200
    await until(lambda: workspace.load("web").state.name == "released" and workspace.holder("web"))
    holder = workspace.holder("web")
    assert holder is not None
    process = psutil.Process(holder.pid)
    assert os.getsid(holder.pid) == holder.pid != os.getsid(0)
    process.terminate()
    await until(lambda: workspace.holder("web") is None)
    await workspace.destroy("web")


async def test_without_actions_there_are_no_addresses_of_them(
    workspace: Workspace, web: AnyEnvironment
) -> None:
    site = asgi_app(workspace)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(site), base_url="http://here") as client:
        posted = await client.post("/e/web/provision", data=expected(web))
        page = await client.get("/e/web", headers=PAGE)
    await site.following.stop()

    assert posted.status_code == 404
    assert 'id="act"' not in page.text
    assert workspace.load("web") == web
    with pytest.raises(ValueError, match="in memory"):
        asgi_app(Workspace(repository=MemoryRepository()), allow_actions=True)


async def test_the_user_of_the_application_around_is_the_actor(
    site: Site[EnvironmentRow], workspace: Workspace, web: AnyEnvironment
) -> None:
    around = Starlette(routes=[Mount("/board", site)])

    async def known(scope: dict[str, object], receive: object, send: object) -> None:
        if scope["type"] == "http":
            scope["user"] = SimpleUser("Ann\n Ö.")
        await around(scope, receive, send)  # type: ignore[arg-type]

    transport = httpx.ASGITransport(known)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        foreign = {"sec-fetch-site": "same-site"}
        refused = await client.post("/board/e/web/provision", data=expected(web), headers=foreign)
        # A form may leave out the incarnation.
        seen = {"expected": f"-{web.revision}"}
        answer = await client.post("/board/e/web/provision", data=seen)

    assert refused.status_code == 403
    assert (answer.status_code, answer.headers["location"]) == (303, "/board/e/web")
    await settled(workspace)
    assert workspace.history("web")[-1].actor == "Ann Ö. via dashboard"


def test_each_next_command_has_an_action_but_those_that_only_read() -> None:
    steps = {step for state in EVENTS for step in next_steps(state, None, held=False, rollback=True)}

    assert {each.step for each in ACTIONS.values()} >= steps - {"why NAME"}
    assert ACTIONS["deploy-previous"].command_line("web") == ("deploy", "web", "--previous")
    assert all(each.effect for each in ACTIONS.values())
    assert Path(program()[0]).is_file()
    assert as_actor("\x1b\n", " via dashboard") == "unknown via dashboard"
    assert len(as_actor("a" * 200, " via dashboard")) == 100
