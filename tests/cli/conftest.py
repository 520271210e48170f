"""Fixtures of the command line: it is run in this process, or as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from loguru import logger

from environments.cli.app import main
from environments.storage.file import FileRepository

HELLO = Path(__file__).parents[2] / "examples" / "hello"


@dataclass(frozen=True)
class Ran:
    """What a run of the command line left: its exit code, and both its outputs."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        assert set(self.document) == {"error"}
        assert set(self.document["error"]) == {"code", "message", "next"}
        return self.document["error"]


Cli: TypeAlias = Callable[..., Ran]


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    yield
    logger.remove()
    for package in ("environments", "statechart"):
        logger.disable(package)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def repository(data: Path) -> FileRepository:
    return FileRepository(data)


@pytest.fixture
def cli(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Cli:
    """Runs the command line in this process, in a directory of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ENVCHART_DATA_DIR", str(data))

    def run(*words: str | Path) -> Ran:
        capsys.readouterr()
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run


@pytest.fixture
def process(data: Path, tmp_path: Path) -> Cli:
    """Runs the command line as a process of its own."""

    def run(*words: str | Path, **options: Any) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "environments", "--data-dir", str(data), *map(str, words)],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            **options,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def hello(cli: Cli) -> str:
    """An environment of the example app, on record."""
    assert cli("create", "hello", "--app", HELLO).code == 0
    return "hello"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file that declares the environment of the example app."""
    path = tmp_path / "env.yaml"
    path.write_text(f"name: hello\nprovider:\n  kind: local\n  app: {HELLO}\n")
    return path


@pytest.fixture
def dying(tmp_path: Path) -> Path:
    """An app that ends as soon as it is started."""
    app = tmp_path / "dying"
    app.mkdir()
    (app / "app.py").write_text("print('no configuration!', flush=True)\nraise SystemExit(3)\n")
    return app
