"""The user's environment variables: passed to OpenTofu and Terraform, pinned, or withheld."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from tests.providers.terraform.conftest import Bench

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "terraform-provider.md"


def documented() -> dict[str, str]:
    """Return the treatment of each variable, as the reference documents it."""
    lines = PAGE.read_text().partition("## Environment variables")[2].partition("\n## ")[0].splitlines()
    rows = [line.split("|")[1:3] for line in lines if line.startswith("| `")]
    return {
        name.strip(): what.strip() for names, what in rows for name in names.replace("`", "").split(",")
    }


async def test_each_variable_of_the_user_is_treated_as_documented(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    treated = documented()
    given = {name.replace("*", "x"): "3" for name in treated}
    for name in list(os.environ):
        if name.startswith("TF_"):
            monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    bench.program("terraform", f"env -0 >'{tmp_path}/seen'; exit 3")
    bench.copy.mkdir(parents=True)

    with pytest.raises(StepFailed) as caught:
        await bench.run("provision", "initialise")

    assert caught.value.cause is FailureCause.COMMAND_EXECUTION
    seen = dict(line.split("=", 1) for line in (tmp_path / "seen").read_text().split("\0")[:-1])
    for name, what in treated.items():
        kind, _, value = what.replace("`", "").partition(" to ")
        wanted = {"passed": "3", "passed as an absolute path": str(tmp_path / "3"), "withheld": None}
        assert seen.get(name.replace("*", "x")) == (value if kind == "pinned" else wanted[kind]), name
    assert {
        "TF_LOG",
        "TF_CLI_ARGS_*",
        "TF_DATA_DIR",
        "TF_WORKSPACE",
        "TF_INPUT",
        "TF_VAR_*",
    } <= treated.keys()
