"""The figures of the dashboard over thousands of true environments.

`python -m tests.benchmarks.dashboard [COUNT]` prints each figure with the most that it may be. They
are wall-clock times, so the machine has to be idle.
"""

from __future__ import annotations

import gzip
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Final
from urllib.parse import urlsplit

import httpx
import psutil
from playwright.sync_api import Browser, Page

from environments import Lifecycle
from statechart.formats.svg import svg
from statechart.picture import Marks, compose
from tests.benchmarks.many import HELLO, make
from tests.dashboard.browser.chromium import ENVCHART, Served, launched, opened, served

_ROUNDS: Final = 20


def main() -> None:
    """Measure everything, and print it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory(prefix="envchart-dashboard-") as place:
        data = Path(place) / "data"
        make(data, count)
        picture()
        begun = time.perf_counter()
        with served(data) as dashboard, launched() as browser:
            figure("start to the first page", answered(dashboard, "/", since=begun), 4.0, "s")
            pages(dashboard)
            figure("memory of the server", memory(dashboard), 120, "MB")
            live(dashboard, browser)
            figure("memory of the server in the end", memory(dashboard), 120, "MB")
        stopping(data)


def figure(name: str, measured: float, most: float, unit: str) -> None:
    """Print a figure with the most that it may be."""
    verdict = "" if measured <= most else "   TOO MUCH"
    print(f"{name:<64} {measured:8.1f} {unit:<3} (at most {most:g}){verdict}", flush=True)


def picture() -> None:
    """Measure the picture of the lifecycle, from its marks to its text."""
    marks = Marks(current="running")
    svg(compose(Lifecycle, marks))
    figure("an SVG of the lifecycle", timed(lambda: svg(compose(Lifecycle, marks)), 200) * 1000, 1, "ms")


def timed(work: Callable[[], object], rounds: int = _ROUNDS) -> float:
    """Return the median duration of a work, in seconds."""
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return median(taken)


def answered(dashboard: Served, path: str, *, since: float) -> float:
    """Return the seconds since a moment at which a page is there."""
    assert client(dashboard).get(path).status_code == 200
    return time.perf_counter() - since


def client(dashboard: Served) -> httpx.Client:
    """Return a client that may ask for pages."""
    return httpx.Client(
        base_url=dashboard.origin, headers={"Authorization": f"Bearer {dashboard.token}"}, timeout=60
    )


def pages(dashboard: Served) -> None:
    """Measure pages as the server makes them."""
    with client(dashboard) as asking:
        first = asking.get("/")
        figure("first page", timed(lambda: asking.get("/")) * 1000, 60, "ms")
        figure("first page, its size", len(first.content) / 1000, 100, "KB")
        print(f"{'first page, compressed':<64} {len(gzip.compress(first.content)) / 1000:8.1f} KB")
        figure("search", timed(lambda: asking.get("/?q=billing+failed")) * 1000, 80, "ms")
        figure("search for what most have", timed(lambda: asking.get("/?q=running")) * 1000, 80, "ms")
        name = asking.get("/api/v1/environments?per_page=1").json()["environments"][0]["name"]
        detail = timed(lambda: asking.get(f"/e/{name}")) * 1000
        print(f"{'page of an environment':<64} {detail:8.1f} ms")
        mosaic = timed(lambda: asking.get("/all"), 3) * 1000
        print(f"{'mosaic':<64} {mosaic:8.1f} ms")


def memory(dashboard: Served) -> float:
    """Return the resident memory of the server, in MB."""
    return psutil.Process(dashboard.process.pid).memory_info().rss / 1e6


def live(dashboard: Served, browser: Browser) -> None:
    """Measure the time from a commit in another process to the page."""
    words = [ENVCHART, "create", "aaa", "--app", str(HELLO), "--data-dir", str(dashboard.data)]
    subprocess.run(words, check=True, capture_output=True)
    with opened(browser, dashboard) as context:
        page = context.new_page()
        page.goto(dashboard.at("/?q=aaa"))
        page.wait_for_function("document.querySelector('#live').textContent === 'live'")
        figure("commit to the page, 1 stream", median(commits(dashboard, page)) * 1000, 100, "ms")
        with streams(dashboard, 49):
            figure("commit to the page, 50 streams", median(commits(dashboard, page)) * 1000, 150, "ms")
        figure("kill -9 of a command to the page", median(kills(dashboard, page)) * 1000, 200, "ms")
        page.goto(dashboard.at("/?q=aaa"))
        with streams(dashboard, 499):
            delay = median(commits(dashboard, page)) * 1000
            print(f"{'commit to the page, 500 streams held':<64} {delay:8.1f} ms")


_COMMITTER: Final = """
import asyncio, sys, time
from environments import Workspace
workspace = Workspace(sys.argv[1])
for line in sys.stdin:
    environment = workspace.load("aaa")
    spec = environment.spec.model_copy(update={"labels": {"round": line.strip()}})
    begun = time.time()
    asyncio.run(workspace.update(environment, spec))
    print(begun, flush=True)
