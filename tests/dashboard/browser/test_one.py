"""The page of an environment in a browser: its past, its colours and its times."""

from __future__ import annotations

import re
import signal
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.dashboard.browser.chromium import Served, Watcher, opened, served
from tests.dashboard.browser.conftest import HELLO, PATIENCE
from tests.ports import free_port


def test_the_slider_shows_the_past_and_keeps_it_in_the_address(dashboard: Served, page: Page):
    page.goto(dashboard.at("/e/shop"))
    slider = page.get_by_role("slider", name="Revision")
    latest = slider.get_attribute("max")
    expect(page.locator(".level .state.current")).to_contain_text("running")

    slider.fill("2")
    expect(page).to_have_url(dashboard.at("/e/shop?at=2"))
    expect(page.get_by_text("As it was at revision 2")).to_be_visible()
    expect(page.locator(".level .state.current")).to_contain_text("provisioning")
    page.reload()
    expect(page.get_by_role("slider", name="Revision")).to_have_value("2")

    page.get_by_role("slider", name="Revision").fill(str(latest))
    expect(page.get_by_text("As it was at revision")).to_have_count(0)
    expect(page).to_have_url(dashboard.at("/e/shop"))


def test_a_change_keeps_the_focus_and_what_was_opened(dashboard: Served, page: Page):
    page.goto(dashboard.at("/e/shop"))
    page.locator("#spec summary").click()
    page.locator("#spec summary").focus()
    before = int(page.get_by_role("slider").get_attribute("max") or 0)

    assert dashboard.envchart("restart", "shop").returncode == 0

    expect(page.get_by_role("slider")).not_to_have_attribute("max", str(before))
    expect(page.locator("#spec")).to_have_attribute("open", "")
    expect(page.locator("#spec summary")).to_be_focused()


def test_an_environment_that_is_purged_while_it_is_shown_is_told(dashboard: Served, page: Page, watcher):
    watcher.allowed = ("404",)
    dashboard.create("brief", HELLO)
    page.goto(dashboard.at("/e/brief"))
    expect(page.get_by_role("heading", name="brief")).to_be_visible()

    assert dashboard.envchart("destroy", "brief", "--yes", "--purge").returncode == 0

    expect(page.get_by_text("There is no 'brief'")).to_be_visible()


def test_colours_and_times_are_chosen_once_for_all_pages(dashboard: Served, window: BrowserContext):
    page = window.new_page()
    page.goto(dashboard.at("/"))
    page.get_by_role("combobox", name="Times").select_option("utc")
    page.get_by_role("combobox", name="Colours").select_option("dark")

    other = window.new_page()
    other.goto(dashboard.at("/e/shop"))

    expect(other.locator(".history time").first).to_have_text(
        re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$")
    )
    assert other.evaluate("document.documentElement.dataset.theme") == "dark"
    dark = other.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    page.get_by_role("combobox", name="Colours").select_option("light")
    expect(other.locator("html")).to_have_attribute("data-theme", "light")
    assert other.evaluate("getComputedStyle(document.documentElement).backgroundColor") != dark


def test_the_server_that_ends_is_told_and_another_asks_for_its_token(browser, tmp_path, watcher):
    watcher.allowed = ("ERR_CONNECTION", "ERR_INCOMPLETE", "Failed to load")
    port = ("--port", str(free_port()))  # one that nobody is given meanwhile
    with served(tmp_path / "data", *port) as short, opened(browser, short) as context:
        page = context.new_page()
        watcher.watch(page)
        page.goto(short.at("/"))
        expect(page.get_by_text("No environments yet")).to_be_visible()
        short.process.send_signal(signal.SIGINT)
        expect(page.locator("#live")).to_contain_text("not live")

        short.process.wait()
        with served(tmp_path / "data", *port) as again:
            expect(page.get_by_label("Token")).to_be_visible()
            page.get_by_label("Token").fill(again.token)
            page.get_by_role("button", name="Open").click()
            expect(page.get_by_text("No environments yet")).to_be_visible()


def test_the_exported_page_asks_for_no_other_file(
    browser: Browser, dashboard: Served, page: Page, watcher: Watcher, tmp_path: Path
):
    page.goto(dashboard.at("/e/mail"))
    with page.expect_download() as download:
        page.get_by_role("link", name="Export as one file").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)

    with browser.new_context() as context:
        alone = context.new_page()
        watcher.watch(alone)
        asked: list[str] = []
        alone.on("request", lambda request: asked.append(request.url))
        alone.goto(file.as_uri())
        expect(alone.get_by_role("heading", level=1)).to_contain_text("mail")
        expect(alone.get_by_text("out of luck").first).to_be_visible()
        assert alone.locator("script").count() == 0

    assert file.name == "mail.html"
    assert asked == [file.as_uri()]


def test_a_command_is_started_from_its_page(browser: Browser, tmp_path: Path, watcher: Watcher):
    with served(tmp_path / "data", "--allow-actions") as acting, opened(browser, acting) as context:
        acting.create("shop", HELLO)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        watcher.watch(page)
        watcher.allowed = ("422",)
        page.goto(acting.at("/e/shop"))
        page.get_by_role("button", name="Up", exact=True).click()
        expect(page.locator("#subject .badge")).to_have_text("running")
        expect(page.locator(".history")).to_contain_text("via dashboard")

        page.get_by_role("link", name="Destroy…").click()
        page.get_by_label("Type its name").fill("shep")
        page.get_by_role("button", name="Destroy shop", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("Nothing was done")
        page.get_by_label("Type its name").fill("shop")
        page.get_by_role("button", name="Destroy shop", exact=True).click()
        expect(page.locator("#subject .badge")).to_have_text("destroyed")
