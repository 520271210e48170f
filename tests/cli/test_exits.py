"""The end of a run that failed unexpectedly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from environments.providers.local import LocalProvider
from tests.cli.conftest import HELLO


def test_an_unexpected_error_is_one_line_with_its_traceback_in_a_file(
    cli: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delattr(LocalProvider, "steps")
    assert cli("create", "web", "--app", HELLO).code == 0
    words = ("provision", "web")

    ran, verbose = cli(*words), cli(*words, "-v")

    assert (ran.code, verbose.code) == (1, 1)
    assert ran.err.startswith("error: unexpected AttributeError: ")
    assert "Traceback" in Path(ran.err.splitlines()[1].removeprefix("next: report it with ")).read_text()
    assert "Traceback" in verbose.err
    assert cli(*words, "--json").error["code"] == "unexpected"
