"""A state that Terraform could not save, on a full disk for example, and a Terraform that was killed."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest

from environments.errors import StepFailed
from environments.providers.terraform.tofu.state_file import LINEAGE
from tests.providers.terraform.conftest import Bench

RESOURCE = {
    "mode": "managed",
    "type": "x",
    "name": "x",
    "instances": [{"attributes": {"secret": "s3cret"}}],
}


@pytest.fixture
async def planned(bench: Bench) -> Bench:
    version, changes = '{"type": "version", "ui": "1.2"}', '{"operation": "plan", "add": 1}'
    bench.answer(f'{version}\n{{"type": "change_summary", "changes": {changes}}}')
    await bench.run("provision", "render_module", "plan_infrastructure")
    return bench


async def applied(bench: Bench) -> str:
    with pytest.raises(StepFailed) as caught:
        await bench.run("provision", "apply_infrastructure")
    return caught.value.summary


def fails_to_save(bench: Bench, before: str) -> dict[str, object]:
    """Let Terraform print its state instead of saving it."""
    lineage = bench.environment.outputs.details[LINEAGE]
    state = {"version": 4, "serial": 0, "lineage": lineage, "resources": [RESOURCE]}
    message = {"@message": "Emergency state dump", "type": "log", "state": state}
    (bench.directory / "message").write_text(json.dumps(message) + "\n")
    bench.program("terraform", f"{before}\ncat '{bench.directory}/message'\nexit 1\n")
    return state


async def test_a_state_that_terraform_could_only_print_is_kept(planned: Bench) -> None:
    state = fails_to_save(planned, ": >errored.tfstate")
    await applied(planned)

    assert json.loads((planned.copy / "errored.tfstate").read_text()) == state
    with pytest.raises(StepFailed, match=r"run 'terraform state push errored\.tfstate'"):
        await planned.run("destroy", "check_teardown")


async def test_without_room_the_state_is_kept_elsewhere(
    planned: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    state = fails_to_save(planned, "mkdir errored.tfstate")  # nothing can be put in its place
    summary = await applied(planned)

    (kept,) = (tmp_path / "temporary").iterdir()
    assert str(kept) in summary
    assert (json.loads(kept.read_text()), kept.stat().st_mode & 0o777) == (state, 0o600)


async def test_an_empty_file_for_the_state_is_no_state_to_push(planned: Bench) -> None:
    (planned.copy / "errored.tfstate").touch()
    with pytest.raises(StepFailed, match="is empty: Terraform had no room to save its state") as caught:
        await planned.run("destroy", "check_teardown")

    assert "push" not in caught.value.summary


async def test_a_terraform_that_was_killed_may_have_created_more_than_it_knows(planned: Bench) -> None:
    lock = planned.copy / ".terraform.tfstate.lock.info"
    planned.program("terraform", f"touch '{lock}'\nkill -KILL $$\n")

    assert "may exist without being in its state" in await applied(planned)
