"""The wheel, installed apart from the checkout."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
PROGRAMS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
UNREACHABLE = (
    "No matching distribution found",
    "Could not fetch URL",
    "Connection",
    "Max retries exceeded",
)
Ended: TypeAlias = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("wheel")
    source = shutil.copytree(  # a build writes to its source directory
        ROOT, place / "source", ignore=shutil.ignore_patterns(".*", "__pycache__", "tests", "demo-data")
    )
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    build = [sys.executable, "-m", "pip", "wheel", *options, place, source]
    ended = subprocess.run(build, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return next(place.glob("*.whl"))


def pip_for(bin_directory: Path, *arguments: str | Path) -> Ended:
    """Run our pip on the clean environment, which has none: to install one takes seconds."""
    words = [sys.executable, "-m", "pip", "--python", bin_directory / "python", *arguments]
    return subprocess.run(words, capture_output=True, text=True)


@pytest.fixture(scope="module")
def bin_directory(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a virtual environment with only the wheel and its dependencies."""
    place = tmp_path_factory.mktemp("clean") / "venv"
    venv.create(place, symlinks=True)
    # Python compiles what is used, when it is used.
    ended = pip_for(place / "bin", "install", "--quiet", "--no-compile", wheel)
    if ended.returncode and any(sign in ended.stderr for sign in UNREACHABLE) and "CI" not in os.environ:
        pytest.skip(f"the package index can't be reached: {ended.stderr.splitlines()[-1]}")
    assert ended.returncode == 0, ended.stderr
    return place / "bin"


@pytest.fixture
def run(bin_directory: Path, tmp_path: Path) -> Callable[..., Ended]:
    """Runs a program of the clean environment in an empty directory."""
    seen = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV", "ENV"))
    }

    def runs(program: str, *arguments: str | Path) -> Ended:
        return subprocess.run(
            [bin_directory / program, *arguments],
            cwd=tmp_path,
            env={**seen, "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    return runs


def test_the_wheel_is_complete_and_needs_no_extras(bin_directory: Path, run: Callable[..., Ended]) -> None:
    script = """if True:
        import json, pathlib, statechart, environments
        from importlib.metadata import entry_points
        for package in (statechart, environments):
            assert [getattr(package, name) for name in package.__all__]
            assert pathlib.Path(package.__file__).with_name("py.typed").is_file()
        found = {entry.name: entry.value for entry in entry_points(group="pytest11")}
        print(json.dumps([environments.__file__, found]))
    """
    told = run("python", "-W", "error", "-c", script)
    checked = pip_for(bin_directory, "check")

    assert (told.returncode, told.stderr) == (0, "")
    place, plugins = json.loads(told.stdout)
    assert not place.startswith(str(ROOT))
    assert plugins == {
        "statechart": "statechart.pytest_plugin",
        "environments": "environments.pytest_plugin",
    }
    assert checked.returncode == 0, checked.stdout


def test_the_command_brings_an_environment_up_and_down(run: Callable[..., Ended]) -> None:
    hello = str(ROOT / "examples" / "hello")
    assert re.match(r"envchart [0-9.]+\n", run("envchart", "--version").stdout)
    assert "From nothing to running" in run("envchart", "--help").stdout

    lines = [
        ("create", "demo", "--app", hello),
        ("up", "demo"),
        ("show", "demo"),
        ("destroy", "demo", "--yes"),
    ]
    ended = [run("envchart", *line) for line in lines]

    assert [each.returncode for each in ended] == [0, 0, 0, 0], "".join(each.stderr for each in ended)
    assert "running" in ended[2].stdout


def test_a_store_in_a_database_asks_for_its_extra(run: Callable[..., Ended]) -> None:
    url = "postgresql://ann:pw@db/web"
    lines = [
        ("envchart", "list", "--store", url),
        ("envchart", "store", "check", "--store", "sqlite:///web.db"),
        ("python", "-m", "statechart", "store", "migrate", "--store", url),
    ]
    ended = [run(*line) for line in lines]

    for each in ended:
        assert (each.returncode, each.stdout) == (2, "")
        assert "needs the package sqlalchemy" in each.stderr
        assert "next: pip install 'envchart[sql]', then " in each.stderr
        assert "pw" not in each.stderr


def test_the_migrations_are_in_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())

    for package in ("statechart", "environments"):
        place = Path(package) / "storage" / "sql" / "migrations"
        expected = {str(file.relative_to(ROOT)) for file in (ROOT / place).rglob("*.py")}
        assert f"{place}/versions/r0001_initial.py" in expected
        assert expected <= names


def test_the_programs_of_the_readme_run(run: Callable[..., Ended], tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")

    ended = [run("python", "-W", "error", "-c", program) for program in PROGRAMS]

    assert [(each.returncode, each.stderr) for each in ended] == [(0, "")] * len(PROGRAMS)


def test_the_examples_run(run: Callable[..., Ended]) -> None:
    examples = ROOT / "examples"

    lines = [
        (examples / "order" / "shop.py", "new", "A-1"),
        (examples / "embed" / "deploy.py", "up", "demo"),
        (examples / "embed" / "deploy.py", "down", "demo"),
        (examples / "log_sinks" / "json_log.py",),
    ]
    ended = [run("python", *line) for line in lines]

    assert [(each.returncode, each.stderr) for each in ended] == [(0, "")] * len(lines)
