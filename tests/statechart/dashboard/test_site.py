"""A dashboard as an ASGI application: alone, and within another."""

import asyncio

import httpx
import pytest
from loguru import logger
from starlette.applications import Starlette
from starlette.routing import Mount

from statechart.dashboard.following import Following
from statechart.dashboard.guard import Access
from statechart.dashboard.headers import CONTENT_SECURITY_POLICY
from statechart.dashboard.hub import PENDING, RESYNC, Hub
from statechart.errors import StorageError
from statechart.overview import Index
from tests.statechart.dashboard.sample import KNOWN, TOKEN, SampleRow, SampleSource, sample_site

ACCESS = Access.of(8731, TOKEN)
ADDRESS = "http://127.0.0.1:8731"
FORM = {"origin": ADDRESS}


def client(app, **options) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ADDRESS, **options)


async def until(asking: httpx.AsyncClient, path: str, holds) -> None:
    """Ask for a page until it is as it should become."""
    async with asyncio.timeout(30):
        while not holds(await asking.get(path)):  # noqa: ASYNC110  # asked again, as a person would
            await asyncio.sleep(0.001)


async def test_within_another_application_it_follows_from_the_first_request_on():
    source = SampleSource({"web": SampleRow("web")})
    app = Starlette(routes=[Mount("/tools/envs", sample_site(source))])
    async with client(app) as asking:
        assert (await asking.get("/tools/envs/")).text == "web"
        source.change(SampleRow("api"))
        await until(asking, "/tools/envs/", lambda answer: answer.text == "api web")

        assert (await asking.get("/tools/envs/healthz")).json() == {"ok": True, "watching": "inotify"}
        assert (await asking.get("/tools/envs/static/style.css")).status_code == 200
        missing = await asking.get("/tools/envs/nowhere")
        assert missing.status_code == 404
        assert 'href="/tools/envs/static/style.css"' in missing.text
        assert (await asking.get("/elsewhere")).status_code == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        *(("/", 401), ("/nowhere", 401), ("/login", 200), ("/static/nowhere", 404), ("/healthz", 200)),
        *(("/static/%2e%2e/guard.py", 404), ("/static/..%2fguard.py", 404)),
    ],
)
async def test_every_response_has_the_headers(path, status):
    async with client(sample_site(SampleSource(), ACCESS)) as asking:
        answer = await asking.get(path)

    assert answer.status_code == status
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"


async def test_without_the_token_the_page_asks_for_it_and_keeps_the_address():
    async with client(sample_site(SampleSource(), ACCESS)) as asking:
        asked = await asking.get("/e/web?at=3&x=%22")

        assert asked.status_code == 401
        assert asked.headers["www-authenticate"] == "Bearer"
        assert 'name="onward" value="/e/web?at=3&amp;x=%22"' in asked.text
        assert "unsafe-inline" not in asked.headers["content-security-policy"]
        program = await asking.get("/", headers={"accept": "application/json"})
        assert program.json()["error"]["code"] == "no_token"


@pytest.mark.parametrize(
    ("path", "onward"),
    [("//evil.example/", "/"), ("/e/a%3Fb?c=%0d%0a", "/e/a%3Fb?c=%0d%0a"), ("/%2f%2fevil", "/")],
)
async def test_the_page_that_was_asked_for_is_one_of_this_server(path, onward):
    async with client(sample_site(SampleSource(), ACCESS)) as asking:
        asked = await asking.get(f"{ADDRESS}{path}")

    assert f'name="onward" value="{onward}"' in asked.text


@pytest.mark.parametrize("host", ["[", "a/healthz?", "x@y:z", ""])
async def test_a_host_that_is_none_is_answered_within_another_application(host):
    app = Starlette(routes=[Mount("/envs", sample_site(SampleSource()))])
    async with client(app, headers={"host": host}) as asking:
        answer = await asking.get("/envs/nowhere", headers={"accept": "text/html"})

    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")


async def test_a_stream_is_not_opened_for_its_head():
    site = sample_site(SampleSource())
    async with client(site) as asking:
        head, wrong = await asking.head("/events"), await asking.put("/events")

    assert (head.status_code, len(site.board.hub)) == (200, 0)
    assert head.headers["content-type"].startswith("text/event-stream")
    assert wrong.json()["error"]["message"] == "this address does not take PUT"


async def test_the_typed_token_becomes_a_cookie_of_this_session():
    async with client(sample_site(SampleSource({"web": SampleRow("web")}), ACCESS)) as asking:
        wrong = await asking.post("/login", data={"token": "x", "onward": "/e/web"}, headers=FORM)
        assert wrong.status_code == 403
        assert "not the token" in wrong.text
        right = await asking.post("/login", data={"token": f" {TOKEN} ", "onward": "/?q=a"}, headers=FORM)

        assert (right.status_code, right.headers["location"]) == (303, "/?q=a")
        cookie = right.headers["set-cookie"]
        assert cookie == f"envchart-8731={TOKEN}; HttpOnly; Path=/; SameSite=lax"
        assert (await asking.get("/")).text == "web"


async def test_the_token_of_the_address_becomes_a_cookie_that_needs_tls_where_there_is_some():
    access = Access.of(8731, TOKEN, ["dash.example"])
    async with client(sample_site(SampleSource(), access)) as asking:
        headers = {"host": "dash.example", "origin": "https://dash.example"}
        right = await asking.post("/login", headers={**KNOWN, **headers})
        wrong = await asking.post("/login", headers={"authorization": "Bearer x", **headers})

    assert (right.status_code, wrong.status_code) == (204, 403)
    assert right.headers["set-cookie"].endswith("; Secure")
    assert "set-cookie" not in wrong.headers


