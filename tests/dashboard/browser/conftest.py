"""A browser, and dashboards of real environments. Without Chromium, these tests are skipped."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from environments import EnvironmentSpec, LocalProvider, Workspace
from tests.dashboard.browser.chromium import ENVCHART, Served, Watcher, launched, opened, served

HELLO = Path(__file__).parents[3] / "examples" / "hello"
PATIENCE = 60_000  # milliseconds, for machines with other things to do


# For a module, not for the session: while the browser is driven, its event loop counts as running, and
# tests of other modules could start none.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An application that ends at once, unlike `HELLO`."""
    app = tmp_path_factory.mktemp("broken")
    (app / "app.py").write_text("raise SystemExit('out of luck')\n")
    return app


@pytest.fixture(scope="session")
def dashboard(tmp_path_factory: pytest.TempPathFactory, broken: Path) -> Iterator[Served]:
    """The dashboard of some environments: one runs, one has failed, the others are recorded only."""
    data = tmp_path_factory.mktemp("dashboard") / "data"
    workspace = Workspace(data)
    for number in range(12):
        labels = {"team": "web" if number % 2 else "api"}
        spec = EnvironmentSpec(name=f"pr-{number}", provider=LocalProvider(app=str(HELLO)), labels=labels)
        workspace.create(spec)
    commands = [
        subprocess.Popen(
            [ENVCHART, "up", name, "--app", str(app), "--data-dir", str(data)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for name, app in (("shop", HELLO), ("mail", broken))
    ]
    with served(data) as found:
        assert [command.wait() for command in commands] == [0, 6]
        yield found
        assert found.envchart("destroy", "shop", "--yes").returncode == 0


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    """Checks at the end that no page complained."""
    watching = Watcher()
    yield watching
    watching.check()


@pytest.fixture
def window(browser: Browser, dashboard: Served, watcher: Watcher) -> Iterator[BrowserContext]:
    """A window of somebody who may look at the dashboard."""
    with opened(browser, dashboard, viewport={"width": 1280, "height": 800}) as context:
        context.set_default_timeout(PATIENCE)
        context.on("page", watcher.watch)
        yield context


@pytest.fixture
def page(window: BrowserContext) -> Page:
    """A tab of that window."""
    return window.new_page()


@pytest.fixture
def stranger(browser: Browser, watcher: Watcher) -> Iterator[Callable[..., BrowserContext]]:
    """Opens windows of people without the token."""
    contexts: list[BrowserContext] = []

    def open_window(**options: object) -> BrowserContext:
        context = browser.new_context(reduced_motion="reduce", **options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE)
        context.on("page", watcher.watch)
        contexts.append(context)
        return context

    yield open_window
    for context in contexts:
        context.close()
