"""Take the pictures of the dashboard for the documentation, of real environments in a real browser.

Needs Chromium. Run it as `python docs/dashboard_pictures.py`; with a directory, the pictures go there.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import sys
import tempfile
from pathlib import Path

import uvicorn
from fleet import STEPS, HostSpec, PreviewSpec, make
from playwright.async_api import Browser, Page, async_playwright

from environments.dashboard import asgi_app
from environments.testing import ScriptedProvider
from environments.workspace import Workspace

STATIC = Path(__file__).parent / "_static"
PICTURES = {
    # name: address, width, height, colours
    "dashboard-overview": ("/", 1280, 720, "light"),
    "dashboard-overview-dark": ("/", 1280, 720, "dark"),
    "dashboard-failed": ("/e/shop-prod-us", 1280, 1120, "light"),
    "dashboard-steps": ("/e/mail-qa", 1280, 800, "light"),
}
PARTS = {"dashboard-steps": "#steps"}

# The environments are made in a temporary directory, whose name would tell readers nothing.
SHOWN = """(place) => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.replaceAll(place, "/srv/envs")
}"""


async def main(target: Path) -> None:
    """Serve environments in all conditions, and take a picture of each page."""
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory) / "data"
        under_way = await make(data)
        app = asgi_app(Workspace(data, providers=[HostSpec, PreviewSpec]))
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        with ScriptedProvider(steps_of=STEPS).installed():
            await take_all(listening.getsockname()[1], target, str(data))
        app.board.hub.close()
        server.should_exit = True
        await serving
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def take_all(port: int, target: Path, place: str) -> None:
    """Take all pictures, with a usual directory in the place of the temporary one."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"))
        for name, (address, width, height, colours) in PICTURES.items():
            path = target / f"{name}.png"
            url = f"http://127.0.0.1:{port}{address}"
            page = await shown(browser, url, (width, height), colours)
            await page.evaluate(SHOWN, place)
            part = PARTS.get(name)
            await (page.locator(part).screenshot(path=path) if part else page.screenshot(path=path))
            await page.close()
        await browser.close()


async def shown(browser: Browser, url: str, size: tuple[int, int], colours: str) -> Page:
    """Return a page, once it is live."""
    page = await browser.new_page(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if colours == "dark" else "light",
        reduced_motion="reduce",
    )
    await page.goto(url)
    await page.locator('#live[data-state="live"]').wait_for()
    return page


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else STATIC))