@pytest.mark.parametrize(
    "onward",
    ["", "//evil.example/", "https://evil.example/", "/\\evil.example", "/a\nb", "javascript:1", "e"],
)
async def test_the_login_leads_to_no_other_server(onward):
    async with client(sample_site(SampleSource(), ACCESS)) as asking:
        answer = await asking.post("/login", data={"token": TOKEN, "onward": onward}, headers=FORM)

    assert answer.headers["location"] == "/"


@pytest.mark.parametrize(
    ("trouble", "code"),
    [(StorageError("the directory is gone"), "storage"), (ZeroDivisionError(), "unexpected")],
    ids=["storage", "fault"],
)
async def test_a_store_that_vanishes_is_said_once_and_looked_at_again(monkeypatch, said, trouble, code):
    monkeypatch.setattr("statechart.dashboard.following._AGAIN", 0.01)
    source = SampleSource({"web": SampleRow("web")})
    async with client(sample_site(source)) as asking:
        assert (await asking.get("/healthz")).status_code == 200
        source.trouble = trouble
        source.change()
        await until(asking, "/healthz", lambda answer: answer.status_code == 503)
        assert (await asking.get("/")).text == "web"
        for path in ("/api/v1/nowhere", "/metrics"):
            answer = await asking.get(path)
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, code)

        source.trouble = None
        source.kept["api"] = SampleRow("api")
        await until(asking, "/healthz", lambda answer: answer.status_code == 200)
        assert (await asking.get("/")).text == "api web"
    assert len(said) == 1


async def test_rows_that_no_page_is_told_are_not_drawn():
    source, hub, drawn = SampleSource(), Hub(), []
    following = Following(Index(source), source, hub, lambda row: drawn.append(row.name) or {})
    await following.ready()
    page = hub.listen()

    source.change(*(SampleRow(f"e{number}") for number in range(PENDING + 1)))
    assert await page.next() == RESYNC
    assert drawn == []

    source.change(SampleRow("e7"))
    assert b"e7" in await page.next()
    assert drawn == ["e7"]
    await following.stop()


@pytest.fixture
def said():
    """The messages of the log."""
    logger.enable("statechart")
    messages = []
    sink = logger.add(messages.append)
    yield messages
    logger.remove(sink)
    logger.disable("statechart")


@pytest.mark.parametrize(
    ("message", "heading"),
    [
        ("there is no 'web'", "There is no &#39;web&#39;"),
        ("postgresql://h/db does not answer", "postgresql://h/db does not answer"),
        ("'web' is locked", "&#39;web&#39; is locked"),
    ],
)
async def test_the_heading_of_an_error_leaves_urls_and_names_as_they_are(message, heading):
    source = SampleSource({"web": SampleRow("web")})
    source.trouble = StorageError(message)
    async with client(sample_site(source)) as asking:
        page = await asking.get("/")

    assert f"<h1>{heading}</h1>" in page.text


async def test_a_store_that_can_not_be_read_at_first_is_said_at_once(monkeypatch):
    monkeypatch.setattr("statechart.dashboard.following._AGAIN", 0.01)
    source = SampleSource({"web": SampleRow("web")})
    source.trouble = StorageError("the directory is a file")
    async with client(sample_site(source)) as asking:
        health = await asking.get("/healthz")
        assert (health.status_code, health.json()) == (503, {"ok": False, "watching": None})
        page = await asking.get("/")
        assert page.status_code == 503
        assert "the directory is a file" in page.text

        source.trouble = None
        await until(asking, "/healthz", lambda answer: answer.status_code == 200)
        assert (await asking.get("/")).text == "web"


def test_several_event_loops_share_one_follower():
    source = SampleSource({"web": SampleRow("web")})
    site = sample_site(source)

    async def asked() -> str:
        async with client(site) as asking:
            return (await asking.get("/")).text

    async def first_and_others() -> None:
        assert await asked() == "web"
        task = site.following._task
        stream = await asyncio.to_thread(asyncio.run, listening())
        for _ in range(3):
            assert await asyncio.to_thread(asyncio.run, asked()) == "web"
        assert site.following._task is task
        source.change(SampleRow("web", "failed"))
        async with asyncio.timeout(30):
            while site.board.index.counts["failed"] != 1:  # noqa: ASYNC110  # nothing tells of it
                await asyncio.sleep(0.001)
        site.board.hub.leave(stream)
        await site.following.stop()

    async def listening():
        assert await asked() == "web"
        return site.board.hub.listen()

    asyncio.run(first_and_others())
    # The loop that followed has ended: the next one follows.
    source.changed = asyncio.Queue()
    source.kept["api"] = SampleRow("api")
    assert asyncio.run(asked()) == "api web"


@pytest.mark.parametrize(
    ("watching", "status", "told"),
    [
        ("polling: postgresql://ann@h/db has no notices", 200, {"ok": True, "watching": "polling"}),
        ("away: postgresql://ann@h/db can't be reached", 503, {"ok": False, "watching": None}),
    ],
)
async def test_health_tells_that_the_store_is_away_and_not_where_it_is(watching, status, told):
    source = SampleSource({"web": SampleRow("web")})
    source.watching = watching
    async with client(sample_site(source)) as asking:
        health = await asking.get("/healthz")

    assert (health.status_code, health.json()) == (status, told)
