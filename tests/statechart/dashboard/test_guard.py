"""Who may look at a dashboard, and from where."""

import pytest
from starlette.requests import Request

from statechart.dashboard.guard import Access, Guard
from statechart.dashboard.refusals import Refused

ACCESS = Access.of(8731, "t" * 43, ("dash.example", "other.example:8443"))
OURS = {"host": "127.0.0.1:8731"}
KNOWN = {**OURS, "authorization": f"Bearer {'t' * 43}"}


def request(headers: dict[str, str], method: str = "GET", path: str = "/") -> Request:
    listed = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": method, "path": path, "headers": listed, "query_string": b""})


async def answer(
    headers: dict[str, str], method: str = "GET", path: str = "/", access: Access | None = ACCESS
) -> int:
    """Return 200 if the guard lets a request pass, or the status of its refusal."""
    passed = []

    async def app(scope, receive, send):
        passed.append(scope)

    try:
        await Guard(app, access)(request(headers, method, path).scope, None, None)
    except Refused as refused:
        assert not passed
        return int(refused.status)
    assert passed
    return 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8731", 200),
        ("localhost:8731", 200),
        ("LOCALHOST:8731", 200),
        ("[::1]:8731", 200),
        ("dash.example", 200),
        ("dash.example:8731", 200),
        ("other.example:8443", 200),
        ("other.example", 421),
        ("127.0.0.1", 421),
        ("127.0.0.1:8732", 421),
        ("127.0.0.1.evil.example:8731", 421),
        ("evil.example:8731", 421),
        ("", 421),
    ],
)
async def test_a_request_names_this_server_as_its_host(host, status):
    assert await answer({**KNOWN, "host": host}) == status


@pytest.mark.parametrize(
    ("path", "status"),
    [
        *((path, 401) for path in ("/", "/e/web", "/events", "/api/v1/environments", "/metrics")),
        *((path, 401) for path in ("/loginx", "/static", "/x/static/style.css")),
        *((path, 200) for path in ("/login", "/static/style.css", "/healthz")),
    ],
)
async def test_a_token_is_needed_even_to_look(path, status):
    assert await answer(OURS, path=path) == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"authorization": f"Bearer {'t' * 43}"}, 200),
        ({"authorization": f"bearer   {'t' * 43} "}, 200),
        ({"cookie": f"envchart-8731={'t' * 43}"}, 200),
        ({"cookie": f"envchart-8732={'t' * 43}"}, 401),
        ({"cookie": "envchart-8731="}, 401),
        ({"authorization": "Bearer"}, 401),
        ({"authorization": f"Bearer {'t' * 42}"}, 401),
        ({"authorization": f"Basic {'t' * 43}"}, 401),
        ({"authorization": "Bearer \xe9\xff"}, 401),
    ],
)
async def test_the_token_is_a_cookie_of_this_port_or_a_header(headers, status):
    assert await answer({**OURS, **headers}) == status


LINK = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {"sec-fetch-site": "same-origin"}, 200),
        ("POST", {"sec-fetch-site": "same-origin"}, 200),
        ("GET", {"sec-fetch-site": "none"}, 200),
        ("GET", {"sec-fetch-site": "same-site"}, 403),
        ("GET", {"sec-fetch-site": "cross-site"}, 403),
        ("POST", {"sec-fetch-site": "same-site"}, 403),
        ("POST", {"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:8731"}, 403),
        ("GET", {"sec-fetch-site": "cross-site", **LINK}, 200),
        ("GET", {"sec-fetch-site": "same-site", **LINK, "sec-fetch-dest": "iframe"}, 403),
        ("POST", {"sec-fetch-site": "cross-site", **LINK}, 403),
        ("GET", {"origin": "http://127.0.0.1:8731"}, 200),
        ("POST", {"origin": "http://127.0.0.1:8731"}, 200),
        ("POST", {"origin": "http://127.0.0.1:31000"}, 403),
        ("GET", {"origin": "http://127.0.0.1:31000"}, 403),
        ("POST", {"origin": "null"}, 403),
        ("POST", {}, 403),
        ("POST", {"authorization": "Basic eDp5"}, 403),
        ("POST", {"authorization": f"Bearer {'x' * 43}"}, 403),
        ("POST", {"sec-fetch-site": "Same-Origin"}, 403),
        ("DELETE", {}, 403),
        ("GET", {}, 200),
    ],
)
async def test_only_pages_of_this_server_may_ask_with_its_cookie(method, headers, status):
    cookie = {"cookie": f"envchart-8731={'t' * 43}"}

    assert await answer({**OURS, **cookie, **headers}, method) == status


async def test_a_program_with_the_token_may_act_without_an_origin():
    assert await answer(KNOWN, "POST") == 200


async def test_without_a_token_everybody_may_look_but_no_other_origin():
    access = Access.of(8731, None)

    assert await answer(OURS, access=access) == 200
    assert await answer({**OURS, "sec-fetch-site": "same-site"}, access=access) == 403
    assert await answer({"host": "evil.example"}, access=access) == 421
    assert await answer(OURS, "POST", access=access) == 403


async def test_mounted_into_another_application_only_the_origin_counts():
    anywhere = {"host": "tools.example"}

    assert await answer(anywhere, access=None) == 200
    assert await answer(anywhere, "POST", access=None) == 200
    assert await answer({**anywhere, "sec-fetch-site": "same-site"}, "POST", access=None) == 403
    assert await answer({**anywhere, "origin": "https://evil.example"}, "POST", access=None) == 403
    assert await answer({**anywhere, "origin": "https://tools.example"}, "POST", access=None) == 200


async def test_a_refusal_tells_programs_what_to_do():
    with pytest.raises(Refused) as caught:
        await Guard(None, ACCESS)(request(OURS).scope, None, None)

    assert caught.value.document() == {
        "error": {
            "code": "no_token",
            "message": "the dashboard needs its token",
            "next": ["open the address that the command printed at its start"],
        }
    }
