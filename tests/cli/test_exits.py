"""The end of a run that failed unexpectedly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from environments.model import provider_kinds


def test_an_unexpected_error_is_one_line_with_its_traceback_in_a_file(
    cli: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setitem(provider_kinds._registered, "unfinished", "environments.testing:Missing")
    (tmp_path / "env.yaml").write_text("name: web\nprovider: {kind: unfinished}\n")
    words = ("create", "--file", "env.yaml")

    ran, verbose = cli(*words), cli(*words, "-v")

    assert (ran.code, verbose.code) == (1, 1)
    assert ran.err.startswith("error: unexpected AttributeError: ")
    assert "Traceback" in Path(ran.err.splitlines()[1].removeprefix("next: report it with ")).read_text()
    assert "Traceback" in verbose.err
    assert cli(*words, "--json").error["code"] == "unexpected"
