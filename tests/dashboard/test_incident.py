"""The incident file: whole, without secrets, scripts and anything that a browser would ask for."""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from environments.dashboard import asgi_app
from environments.dashboard.incident import incident
from environments.errors import CommandFailed
from environments.model.names import check_name
from environments.model.spec import EnvironmentSpec
from environments.providers.local import LocalProvider
from environments.secrets.references import SecretRef
from environments.workspace import Workspace
from statechart.errors import NotFound
from tests.cli.conftest import HELLO

SECRET = "s3cr3t-<&>-of-the-service"
HOSTILE = "</pre></style><script>alert(1)</script><img src=http://evil.example/x>"
APP = f"""import os
print("the password is", os.environ["PASSWORD"], "\\x1b[31m", {HOSTILE!r}, flush=True)
raise SystemExit(3)
"""


class Tags(HTMLParser):
    """The tags of a page, and the addresses in them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("PASSWORD", SECRET)
    workspace = Workspace(tmp_path / "data")
    app = tmp_path / "app"
    app.mkdir()
    (app / "app.py").write_text(APP)
    provider = LocalProvider(app=app, env={"PASSWORD": SecretRef(env="PASSWORD")}, preflight=False)
    spec = EnvironmentSpec(
        name="web", provider=provider, description=HOSTILE, labels={"team": "web", "note": "a&b"}
    )
    workspace.create(spec)
    with pytest.raises(CommandFailed):
        asyncio.run(workspace.bring("web"))
    return workspace


def test_a_failure_is_told_in_one_file_that_asks_for_nothing(workspace: Workspace) -> None:
    trace = next((workspace.directory("web") / "traces").iterdir())
    with trace.open("a") as file:
        file.writelines(f"line {number} {SECRET} {HOSTILE}\n" for number in range(60_000))

    page = incident(workspace, "web")

    found = Tags(page)
    assert found.tags.isdisjoint({"script", "link", "img", "iframe", "form", "object", "base", "button"})
    assert not [
        each for each in found.attributes if each[1] in ("src", "style") or each[1].startswith("on")
    ]
    addresses = [value for _, name, value in found.attributes if name.endswith("href")]
    assert all(each is not None and each.startswith(("#", "http://127.0.0.1")) for each in addresses)
    assert "http://evil.example/x&gt;" in page
    assert len(page) < 250_000
    ids = [value for _, name, value in found.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    sections = {"problem", "chart", "why", "next", "steps", "drift", "history", "trace", "log", "outputs"}
    assert sections | {"spec", "about"} <= {*ids}
    assert "are left out" in page
    for part in (SECRET, "s3cr3t-", "&lt;&amp;&gt;-of-the", "\x1b"):
        assert part not in page
    assert "***" in page


def test_its_policy_allows_its_own_rules_and_nothing_else(workspace: Workspace) -> None:
    page = incident(workspace, "web")

    (rules,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    digest = b64encode(sha256(rules.encode()).digest()).decode()
    assert policy.replace("&#39;", "'").startswith(
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'"
    )
    assert "@import" not in rules
    assert "url(" not in rules.replace("url(#", "")


async def test_the_dashboard_serves_it_with_its_own_policy(workspace: Workspace) -> None:
    site = asgi_app(workspace)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(site), base_url="http://here") as client:
        page = await client.get("/e/web/incident.html")
        none, wrong = await client.get("/e/none/incident.html"), await client.get("/e/A--/incident.html")
        (workspace.directory("web") / "history.jsonl").write_text("{}\n{}\n")
        damaged = await client.get("/e/web/incident.html")
    await site.following.stop()

    assert [each.status_code for each in (page, none, wrong, damaged)] == [200, 404, 404, 503]
    policy = page.headers["content-security-policy"]
    assert "sandbox" in policy
    assert "style-src 'sha256-" in policy
    assert page.headers["cache-control"] == "no-store"


async def test_an_address_that_became_a_secret_is_hidden_here_and_on_the_page(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = str(workspace.load("web").outputs.url)
    monkeypatch.setenv("PASSWORD", url.removeprefix("http://"))

    site = asgi_app(workspace)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(site), base_url="http://here") as client:
        page = (await client.get("/e/web")).text
    await site.following.stop()

    for found in (page, incident(workspace, "web")):
        assert "http://***" in found
        assert url not in found


async def test_a_description_that_became_a_secret_is_hidden(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSWORD", HOSTILE)

    site = asgi_app(workspace)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(site), base_url="http://here") as client:
        page, document = await client.get("/e/web"), await client.get("/api/v1/environments/web")
    await site.following.stop()

    for found in (page.text, incident(workspace, "web"), document.text):
        assert "evil.example" not in found
        assert "***" in found


def test_an_environment_that_only_was_created_has_one_too(workspace: Workspace) -> None:
    spec = workspace.load("web").spec
    workspace.create(spec.model_copy(update={"name": check_name("new"), "instance_name": "new"}))

    page = incident(workspace, "new")

    assert 'id="problem"' not in page
    assert "No step has reported any" in page
    with pytest.raises(NotFound):
        incident(workspace, "none")


def test_the_command_line_writes_it(cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hello = "hello"
    assert cli("create", hello, "--app", HELLO).code == 0

    written, printed = cli("why", hello, "--html", "a.html"), cli("why", hello, "--html", "-")

    assert (written.code, written.out, written.err) == (0, "", "written to a.html\n")
    page = (tmp_path / "a.html").read_text()
    assert page.startswith("<!doctype html>")
    assert printed.out.startswith("<!doctype html>")
    as_json = cli("why", hello, "--html", "a.html", "--json")
    assert as_json.document == {"name": hello, "output": "a.html"}
    refused = cli("why", hello, "--html", "no/a.html", "--json")
    assert (refused.code, refused.error["code"]) == (2, "usage")
    assert cli("why", "none", "--html", "none.html").code == 3
    assert not (tmp_path / "none.html").exists()

    def missing(_module: str) -> None:
        raise ModuleNotFoundError("No module named 'jinja2'", name="jinja2")

    monkeypatch.setattr("statechart.dashboard.serving.options.import_module", missing)
    ran = cli("why", hello, "--html", "b.html", "--json")
    assert ran.code == 2
    assert ran.error["message"] == "the incident file needs jinja2, which is not installed"
    assert ran.error["next"] == ["pip install 'envchart[dashboard]'"]
