"""Who gets in: with the token of the address, with a pasted one, and from which other pages."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playwright.sync_api import BrowserContext, Page, expect

from tests.dashboard.browser.chromium import Served, Watcher


def test_the_address_with_the_token_opens_the_page_and_loses_the_token(
    dashboard: Served, stranger, watcher
):
    watcher.allowed = ("401",)
    page = stranger().new_page()

    page.goto(dashboard.url)

    expect(page.get_by_role("link", name="shop", exact=True)).to_be_visible()
    assert page.url == dashboard.at("/")


def test_the_login_keeps_the_page_that_was_asked_for(dashboard: Served, stranger, watcher):
    watcher.allowed = ("401", "403")
    page = stranger().new_page()

    page.goto(dashboard.at("/?q=mail"))
    expect(page.get_by_label("Token")).to_be_focused()
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("alert")).to_contain_text("not the token")
    page.get_by_label("Token").fill(dashboard.token)
    page.get_by_role("button", name="Open").click()

    expect(page.get_by_role("link", name="mail", exact=True)).to_be_visible()
    assert page.url == dashboard.at("/?q=mail")


def test_a_link_with_the_token_leads_to_its_page(dashboard: Served, stranger, watcher):
    watcher.allowed = ("401",)
    page = stranger().new_page()

    page.goto(f"{dashboard.at('/e/mail?at=2')}#token={dashboard.token}")

    expect(page).to_have_url(dashboard.at("/e/mail?at=2"))
    expect(page.get_by_role("heading", name="mail")).to_be_visible()


HOSTILE = """<!doctype html><meta charset="utf-8"><title>hostile</title>
<a href="{origin}/e/shop">a link</a>
<form method="post" action="{origin}/e/shop/destroy"><button>act</button></form>
<iframe src="{origin}/e/shop"></iframe>
<img src="{origin}/e/shop/chart.svg">
<script>
  window.found = {{}}
  const note = (key, work) => work.then(
    (value) => {{ window.found[key] = value }},
    (error) => {{ window.found[key] = String(error) }})
  const ask = (path, options) => fetch("{origin}" + path, {{ credentials: "include", ...options }})
  note("read", ask("/e/shop").then((answer) => answer.text()))
  note("blind", ask("/e/shop", {{ mode: "no-cors" }}).then((answer) => answer.type))
  note("post", ask("/e/shop/stop", {{ method: "POST", mode: "no-cors" }}).then((answer) => answer.type))
  const events = new EventSource("{origin}/events", {{ withCredentials: true }})
  note("events", new Promise((open, failed) => {{
    events.onopen = () => open("open")
    events.onerror = () => failed("refused")
  }}))
</script>"""


@contextmanager
def hostile_app(dashboard: Served) -> Iterator[str]:
    """Serve a page on another port of this machine, as an application of an environment could."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(HOSTILE.format(origin=dashboard.origin).encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_hostile_app_on_another_port_can_neither_read_nor_act(
    dashboard: Served, window: BrowserContext, watcher: Watcher
):
    watcher.allowed = ("403", "CORS", "Failed to load", "frame", "ERR_BLOCKED", "ERR_FAILED")
    revision = dashboard.envchart("show", "shop", "--json").stdout
    with hostile_app(dashboard) as address:
        page: Page = window.new_page()
        page.goto(address)
        page.wait_for_function("Object.keys(window.found).length === 4")

        found = page.evaluate("window.found")
        assert "Failed to fetch" in found["read"]
        assert found["events"] == "refused"
        assert "shop" not in str(found)
        assert page.locator("img").evaluate("(image) => image.naturalWidth") == 0
        framed = page.frames[1]
        assert "shop" not in framed.locator("body").inner_text()
        with page.expect_response(lambda answer: answer.request.method == "POST") as posted:
            page.get_by_role("button", name="act").click()
        assert posted.value.status == 403
        assert dashboard.envchart("show", "shop", "--json").stdout == revision

        page.goto(address)
        page.get_by_role("link", name="a link").click()
        expect(page.get_by_role("heading", name="shop")).to_be_visible()


def test_another_name_for_this_machine_is_refused(
    dashboard: Served, stranger: Callable[..., BrowserContext], watcher: Watcher
):
    watcher.allowed = ("421", "MIME")  # nor has the page its style
    context = stranger(extra_http_headers={"Authorization": f"Bearer {dashboard.token}"})
    page = context.new_page()

    answer = page.goto(dashboard.url.replace("127.0.0.1", "rebound.localhost"))

    assert answer is not None
    assert answer.status == 421
    expect(page.get_by_text("shop")).to_have_count(0)
