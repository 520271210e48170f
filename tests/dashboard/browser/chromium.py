"""The browser of these tests, and the dashboards that it looks at."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from environments import EnvironmentSpec, LocalProvider, Workspace

ENVCHART = str(Path(sys.executable).with_name("envchart"))
EXECUTABLE = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_ARGUMENTS = ["--disable-gpu", "--disable-dev-shm-usage"]


@contextmanager
def launched() -> Iterator[Browser]:
    """Start the browser that is installed; without one, skip the test, but not in CI."""
    if EXECUTABLE is None:
        missing = "Chromium is not installed: apt-get install chromium fonts-dejavu-core"
        assert not os.environ.get("CI"), missing
        pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=_ARGUMENTS)
        yield browser
        browser.close()


@dataclass(frozen=True)
class Served:
    """A dashboard that runs as a process of its own.

    Attributes:
        url: Its address with the token.
        data: The environments.
    """

    url: str
    token: str
    data: Path
    process: subprocess.Popen[str]

    @property
    def origin(self) -> str:
        """The address without path and token."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    def at(self, path: str) -> str:
        """Return the address of a page."""
        return f"{self.origin}{path}"

    def create(self, name: str, app: Path, **labels: str) -> None:
        """Create one more environment, without the time that a process takes.

        A command that waits for its application waits for as long as a browser on a busy machine looks on.
        """
        provider = LocalProvider(app=str(app), start_timeout=timedelta(minutes=10))
        spec = EnvironmentSpec(name=name, provider=provider, labels=labels)
        Workspace(self.data).create(spec)

    def envchart(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command on the environments that are shown."""
        return subprocess.run(
            [ENVCHART, *words, "--data-dir", str(self.data)], capture_output=True, text=True
        )


@contextmanager
def served(data: Path, *options: str, command: Sequence[str] = (ENVCHART, "dashboard")) -> Iterator[Served]:
    """Serve the environments below a directory on a free port, and check that nothing went wrong there."""
    words = [*command, "--port", "0", "--json", *options]
    if command == (ENVCHART, "dashboard"):
        words += ["--data-dir", str(data)]
    process = subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    document = ""
    while not document.endswith("}\n"):
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        document += line
    said = json.loads(document)
    try:
        yield Served(said["url"], said["token"], data, process)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors, errors
    assert process.returncode == 128 + signal.SIGINT


class Watcher:
    """Notes what a page complains of: errors, and what its policy forbids."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self.allowed: tuple[str, ...] = ()

    def watch(self, page: Page) -> None:
        """Watch a page."""
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} ({message.location.get('url')})")

    def check(self) -> None:
        """Check that there were no complaints but those that a test expects."""
        found = [each for each in self.complaints if not any(part in each for part in self.allowed)]
        assert not found, "\n".join(found)


def opened(browser: Browser, dashboard: Served, **options: object) -> BrowserContext:
    """Return a window of a person who has opened the address with the token once."""
    context = browser.new_context(reduced_motion="reduce", **options)  # type: ignore[arg-type]
    port = urlsplit(dashboard.url).port
    context.add_cookies([{"name": f"envchart-{port}", "value": dashboard.token, "url": dashboard.origin}])
    return context
