"""The overview in a browser: live, searched, moved through by keys, and without JavaScript."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.dashboard.browser.chromium import ENVCHART, Served, Watcher, opened
from tests.dashboard.browser.conftest import HELLO


def row(page: Page, name: str):
    return page.locator(f'tr[data-name="{name}"]')


def chip(page: Page, group: str):
    return page.locator(f'[data-count="{group}"]')


def test_a_command_in_another_process_appears_without_reloading(dashboard: Served, page: Page):
    page.goto(dashboard.at("/"))
    expect(page.locator("#live")).to_have_text("live")
    page.evaluate("window.untouched = true")
    expect(row(page, "pr-1")).to_contain_text("created")

    assert dashboard.envchart("up", "pr-1").returncode == 0
    expect(row(page, "pr-1")).to_contain_text("running")
    expect(row(page, "pr-1").get_by_role("link", name=re.compile("^[0-9a-f]{12}"))).to_have_attribute(
        "href", re.compile(r"^http://127\.0\.0\.1:\d+/$")
    )
    expect(chip(page, "running")).to_have_text("2")

    assert dashboard.envchart("destroy", "pr-1", "--yes", "--purge").returncode == 0
    expect(row(page, "pr-1")).to_have_count(0)
    expect(chip(page, "running")).to_have_text("1")
    assert page.evaluate("window.untouched")
    dashboard.create("pr-1", HELLO, team="web")
    expect(row(page, "pr-1")).to_contain_text("created")
    expect(page.locator("main")).to_have_count(1)


def test_steps_are_live_and_a_killed_command_is_interrupted(
    dashboard: Served, page: Page, watcher: Watcher, tmp_path: Path
):
    watcher.allowed = ("404",)  # at the end it is purged
    # The app answers only when it is told to, so that the command is under way until then.
    app = tmp_path / "slow"
    app.mkdir()
    (app / "app.py").write_text("import time\ntime.sleep(600)\n")
    dashboard.create("slow", app)
    page.goto(dashboard.at("/"))
    words = [ENVCHART, "up", "slow", "--data-dir", str(dashboard.data)]
    command = subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        expect(row(page, "slow")).to_contain_text("check_health")
        expect(row(page, "slow")).to_have_class(re.compile("under-way"))
        detail = page.context.new_page()
        detail.goto(dashboard.at("/e/slow"))
        current = detail.locator(".stations .under-way")
        expect(current).to_contain_text("check_health")
        shown = current.locator(".took").inner_text()
        expect(current.locator(".took")).not_to_have_text(shown)

        os.kill(command.pid, signal.SIGKILL)

        expect(row(page, "slow")).to_have_class(re.compile("interrupted"))
        expect(detail.get_by_text("envchart recover slow").first).to_be_visible()
    finally:
        command.kill()
        command.wait()
        assert dashboard.envchart("destroy", "slow", "--yes", "--purge").returncode == 0
    expect(row(page, "slow")).to_have_count(0)
    expect(detail.get_by_role("heading", level=1)).not_to_have_text("slow")


def test_the_search_is_in_the_address_and_kept_on_the_way_back(dashboard: Served, page: Page):
    page.goto(dashboard.at("/"))
    page.get_by_role("searchbox").fill("pr-1")
    expect(page).to_have_url(dashboard.at("/?q=pr-1"))
    expect(page.locator("tbody tr")).to_have_count(3)  # pr-1, pr-10 and pr-11

    row(page, "pr-10").get_by_role("link", name="pr-10", exact=True).click()
    expect(page.get_by_role("heading", name="pr-10")).to_be_visible()
    page.go_back()

    expect(page.get_by_role("searchbox")).to_have_value("pr-1")
    expect(page.locator("tbody tr")).to_have_count(3)
    page.get_by_role("combobox", name="team").select_option("web")
    expect(page).to_have_url(re.compile("label:team=web"))
    expect(page.locator("tbody tr")).to_have_count(2)
    page.reload()
    expect(page.locator("tbody tr")).to_have_count(2)


def test_a_search_goes_on_where_its_first_letters_were_answered(dashboard: Served, page: Page):
    page.goto(dashboard.at("/?sort=name"))
    page.keyboard.press("/")
    page.keyboard.type("pr-")
    expect(page).to_have_url(dashboard.at("/?q=pr-&sort=name"))
    expect(page.locator("tbody tr")).to_have_count(12)  # without shop and mail: answered and merged

    page.keyboard.type("11")

    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.get_by_role("searchbox")).to_have_value("pr-11")


def test_the_keys(dashboard: Served, page: Page):
    page.goto(dashboard.at("/?sort=name"))
    names = page.locator("tbody a.name")
    page.keyboard.press("j")
    expect(names.nth(0)).to_be_focused()
    page.keyboard.press("j")
    expect(names.nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(names.nth(0)).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("jk")  # typed, not obeyed
    expect(page.get_by_role("searchbox")).to_have_value("jk")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    page.get_by_role("searchbox").fill("")
    expect(names.nth(0)).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/e/"))
    expect(page.locator("#live")).to_have_text("live")
    page.keyboard.press("u")
    expect(page).to_have_url(re.compile(r"/(\?sort=name)?$"))


def test_a_command_is_copied_as_it_is_typed(dashboard: Served, window: BrowserContext, page: Page):
    window.grant_permissions(["clipboard-read", "clipboard-write"], origin=dashboard.origin)
    page.goto(dashboard.at("/e/mail"))
    first = page.locator(".command").first
    expected = first.locator("code").inner_text()
    assert expected.startswith("envchart retry mail --data-dir /")

    first.get_by_role("button", name="Copy").click()
    expect(page.locator("#said")).to_contain_text("Copied")

    assert page.evaluate("navigator.clipboard.readText()") == expected
    page.keyboard.press("c")
    assert page.evaluate("navigator.clipboard.readText()") == expected


def test_everything_can_be_read_without_javascript(browser: Browser, dashboard: Served, watcher: Watcher):
    with opened(browser, dashboard, java_script_enabled=False) as context:
        page = context.new_page()
        watcher.watch(page)
        page.goto(dashboard.at("/"))
        page.get_by_role("searchbox").fill("mail")
        page.get_by_role("button", name="Search").click()
        expect(page.locator("tbody tr")).to_have_count(1)
        page.get_by_role("link", name="mail", exact=True).click()
        expect(page.get_by_text("out of luck").first).to_be_visible()
        page.get_by_role("link", name="The revision before").click()
        expect(page.get_by_text("As it was at revision")).to_be_visible()


def test_ten_tabs_load_although_a_browser_opens_six_connections(dashboard: Served, window: BrowserContext):
    pages = []
    for _ in range(10):
        page = window.new_page()
        page.goto(dashboard.at("/"))
        expect(page.locator("#live")).to_have_text("live")
        pages.append(page)
        hide(page, hidden=True)

    for page in pages[:5]:
        hide(page, hidden=False)
        expect(page.locator("#live")).to_have_text("live")
        expect(row(page, "shop")).to_contain_text("running")


def hide(page: Page, *, hidden: bool) -> None:
    """Let a page believe that its tab is hidden: without a screen, all tabs count as shown."""
    page.evaluate(
        """(hidden) => {
            Object.defineProperty(document, "hidden", { value: hidden, configurable: true })
            document.dispatchEvent(new Event("visibilitychange"))
        }""",
        hidden,
    )


def test_the_mosaic_leads_to_each_environment(dashboard: Served, page: Page):
    page.goto(dashboard.at("/all"))
    expect(page.locator(".mosaic a")).to_have_count(14)

    page.locator(".mosaic").get_by_role("link", name=re.compile("mail")).click()

    expect(page.get_by_role("heading", name="mail")).to_be_visible()
