"""What keeps people out of a page, as far as a program can tell: WCAG 2.2 AA, and best practice."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.dashboard.browser.chromium import Served, Watcher, opened

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PAGES = ("/", "/?q=nothing-has-this-name", "/all", "/e/mail", "/e/shop", "/e/shop?at=2", "/e/nowhere")


@pytest.mark.parametrize("path", PAGES)
def test_no_page_keeps_anybody_out(browser: Browser, dashboard: Served, watcher: Watcher, path: str):
    watcher.allowed = ("404",)
    with opened(browser, dashboard) as context:
        page = context.new_page()
        watcher.watch(page)
        page.goto(dashboard.at(path))
        expect(page.get_by_role("main")).to_be_visible()
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
        for width in (1280, 400):
            page.set_viewport_size({"width": width, "height": 800})
            sideways = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
            assert not page.evaluate(sideways), "the page is wider than the screen"
            page.emulate_media(color_scheme="light", reduced_motion="reduce")
            check(page, {"runOnly": RULES})
            # Colours change nothing but contrast.
            page.emulate_media(color_scheme="dark", reduced_motion="reduce")
            check(page, {"runOnly": ["color-contrast"]})


def check(page: Page, options: dict[str, object]) -> None:
    found = Axe().run(page, options=options)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_login_keeps_nobody_out(dashboard: Served, stranger, watcher: Watcher, colours: str):
    watcher.allowed = ("401",)
    page = stranger(color_scheme=colours).new_page()
    page.goto(dashboard.at("/"))
    expect(page.get_by_label("Token")).to_be_visible()
    found = Axe().run(page, options={"runOnly": RULES})
    assert found.violations_count == 0, found.generate_report()
