"""A module with a backend of its own: its state is demanded, never guessed, and never another's."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.model.steps import Verdict
from environments.providers.terraform.tofu.backends.declared import BACKEND
from environments.providers.terraform.tofu.state_file import LINEAGE, PLANNED, SERIAL
from tests.providers.terraform.backends.conftest import (
    another_machine,
    is_there,
    kept_in,
    logging_program,
    refused,
    words_of,
)
from tests.providers.terraform.backends.servers import Backend, HttpBackend, LocalBackend
from tests.providers.terraform.conftest import Bench

pytestmark = pytest.mark.e2e

TEARDOWN = ("check_teardown", "destroy_infrastructure", "verify_absence", "clean_up")


async def test_the_lifecycle_demands_lineage_and_serial_and_waits_for_each_lock(
    bench: Bench, backend: Backend, host: Path
) -> None:
    log = logging_program(bench)
    await bench.provision()

    details, state = bench.environment.outputs.details, backend.state()
    assert is_there(host)
    assert state is not None
    assert (details[PLANNED], details[BACKEND]) == (True, backend.kind)
    assert details[LINEAGE] == state["lineage"] == bench.environment.lineage
    assert details[SERIAL] == state["serial"]
    assert not bench.state.exists()
    assert (await bench.observe()).unseen == ()
    assert (await bench.probe("provision", "apply_infrastructure")).verdict is Verdict.DONE

    await bench.run("destroy", *TEARDOWN)

    assert not is_there(host)
    assert not bench.environment.outputs.details.get(LINEAGE)
    for words in words_of(log):
        if words[0] in ("plan", "apply", "destroy", "refresh") or words[:2] == ["state", "push"]:
            assert {"-lock-timeout=10s", "-lock=false"} & set(words), words
        assert "force-unlock" not in words

    # The name, and the place of its state, may be used again.
    again = Bench(bench.directory / "again", settings=bench.settings)
    shutil.copytree(bench.module, again.module, dirs_exist_ok=True)
    await again.provision()
    assert is_there(host)
    await again.run("destroy", "destroy_infrastructure")


async def test_a_lost_state_or_another_database_is_never_destroyed(
    bench: Bench, backend: Backend, host: Path
) -> None:
    await bench.provision()
    state = backend.state()
    assert state is not None
    cases = {
        "its lineage is": {**state, "lineage": "another"},
        "an earlier version of the state": {**state, "serial": state["serial"] - 1},
    }
    for expected, stored in cases.items():
        backend.store(stored)
        assert expected in await refused(bench, "destroy", "check_teardown")
        assert expected in await refused(bench, "destroy", "destroy_infrastructure")
        assert (await bench.probe("destroy", "verify_absence")).verdict is Verdict.UNKNOWN
    backend.store(state)
    backend.lose()
    for command, step in {
        "check_teardown": "destroy",
        "destroy_infrastructure": "destroy",
        "verify_absence": "destroy",
        "initialise": "provision",
        "plan_infrastructure": "provision",
        "apply_infrastructure": "provision",
        "read_outputs": "provision",
    }.items():
        summary = await refused(bench, step, command)
        assert "holds no state, and the record knows one" in summary, command
    for command, step in (("provision", "apply_infrastructure"), ("destroy", "destroy_infrastructure")):
        assert (await bench.probe(command, step)).verdict is Verdict.UNKNOWN, step
    observed = await bench.observe()
    assert observed.resources
    assert "holds no state" in observed.unseen[0]
    assert is_there(host)
    assert bench.environment.outputs.details[PLANNED] is True


async def test_two_environments_with_one_fixed_backend_never_share_a_state(
    bench: Bench, backend: Backend, host: Path, tmp_path: Path
) -> None:
    await bench.run("provision", "render_module", "initialise", "validate", "plan_infrastructure")
    second = Bench(tmp_path / "second", settings=bench.settings)
    shutil.copytree(bench.module, second.module, dirs_exist_ok=True)
    shutil.copy(bench.directory / "key", second.directory / "key")

    # Before the first has created anything, and after.
    for _ in range(2):
        summary = await refused(
            second, "provision", "render_module", "initialise", "validate", "plan_infrastructure"
        )
        assert "holds the state of something else" in summary
        assert "another key, schema, address or path" in summary
        await bench.run("provision", "apply_infrastructure")
    assert await second.probe("provision", "apply_infrastructure")
    await second.run("destroy", "check_teardown")
    assert is_there(host)

    # The way to adopt it that the message names.
    state = backend.state()
    assert state is not None
    backend.store({**state, "lineage": second.environment.lineage, "serial": state["serial"] + 1})
    await second.run("provision", "plan_infrastructure", "apply_infrastructure")
    assert "0 added, 0 changed, 0 destroyed" in second.reports
    assert "its lineage is" in await refused(bench, "destroy", "check_teardown")


async def test_a_second_machine_goes_on_with_the_record_alone(
    bench: Bench, backend: Backend, host: Path, tmp_path: Path
) -> None:
    await bench.provision()
    second = another_machine(bench, tmp_path / "machine")

    assert (await second.observe()).unseen == ()
    assert (await second.probe("destroy", "destroy_infrastructure")).verdict is Verdict.NOT_DONE
    await second.provision()
    assert "0 added, 0 changed, 0 destroyed" in second.reports
    third = another_machine(second, tmp_path / "third machine")
    await third.run("destroy", *TEARDOWN)

    assert not is_there(host), "its destroy-time provisioner ran there"
    state = backend.state()
    assert state is not None
    assert state["lineage"] == f"envchart-released-{bench.environment.lineage}"


async def test_what_the_shell_says_leads_to_no_other_state(
    bench: Bench, backend: Backend, host: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in {
        "TF_WORKSPACE": "other",
        "TF_DATA_DIR": str(tmp_path / "data dir"),
        "TF_CLI_ARGS": "-lock=false",
        "TF_CLI_ARGS_plan": "-target=terraform_data.none",
        "TF_CLI_ARGS_init": "-backend=false",
        "PG_CONN_STR": "postgres://nobody@127.0.0.1:1/none",
        "PG_SCHEMA_NAME": "none",
        "TF_HTTP_ADDRESS": "http://127.0.0.1:1/",
        "TF_HTTP_UPDATE_METHOD": "DELETE",
    }.items():
        monkeypatch.setenv(name, value)
    await bench.run("provision", "render_module", "initialise")
    # As `terraform workspace select` leaves it.
    (bench.copy / ".terraform" / "environment").write_text("other")

    await bench.provision()

    assert is_there(host)
    state = backend.state()
    assert state is not None
    assert state["resources"]
    assert not is_there(tmp_path / "data dir")
    await bench.run("destroy", *TEARDOWN)


async def test_a_backend_that_is_away_is_a_network_failure_and_a_retry_works(
    bench: Bench, http: HttpBackend, terraform: None
) -> None:
    host = kept_in(bench, http)
    await bench.run("provision", "render_module", "initialise", "validate", "plan_infrastructure")
    for away in ("stopped", "503", "slow to begin"):
        if away == "stopped":
            http.stop()
        http.failing = 503 if away == "503" else 0
        http.slow = 0.2 if away.startswith("slow") else 0
        if away.startswith("slow"):
            break
        for command, step in (
            ("provision", "initialise"),
            ("provision", "plan_infrastructure"),
            ("provision", "apply_infrastructure"),
            ("destroy", "check_teardown"),
            ("destroy", "destroy_infrastructure"),
            ("destroy", "verify_absence"),
        ):
            with pytest.raises(StepFailed) as caught:
                await bench.run(command, step)
            assert caught.value.cause is FailureCause.NETWORK, (away, step, caught.value.summary)
        assert (await bench.probe("destroy", "verify_absence")).verdict is Verdict.UNKNOWN
        assert (await bench.observe()).unseen
        if away == "stopped":
            http.start()
    await bench.run("provision", "apply_infrastructure", "read_outputs")
    assert is_there(host)


async def test_a_lock_is_waited_for_and_its_holder_is_to_be_ended(
    bench: Bench, http: HttpBackend, terraform: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_in(bench, http)
    await bench.run("provision", "render_module", "initialise", "validate", "plan_infrastructure")
    http.locks["/web"] = b'{"ID":"4711","Who":"ann@laptop"}'
    real = shutil.which("terraform")
    # The wait of ten seconds, made short.
    script = (
        'for w in "$@"; do\n[ "$w" = -lock-timeout=10s ] && w=-lock-timeout=1s\n'
        f'set -- "$@" "$w"\nshift\ndone\nexec {real} "$@"\n'
    )
    bench.program("terraform", script)

    for command, step in (("provision", "apply_infrastructure"), ("destroy", "destroy_infrastructure")):
        summary = await refused(bench, command, step)
        assert "another program holds the lock of Terraform's state (the lock's ID is 4711)" in summary
        assert "end it" in summary
        assert "unlock" not in summary
    http.locks.clear()
    await bench.run("provision", "apply_infrastructure")


async def test_a_backend_that_was_changed_is_never_migrated_silently(
    bench: Bench, http: HttpBackend, terraform: None, tmp_path: Path
) -> None:
    host = kept_in(bench, http)
    await bench.provision()
    elsewhere = LocalBackend(tmp_path / "elsewhere.tfstate")
    kept_in_other = (bench.module / "main.tf").read_text().replace(http.block, elsewhere.block)
    without = kept_in_other.replace(elsewhere.block, "")
    before = (bench.module / "main.tf").read_text()

    bench.write(**{"main.tf": kept_in_other})
    summary = await refused(bench, "provision", "render_module", "initialise")
    assert "the backend 'local', which was 'http', holds no state" in summary
    assert "terraform state push FILE" in summary
    bench.write(**{"main.tf": without})
    summary = await refused(bench, "provision", "render_module", "initialise")
    assert "the module has no backend any more" in summary
    assert elsewhere.state() is None
    assert is_there(host)

    state = http.state()
    assert state is not None
    elsewhere.store(state)  # as the message says
    bench.write(**{"main.tf": kept_in_other})
    await bench.provision()
    assert bench.environment.outputs.details[BACKEND] == "local"
    bench.write(**{"main.tf": without})
    await bench.run("provision", "render_module")
    shutil.copy(elsewhere.path, bench.state)
    await bench.provision()
    assert not bench.environment.outputs.details[BACKEND]
    bench.write(**{"main.tf": before})
    assert "is new, and Terraform's state is still in" in await refused(
        bench, "provision", "render_module", "initialise"
    )
    await bench.run("provision", "render_module")


async def test_an_environment_of_an_earlier_version_adopts_the_state_with_a_note(
    bench: Bench, http: HttpBackend, terraform: None
) -> None:
    kept_in(bench, http)
    await bench.provision()
    lineage = bench.environment.outputs.details[LINEAGE]
    outputs = bench.environment.outputs.updated({"details": {LINEAGE: None, SERIAL: None, BACKEND: None}})
    bench.environment = bench.environment.model_copy(update={"outputs": outputs})

    await bench.run("destroy", "check_teardown")

    assert any("is taken as this environment's from now on" in each for each in bench.reports)
    assert bench.environment.outputs.details[LINEAGE] == lineage
