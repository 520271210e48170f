"""What the command line loads, and what it does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("statemachine", "pydantic", "filelock", "loguru", "rich", "ruamel.yaml", "asyncio")


def loaded(*words: str, cwd: Path, names: tuple[str, ...] = HEAVY) -> set[str]:
    """Run the command line in a fresh interpreter and return which modules it loaded."""
    code = (
        "import sys; from environments.cli.app import main; code = main(sys.argv[1:]);"
        "print(*sys.modules, file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split()) & set(names)


def test_listing_nothing_loads_only_typer(tmp_path: Path) -> None:
    assert loaded("list", cwd=tmp_path) == set()
    (tmp_path / "data").mkdir()
    assert loaded("list", "--json", cwd=tmp_path) == set()


@pytest.mark.xfail(reason="every subcommand is imported for its line of the help", strict=False)
def test_help_loads_no_engine_and_no_storage(tmp_path: Path) -> None:
    assert loaded("--help", cwd=tmp_path) <= {"rich"}


@pytest.mark.parametrize("words", [("list",), ("show", "hello"), ("history", "hello"), ("logs", "hello")])
def test_reading_loads_no_engine(hello: str, tmp_path: Path, words: tuple[str, ...]) -> None:
    assert "statemachine" not in loaded(*words, cwd=tmp_path)


def test_the_schema_and_the_template_load_no_engine(tmp_path: Path) -> None:
    assert "statemachine" not in loaded("schema", cwd=tmp_path)
    assert "statemachine" not in loaded("create", "--template", cwd=tmp_path)
