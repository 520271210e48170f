"""The demands on the state in a backend, with a scripted Terraform."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from environments.errors import StepFailed
from environments.model.command_name import CommandName
from environments.model.failure import FailureCause
from environments.model.operation import Operation, StepInHand
from environments.model.steps import Verdict
from environments.providers.terraform.tofu.backends.declared import BACKEND
from environments.providers.terraform.tofu.state_file import LINEAGE, PLANNED, SERIAL
from statechart.holder import Holder
from tests.operations import own
from tests.providers.terraform.backends.conftest import is_there, refused
from tests.providers.terraform.backends.scripted import ScriptedBackend, made
from tests.providers.terraform.conftest import Bench

PLAN = ("render_module", "initialise", "plan_infrastructure")
APPLY = "apply_infrastructure"


@pytest.fixture
def scripted(bench: Bench) -> ScriptedBackend:
    return ScriptedBackend(bench)


def record(bench: Bench, **details: object) -> None:
    """Change details of the outputs on record."""
    outputs = bench.environment.outputs.updated({"details": details})  # type: ignore[dict-item]
    bench.environment = bench.environment.model_copy(update={"outputs": outputs})


def in_doubt(bench: Bench) -> None:
    """Put an apply on record that was begun and has no result."""
    now = datetime.now(UTC)
    step = StepInHand(name=APPLY, number=5, of=8, started_at=now)
    operation = Operation(
        id=own("op"), command=CommandName.PROVISION, started_at=now, holder=Holder.current(), step=step
    )
    bench.environment = bench.environment.with_operation(operation, at=now)


async def test_a_state_is_claimed_recorded_and_released(bench: Bench, scripted: ScriptedBackend) -> None:
    await bench.run("provision", *PLAN)
    lineage, details = bench.environment.lineage, bench.environment.outputs.details
    assert scripted.state()["lineage"] == lineage
    assert details == {PLANNED: True, LINEAGE: lineage, SERIAL: 2, BACKEND: "s3"}
    scripted.write("next", json.dumps(made(lineage)))

    await bench.run("provision", APPLY)
    assert bench.environment.outputs.details[SERIAL] == 5
    assert (await bench.probe("provision", APPLY)).outputs == {
        "details": {LINEAGE: lineage, SERIAL: 5, BACKEND: "s3"}
    }

    scripted.write("next", json.dumps(made(lineage, names=[], serial=6)))
    await bench.run("destroy", "check_teardown", "destroy_infrastructure", "verify_absence")
    assert bench.environment.outputs.details[LINEAGE] == lineage, "until it is released"
    await bench.run("destroy", "clean_up")
    released = scripted.state()
    assert (released["lineage"], released["serial"]) == (f"envchart-released-{lineage}", 7)
    assert not bench.environment.outputs.details[LINEAGE]
    pushes = [call for call in scripted.calls() if call.startswith(("state push", "plan", "apply"))]
    assert all("-lock-timeout=10s" in call for call in pushes)


async def test_a_claim_that_was_not_recorded_is_released(bench: Bench, scripted: ScriptedBackend) -> None:
    created = bench.environment
    await bench.run("provision", *PLAN)
    bench.environment = created  # the process died before its step was recorded

    await bench.run("destroy", "clean_up")

    assert scripted.state()["lineage"] == f"envchart-released-{created.lineage}"
    assert not (bench.data / "build").exists()


async def test_an_empty_state_of_no_one_is_taken_and_a_claimed_one_is_not(
    bench: Bench, scripted: ScriptedBackend
) -> None:
    empty = {"names": [], "lineage": "another"}
    for taken in ({"serial": 1}, {"serial": 7, "lineage": "envchart-released-x"}):
        scripted.store(**{**empty, **taken})
        await bench.run("provision", *PLAN)
        assert scripted.state()["serial"] == taken["serial"] + 1
        record(bench, **{PLANNED: None, LINEAGE: None, SERIAL: None, BACKEND: None})
    for foreign in ({"serial": 2}, {"serial": 1, "names": ["a"]}, {"serial": 1, "outputs": {"x": {}}}):
        stored = scripted.store(**{**empty, **foreign})
        summary = await refused(bench, "provision", *PLAN)
        assert "holds the state of something else (lineage another" in summary
        assert f"sed 's/another/{bench.environment.lineage}/'" in summary
        assert scripted.state() == stored
    adopted = scripted.store()
    await bench.run("provision", *PLAN)
    assert scripted.state() == adopted
    assert bench.environment.outputs.details[SERIAL] == 5


async def test_a_state_that_another_takes_at_the_same_time_is_left_to_it(
    bench: Bench, scripted: ScriptedBackend
) -> None:
    await bench.run("provision", "render_module", "initialise")
    script = (bench.directory / "terraform").read_text().removeprefix("#!/bin/sh\n")
    bench.program("terraform", script.replace('cp "$last" "$PLACE/state"', "true"))
    assert "was taken by another program at the same time" in await refused(
        bench, "provision", "plan_infrastructure"
    )


REFUSALS = {
    "holds no state, and the record knows one (lineage": {"lineage": "", "serial": 0, "names": []},
    "its lineage is another instead of": {"lineage": "another"},
    "its serial is 1 instead of at least 2": {"serial": 1},
}


@pytest.mark.parametrize("expected", REFUSALS)
async def test_no_step_goes_on_with_another_state(
    bench: Bench, scripted: ScriptedBackend, expected: str
) -> None:
    await bench.run("provision", *PLAN)
    scripted.store(**REFUSALS[expected])

    for command, step in (
        ("provision", "initialise"),
        ("provision", "plan_infrastructure"),
        ("provision", APPLY),
        ("provision", "read_outputs"),
        ("destroy", "check_teardown"),
        ("destroy", "destroy_infrastructure"),
        ("destroy", "verify_absence"),
    ):
        assert expected in await refused(bench, command, step), step
        probed = await bench.probe(command, step)
        assert step in ("initialise", "plan_infrastructure") or probed.verdict is not Verdict.DONE, step
    observed = await bench.observe()
    assert (observed.resources, expected in observed.unseen[0]) == (True, True)
    assert (await bench.spec.glance(bench.environment, bench.data)).resources


@pytest.mark.parametrize(
    ("told", "cause"),
    [
        ("Error: dial tcp 127.0.0.1:5432: connect: connection\nrefused", FailureCause.NETWORK),
        ("Error: pq: the database system is starting up", FailureCause.NETWORK),
        ("Error: Unexpected HTTP response code 503", FailureCause.NETWORK),
        ('Error: pq: password authentication failed for user "x"', FailureCause.AUTHENTICATION),
        ("Failed to write state: what", FailureCause.INFRASTRUCTURE),
        (
            "Acquiring state lock. This may take a few moments...\n"
            "Error: Error acquiring the state lock\n\nError message: Workspace is already locked: default\n"
            "Lock Info:\n  ID:        1\n  Who:       me@here\n",
            FailureCause.INFRASTRUCTURE,
        ),
    ],
)
async def test_an_error_for_people_tells_the_cause(
    bench: Bench, scripted: ScriptedBackend, told: str, cause: FailureCause
) -> None:
    await bench.run("provision", *PLAN)
    scripted.write("away", told)
    with pytest.raises(StepFailed) as caught:
        await bench.run("provision", "initialise")

    assert caught.value.cause is cause
    if "lock" in told:
        assert "the backend does not tell which" in caught.value.summary
        assert "me@here" not in caught.value.summary
    scripted.remove("away")
    scripted.write("next", json.dumps(made(bench.environment.lineage)))
    await bench.run("provision", APPLY)


async def test_what_a_killed_apply_reported_is_compared_with_the_state(
    bench: Bench, scripted: ScriptedBackend
) -> None:
    await bench.run("provision", *PLAN)
    hook = '"hook":{{"resource":{{"addr":"{0}"}},"action":"create","id_value":"i-1"}}'
    lines = [
        '{"type":"apply_start",' + hook.format('x.a[\\"k\\"]') + "}",
        '{"type":"apply_complete",' + hook.format('x.a[\\"k\\"]') + "}",
        '{"type":"apply_start",' + hook.format("x.b") + "}",
        '{"type":"apply_complete","hook":{"action":"create"}}',
        '{"type":"apply_complete",',
    ]
    (scripted.place / "lines").write_text("\n".join(lines) + "\n")
    scripted.write("fails", f"cat '{scripted.place}/lines'; kill -9 $$")
    await refused(bench, "provision", APPLY)
    completed = bench.data / "build" / "completed.json"
    assert is_there(completed)
    scripted.write("said", '{"type":"planned_change","change":{"resource":{"addr":"x.b"}}}\n')
    assert (await bench.probe("provision", APPLY)).verdict is Verdict.NOT_DONE, "it failed on record"
    assert (await bench.probe("provision", "plan_infrastructure")).verdict is Verdict.NOT_DONE
    assert "(complete, id i-1)" in await refused(bench, "provision", "plan_infrastructure")

    in_doubt(bench)
    probed = await bench.probe("provision", APPLY)
    assert probed.verdict is Verdict.UNKNOWN
    assert 'lacks x.a["k"] (complete, id i-1), x.b (begun)' in probed.reason
    assert "(complete, id i-1)" in await refused(bench, "destroy", "check_teardown")
    text = completed.read_text()
    completed.write_text(text.replace('"complete":true', '"complete":false'))
    await bench.run("destroy", "check_teardown")  # none of them may ever have come to exist
    completed.write_text("{")
    assert "is not here: recover there" in (await bench.probe("provision", APPLY)).reason
    await bench.run("destroy", "check_teardown")

    completed.write_text(text)
    scripted.store(names=["a", "b"], serial=2, keys=("k", None))
    assert "before it saved its state" in (await bench.probe("provision", APPLY)).reason
    await bench.run("destroy", "check_teardown")
    scripted.write("state", json.dumps({**scripted.state(), "serial": 3}))
    assert (await bench.probe("provision", APPLY)).verdict is Verdict.NOT_DONE, "it was saved afterwards"
    completed.write_text(text.replace('"ended":false', '"ended":true'))
    assert (await bench.probe("provision", APPLY)).verdict is Verdict.NOT_DONE
    diagnostic = '{"severity":"error","summary":"no quota"}'
    scripted.write("lines", f'{{"type":"diagnostic","diagnostic":{diagnostic}}}\n')
    scripted.write("fails", f"cat '{scripted.place}/lines'")
    assert "no quota" in await refused(bench, "provision", APPLY)
    assert not is_there(completed), "Terraform ended in order"


async def test_an_unsaved_state_is_pushed_only_if_it_follows(
    bench: Bench, scripted: ScriptedBackend
) -> None:
    await bench.run("provision", *PLAN)
    unsaved, lineage = bench.copy / "errored.tfstate", bench.environment.lineage
    unsaved.write_text(json.dumps(made(lineage, serial=3)))
    assert "the next provision or destroy pushes it" in (await bench.observe()).unseen[0]
    await bench.run("destroy", "check_teardown")
    assert scripted.state()["serial"] == 3
    assert not is_there(unsaved)

    unsaved.write_text(json.dumps({**scripted.state(), "terraform_version": "1"}))
    await bench.run("provision", "initialise")
    assert not is_there(unsaved), "it was pushed before"
    for content in (made(lineage, serial=3, names=["b"]), made("another", serial=9)):
        unsaved.write_text(json.dumps(content))
        summary = await refused(bench, "provision", "initialise")
        assert f"in {bench.copy}: terraform state push -lock-timeout=10s -force errored.tfstate" in summary
    unsaved.write_text("")
    assert "is empty" in await refused(bench, "provision", "initialise")
    unsaved.write_text("[")
    assert "can't be read" in await refused(bench, "provision", "initialise")


async def test_a_backend_that_comes_or_goes_is_never_followed_silently(
    bench: Bench, scripted: ScriptedBackend
) -> None:
    await bench.run("provision", *PLAN)
    without = 'output "instance_ip" { value = "127.0.0.1" }\n'
    block = (bench.module / "main.tf").read_text()
    bench.write(**{"main.tf": without})
    scripted.remove("backend")
    assert "the module has no backend any more" in await refused(
        bench, "provision", "render_module", "initialise"
    )
    bench.state.write_text(json.dumps(scripted.state()))  # brought home
    await bench.run("provision", *PLAN)
    assert bench.environment.outputs.details[BACKEND] is None

    bench.write(**{"main.tf": block})
    summary = await refused(bench, "provision", "render_module", "initialise")
    assert 'main.tf:2: backend "s3" is new, and Terraform\'s state is still in' in summary
    bench.state.write_text("")  # as `init -force-copy` leaves it
    scripted.write("backend", '{"backend": {"type": "s3"}}')
    await bench.run("provision", *PLAN)
    assert bench.environment.outputs.details[BACKEND] == "s3"
    scripted.write("backend", '{"backend": {"type": "local", "config": {"path": "x"}}}')
    assert "needs an absolute 'path'" in await refused(bench, "provision", "initialise")


async def test_a_state_that_can_not_be_released_keeps_no_one_from_destroying(
    bench: Bench, scripted: ScriptedBackend
) -> None:
    await bench.run("provision", *PLAN)
    stored = scripted.store(names=[], outputs={"x": {"value": 1}})
    await bench.run("destroy", "verify_absence", "clean_up")
    assert "still lists outputs" in bench.reports[-1]
    assert scripted.state() == stored
    record(bench, **{BACKEND: "s3"})
    await bench.run("destroy", "clean_up")  # another's state by now, and nothing of it is known here
    scripted.write("away", "Error: dial tcp: connection refused")
    record(bench, **{BACKEND: "s3"})
    await bench.run("destroy", "clean_up")
    assert "an empty state stays in the backend 's3'" in bench.reports[-1]


async def test_a_state_that_no_one_recorded_is_adopted_with_a_note(
    bench: Bench, scripted: ScriptedBackend
) -> None:
    await bench.run("provision", *PLAN)
    scripted.store(lineage="another")
    record(bench, **{LINEAGE: None, SERIAL: None})
    await bench.run("destroy", "check_teardown")

    assert any("is taken as this environment's from now on" in report for report in bench.reports)
    assert bench.environment.outputs.details[LINEAGE] == "another"