"""


def commits(dashboard: Served, page: Page) -> list[float]:
    """Commit in another process, and return after how many seconds each was on the page."""
    found = []
    with subprocess.Popen(
        [sys.executable, "-c", _COMMITTER, str(dashboard.data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as committer:
        assert committer.stdin is not None
        assert committer.stdout is not None
        for _ in range(_ROUNDS):
            mark = f"{time.time_ns()}"
            page.evaluate(_WATCH, mark)
            committer.stdin.write(f"{mark}\n")
            committer.stdin.flush()
            begun = float(committer.stdout.readline())  # the commit itself is within the time
            found.append(page.evaluate("window.seen") / 1000 - begun)
        committer.stdin.close()
    return found


_WATCH: Final = """(text) => {
  window.seen = new Promise((resolve) => {
    const look = () => {
      if (!document.querySelector("tr[data-name=aaa]").textContent.includes(text)) return
      observer.disconnect()
      resolve(performance.timeOrigin + performance.now())
    }
    const observer = new MutationObserver(look)
    const all = { subtree: true, childList: true, characterData: true, attributes: true }
    observer.observe(document.body, all)
    look()
  })
}"""


@contextmanager
def streams(dashboard: Served, count: int) -> Iterator[list[socket.socket]]:
    """Hold many streams open that read what they are told."""
    address = urlsplit(dashboard.url)
    asked = (
        f"GET /events HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {dashboard.token}\r\n\r\n"
    ).encode()
    held = []
    for _ in range(count):
        stream = socket.create_connection((address.hostname or "", address.port or 0))
        stream.sendall(asked)
        held.append(stream)
    for stream in held:
        assert b"200 OK" in stream.recv(65_536)
    try:
        yield held
    finally:
        for stream in held:
            stream.close()


def kills(dashboard: Served, page: Page) -> list[float]:
    """Kill a command that waits, and return after how many seconds the page said so."""
    found = []
    app = dashboard.data.parent / "slow"
    app.mkdir()
    (app / "app.py").write_text("import time\ntime.sleep(600)\n")
    where = ["--data-dir", str(dashboard.data)]
    for number in range(5):
        name = f"aaa-{number}"
        page.goto(dashboard.at(f"/?q={name}"))
        subprocess.run(
            [ENVCHART, "create", name, "--app", str(app), *where], check=True, capture_output=True
        )
        command = subprocess.Popen(
            [ENVCHART, "up", name, *where],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        row = page.locator(f"tr[data-name={name}]")
        row.filter(has_text="check_health").wait_for(timeout=60_000)
        page.evaluate(_WATCH.replace("aaa", name), "interrupted")
        killed = time.time()
        os.kill(command.pid, signal.SIGKILL)
        found.append(page.evaluate("window.seen") / 1000 - killed)
        command.wait()
        subprocess.run([ENVCHART, "destroy", name, "--yes", "--purge", *where], capture_output=True)
    return found


def stopping(data: Path) -> None:
    """Measure the end of a server with open streams."""
    with served(data) as dashboard, streams(dashboard, 50):
        begun = time.perf_counter()
        dashboard.process.send_signal(signal.SIGINT)
        dashboard.process.wait()
        figure("stop with 50 open streams", time.perf_counter() - begun, 1, "s")


if __name__ == "__main__":
    main()
