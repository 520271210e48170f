"""The page of an environment in a browser: its past, its colours and its times."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, Page, expect

from tests.dashboard.browser.chromium import Served


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
    assert dashboard.envchart("create", "brief", "--app", "examples/hello").returncode == 0
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

    expect(other.locator("time").first).to_have_text(re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$"))
    assert other.evaluate("document.documentElement.dataset.theme") == "dark"
    dark = other.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    page.get_by_role("combobox", name="Colours").select_option("light")
    expect(other.locator("html")).to_have_attribute("data-theme", "light")
    assert other.evaluate("getComputedStyle(document.documentElement).backgroundColor") != dark


def test_the_server_that_ends_is_told(browser, tmp_path, watcher):
    from tests.dashboard.browser.chromium import opened, served

    watcher.allowed = ("ERR_CONNECTION", "ERR_INCOMPLETE", "Failed to load")
    with served(tmp_path / "data") as short, opened(browser, short) as context:
        page = context.new_page()
        watcher.watch(page)
        page.goto(short.at("/"))
        expect(page.get_by_text("No environments yet")).to_be_visible()
        short.process.send_signal(2)
        expect(page.locator("#live")).to_contain_text("not live")
