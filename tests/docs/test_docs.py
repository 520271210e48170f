"""The documentation is true: every block of code runs, in order, as a reader of its page would have it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from environments import Lifecycle
from environments.cli.completion.shells import VARIABLE
from environments.cli.settings import (
    ACTOR_VARIABLE,
    DATA_DIR_VARIABLE,
    NETWORK_VARIABLE,
    OWNER_VARIABLE,
    STORE_VARIABLE,
)
from statechart.graph import states

ROOT = Path(__file__).parents[2]
TOOLS = [
    ROOT / "examples" / name / "README.md"
    for name in ("approval", "escalation", "jobs", "lease", "order", "orders_db", "parcels")
]
PAGES = sorted(
    path.relative_to(ROOT)
    for path in (*(ROOT / "docs").rglob("*.md"), *TOOLS)
    if "```" in path.read_text() and "_build" not in path.parts
)
ELSEWHERE = {
    "docs/how-to/recover.md": "tests/docs/test_recover_guide.py",
    "docs/explanation/durability.md": "",
    "docs/tutorial/terraform-ansible.md": "tests/e2e/test_tutorial.py",
    "docs/tutorial/three-machines.md": "tests/e2e/test_tutorial.py",
}
GENERATED = ("mermaid", "json", "text", "{toctree}", "{eval-rst}", "{statemachine-diagram}", "")
BLOCK = re.compile(r"^(?:<!-- ([\w ]+): (.+?) -->\n)?^(`{3,})([^\n`]*)\n(.*?)^\3$", re.M | re.S)


def blocks(page: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield the fenced blocks of a page: what the comment above says of it, its language, its text."""
    for what, said, _, language, text in BLOCK.findall(page):
        yield what, said, (language.split() or [""])[0], text


@dataclass
class Reader:
    """Follows a page, in a directory of its own."""

    place: Path
    environment: dict[str, str]
    printed: str = ""

    def follow(self, page: str) -> None:
        if "examples/" in page:
            (self.place / "examples").symlink_to(ROOT / "examples")
        for what, said, language, text in blocks(page):
            if what == "file":
                (self.place / said).parent.mkdir(exist_ok=True)
                (self.place / said).write_text(text)
            if what == "prepare":
                SITUATIONS[said](self.place)
            if what == "not run":
                continue
            if language == "python" and what != "file":
                self.printed = self.run([sys.executable, "-c", text])
            elif language == "console":
                self.type(text)
            elif language == "text" and self.printed:
                require_like(self.printed, text, "the program before")
                self.printed = ""

    def type(self, text: str) -> None:
        commands = re.split(r"^\$ ", text, flags=re.M)[1:]
        for command in commands:
            line, _, expected = command.partition("\n")
            typed, _, code = line.partition("    # exits with ")
            if typed.startswith("export "):
                name, _, value = typed.removeprefix("export ").partition("=")
                self.environment[name] = str(self.place / value)
                continue
            printed = self.run(["bash", "-c", typed], int(code or 0), both=bool(code))
            if expected.strip():
                require_like(printed, expected, typed)

    def run(self, command: list[str], code: int = 0, *, both: bool = False) -> str:
        ran = subprocess.run(
            command, cwd=self.place, env=self.environment, capture_output=True, text=True, timeout=1000
        )
        assert ran.returncode == code, f"{command} exits with {ran.returncode}:\n{ran.stdout}\n{ran.stderr}"
        return ran.stdout + (ran.stderr if both else "")


def require_like(printed: str, expected: str, of: str) -> None:
    """Demand that a text was printed; `...` stands for anything."""
    pattern = re.escape(expected.strip()).replace(r"\.\.\.", r"[\s\S]*?")
    assert re.fullmatch(pattern, printed.strip()), f"{of} prints\n{printed}\ninstead of\n{expected}"


def _stale(place: Path) -> None:
    guide = place / "guide.md"
    guide.write_text(guide.read_text().replace("s_draft --> s_paid", "s_draft --> s_payed"))


SITUATIONS: dict[str, Callable[[Path], None]] = {"stale": _stale}


