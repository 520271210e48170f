"""What keeps people out of a page, as far as a program can tell: WCAG 2.2 AA, and best practice."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.dashboard.browser.chromium import Served, Watcher, opened

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PAGES = ("/", "/?q=nothing-has-this-name", "/all", "/e/mail", "/e/shop", "/e/shop?at=2", "/e/nowhere")


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_no_page_keeps_anybody_out(
    browser: Browser, dashboard: Served, watcher: Watcher, colours: str, width: int
):
    watcher.allowed = ("404",)
    size = {"width": width, "height": 800}
    with opened(browser, dashboard, color_scheme=colours, viewport=size) as context:
        page = context.new_page()
        watcher.watch(page)
        for path in PAGES:
            page.goto(dashboard.at(path))
            expect(page.get_by_role("main")).to_be_visible()
            page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
            found = Axe().run(page, options={"runOnly": RULES})
            assert found.violations_count == 0, f"{path}: {found.generate_report()}"
            sideways = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
            assert not page.evaluate(sideways), f"{path} is wider than the screen"


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_login_keeps_nobody_out(dashboard: Served, stranger, watcher: Watcher, colours: str):
    watcher.allowed = ("401",)
    page = stranger(color_scheme=colours).new_page()
    page.goto(dashboard.at("/"))
    expect(page.get_by_label("Token")).to_be_visible()
    found = Axe().run(page, options={"runOnly": RULES})
    assert found.violations_count == 0, found.generate_report()
