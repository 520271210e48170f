"""The documentation can be built, and is readable on screens of any width."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

# Loads each page into a frame, gives the frame each width, and writes down what the page is like.
LOOK = """<!DOCTYPE html><meta charset="utf-8"><pre id="seen"></pre><script>
const pages = PAGES, widths = WIDTHS, seen = []
const wider = (element) => element.scrollWidth > element.clientWidth + 1
async function look(page) {
  const frame = document.createElement("iframe")
  Object.assign(frame.style, {height: "800px", border: 0})
  frame.src = page
  await new Promise((loaded) => { frame.onload = loaded; document.body.append(frame) })
  const inside = frame.contentDocument
  inside.body.dataset.theme = "dark"
  for (const width of widths) {
    frame.style.width = width + "px"
    const tables = [...inside.querySelectorAll("article .table-wrapper")]
    const style = (each) => frame.contentWindow.getComputedStyle(each)
    const drawings = [...inside.querySelectorAll("article .statemachine-diagram")]
    const grounds = drawings.map((each) => style(each).backgroundColor)
    const pictures = [...inside.querySelectorAll('article img[src$=".svg"]')]
    const schemes = pictures.map((each) => style(each).colorScheme)
    const sideways = wider(inside.documentElement)
    seen.push({page, width, sideways, tables: tables.filter(wider).length, grounds, schemes})
  }
  frame.remove()
}
(async () => {
  for (const page of pages) await look(page)
  document.getElementById("seen").textContent = JSON.stringify(seen)
})()
</script>"""


@pytest.fixture
def site() -> Path:
    """The documentation, built where `make docs` promises it, with warnings as errors."""
    place = ROOT / "docs" / "_build" / "html"
    words = ["-W", "--keep-going", "-q", "-b", "html", str(ROOT / "docs"), str(place)]
    built = subprocess.run([sys.executable, "-m", "sphinx", *words], capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    return place


def seen(site: Path, widths: list[int], profile: Path) -> list[dict[str, Any]]:
    """Return what a browser sees on each page at each width: one browser looks at all of them."""
    pages = sorted(
        str(page.relative_to(site)) for page in site.rglob("*.html") if "_static" not in page.parts
    )
    look = site / "look.html"
    look.write_text(LOOK.replace("PAGES", json.dumps(pages)).replace("WIDTHS", json.dumps(widths)))
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
    files = ("--allow-file-access-from-files", "--virtual-time-budget=600000", f"--user-data-dir={profile}")
    ran = subprocess.run(
        [str(CHROMIUM), *options, *files, "--dump-dom", look.as_uri()],
        capture_output=True,
        text=True,
        env={**os.environ, "HOME": str(profile)},
    )
    look.unlink()
    said = re.search(r'<pre id="seen">(.+?)</pre>', ran.stdout, re.S)
    assert said is not None, ran.stderr
    found: list[dict[str, Any]] = json.loads(unescape(said[1]))
    assert len(found) == len(pages) * len(widths) > 50
    return found


@pytest.mark.site
def test_the_documentation_is_built_and_readable_on_narrow_and_on_wide_screens(
    site: Path, tmp_path: Path
) -> None:
    if CHROMIUM is None:
        pytest.skip("Chromium (the package chromium) is not there")

    found = seen(site, [400, 800, 1280], tmp_path)

    assert [(each["page"], each["width"]) for each in found if each["sideways"]] == []
    assert [(each["page"], each["width"], "a table") for each in found if each["tables"]] == []
    # Graphviz draws in dark lines, so its diagrams need a light ground on a dark page.
    unlit = [each for each in found if {*each["grounds"]} - {"rgb(255, 255, 255)"}]
    assert unlit == []
    assert any(each["grounds"] for each in found)
    # Pictures of charts have the theme that the reader chose for the page.
    assert {scheme for each in found for scheme in each["schemes"]} == {"dark"}