@pytest.fixture
def reader(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        # Compiled once for all pages, and never beside the examples, which are applications to release.
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(tmp_path_factory.getbasetemp() / "bytecode"),
        "PYTHONPATH": str(tmp_path),
        "COLUMNS": "80",
        "PIP_NO_BUILD_ISOLATION": "0",  # false: a build uses what is installed, and needs no network
    }
    environment.pop("ENVCHART_DATA_DIR", None)
    environment.pop("ENVCHART_STORE", None)
    yield Reader(tmp_path, environment)
    # A page that fails in the middle leaves its services running.
    for data in {document.parents[1] for document in tmp_path.rglob("state.json")}:
        words = ["--data-dir", str(data), "destroy", "--all", "--purge", "--yes"]
        subprocess.run([sys.executable, "-m", "environments", *words], env=environment, capture_output=True)


# The contract of the local provider is run whole in tests/contracts.
SHORTENED = {"docs/how-to/check-a-backend.md": "-k 'not killed and not every_stage and not anew'"}


@pytest.mark.pages
@pytest.mark.parametrize("page", [page for page in PAGES if str(page) not in ELSEWHERE], ids=str)
def test_every_block_of_a_page_does_what_the_page_says(page: Path, reader: Reader) -> None:
    reader.environment["PYTEST_ADDOPTS"] = SHORTENED.get(str(page), "")
    reader.follow((ROOT / page).read_text())


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_block_is_run_or_says_why_not(page: Path) -> None:
    if str(page) in ELSEWHERE:
        return
    for what, said, language, text in blocks((ROOT / page).read_text()):
        known = language in ("python", "console", *GENERATED) or what in ("file", "not run")
        shown = language in ("toml", "markdown")
        assert known or shown, f"{page}: nothing is known of this block, {what} {said}:\n{text}"


def test_the_generated_pages_are_fresh() -> None:
    checked = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate.py", "--check"], capture_output=True, text=True
    )

    assert (checked.returncode, checked.stderr) == (0, ""), "run `python docs/generate.py`"


@pytest.mark.parametrize("page", ["configuration", "events", "exit-codes", "commands"])
def test_no_meaning_is_left_out_of_a_generated_page(page: str) -> None:
    lines = (ROOT / "docs" / "reference" / f"{page}.md").read_text().splitlines()

    assert [line for line in lines if re.search(r"\|\s*\|$", line)] == []


@pytest.mark.parametrize("page", ["README.md", "docs/index.md"])
def test_the_first_pages_show_the_chart_and_a_failure_and_the_coverage(page: str) -> None:
    text = (ROOT / page).read_text()

    shown = {(ROOT / page).parent / name for name in re.findall(r'(?:src|srcset|href)="(.+?\.svg)"', text)}
    shown |= {(ROOT / page).parent / name for name in re.findall(r"!\[.*?\]\((.+?\.svg)\)", text)}
    assert [path for path in shown if not path.is_file()] == []
    names = {"lifecycle", "failed-run", "failed-run-upright", "coverage", "coverage-upright"}
    assert names <= {path.stem for path in shown}


def test_the_picture_of_a_failure_has_the_whole_way() -> None:
    drawn = (ROOT / "docs" / "_static" / "failed-run.svg").read_text()

    assert [state for state in states(Lifecycle) if f">{state}</text>" not in drawn] == []
    assert re.findall(r'class="count"[^>]*>([^<]+)<', drawn).count("10") == 1
    assert "prefers-color-scheme" in drawn


def test_every_variable_of_the_command_line_is_described() -> None:
    page = (ROOT / "docs" / "reference" / "shell.md").read_text()

    variables = (
        ACTOR_VARIABLE,
        DATA_DIR_VARIABLE,
        NETWORK_VARIABLE,
        OWNER_VARIABLE,
        STORE_VARIABLE,
        VARIABLE,
    )
    assert [name for name in variables if name not in page] == []


def test_every_decision_is_listed() -> None:
    index = (ROOT / "docs" / "decisions" / "index.md").read_text()

    assert [
        path.name for path in (ROOT / "docs" / "decisions").glob("0*.md") if path.name not in index
    ] == []
