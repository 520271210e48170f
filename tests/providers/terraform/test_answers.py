"""The answers of OpenTofu and Terraform: only an answer that is understood proves anything."""

from __future__ import annotations

import asyncio
import json

import pytest

from environments.errors import StepFailed
from environments.model.steps import Verdict
from environments.providers.common.tool_output import Answer
from environments.providers.terraform.tofu.answers import ShownState, document_of, read_shown
from environments.providers.terraform.tofu.messages import Messages
from tests.providers.terraform.conftest import Bench

RESOURCE = {"address": "terraform_data.x", "mode": "managed"}
DATA = {"address": "data.x.y", "mode": "data"}
NONE = {"format_version": "1.0"}


def shown(*resources: object, **changes: object) -> str:
    values = {"root_module": {"resources": resources}, "outputs": {}}
    return json.dumps({"format_version": "1.0", "values": values, **changes})


LOG = json.dumps({"@level": "info", "@message": "Terraform version: 1.11.4", "@timestamp": "…"})

UNINTELLIGIBLE = {
    "empty": "",
    "null": "null",
    "garbage": "Segmentation fault {",
    "log lines only": f"{LOG}\n{LOG}\n",
    "without a version": '{"values": {}}',
    "another major version": shown(format_version="2.0"),
    "a version that is none": shown(format_version=None),
    "two documents": f"{json.dumps(NONE)}\n{json.dumps(NONE)}\n",
    "cut off": shown(RESOURCE)[:-5],
    "values that are null": '{"format_version": "1.0", "values": null}',
    "resources that are null": '{"format_version": "1.0", "values": {"root_module": {"resources": null}}}',
    "a resource without an address": shown({"mode": "managed"}),
    "thousands of brackets": '{"format_version": "1.0", "values": ' + "[" * 100_000,
    "thousands of braces": "{\n" * 100_000,
    "not UTF-8": "\udcff\udcfe",
}
"""Answers of `show -json` that are none."""

UNDERSTOOD = {
    "a resource": (shown(RESOURCE), 1),
    "resources of modules": (
        shown(RESOURCE).replace("[{", '[], "child_modules": [{"resources": [{').replace("}]}", "}]}]}"),
        1,
    ),
    "none": (json.dumps(NONE), 0),
    "a data source only": (shown(DATA), 0),
    "a later minor version": (shown(RESOURCE, format_version="1.99", more={"new": 1}), 1),
    "log lines around it": (f"{LOG}\n{shown(RESOURCE)}\n{LOG}\n", 1),
    "a wrapper's words before it": (f"using version 1.11.4\n{shown(RESOURCE)}\n", 1),
    "over several lines": (json.dumps(json.loads(shown(RESOURCE)), indent=2), 1),
    "huge": (shown(*[RESOURCE] * 5_000), 5_000),
}
"""Answers of `show -json`, with the number of resources."""


async def answered(text: str, limit: int = 64 * 1024**2) -> Answer:
    reader = asyncio.StreamReader()
    reader.feed_data(text.encode("utf-8", "surrogateescape"))
    reader.feed_eof()
    answer = Answer(limit)
    await answer.read(reader)
    return answer


def resources(answer: Answer) -> list[str]:
    return list(read_shown(ShownState, document_of(answer, "show")).values.root_module.managed())


@pytest.mark.parametrize("case", UNINTELLIGIBLE)
async def test_an_answer_that_is_none_is_not_understood(case: str) -> None:
    with pytest.raises(StepFailed, match="the answer of 'show' is not understood"):
        resources(await answered(UNINTELLIGIBLE[case]))


@pytest.mark.parametrize("case", UNDERSTOOD)
async def test_an_answer_with_a_known_version_is_understood(case: str) -> None:
    text, number = UNDERSTOOD[case]
    assert len(resources(await answered(text))) == number


async def test_an_answer_longer_than_the_limit_is_not_understood() -> None:
    with pytest.raises(StepFailed, match="longer than"):
        resources(await answered(shown(RESOURCE), limit=40))


def begin(bench: Bench, *resources: object) -> None:
    """Put a module and a state in place."""
    bench.copy.mkdir(parents=True)
    (bench.copy / "main.tf").write_text("")
    (bench.copy / "envchart.auto.tfvars.json").write_text("{}")
    bench.state.write_text(json.dumps({"version": 4, "serial": 1, "lineage": "a", "resources": resources}))


async def test_no_wrong_answer_means_that_all_is_destroyed(bench: Bench) -> None:
    begin(bench, {"mode": "managed", "instances": [{}]})
    told = {}
    for case in ("log lines only", "null", "two documents"):
        bench.answer(UNINTELLIGIBLE[case])
        told[case] = await bench.probe("destroy", "destroy_infrastructure")
    bench.answer(json.dumps(NONE))  # contradicts the state's own file
    told["none, and the state lists one"] = await bench.probe("destroy", "destroy_infrastructure")
    bench.answer(shown(RESOURCE), stderr=LOG)
    told["log lines on stderr"] = await bench.probe("destroy", "destroy_infrastructure")

    verdicts = [probed.verdict for probed in told.values()]
    assert verdicts == [*[Verdict.UNKNOWN] * 4, Verdict.NOT_DONE], told


VERSION = '{"type": "version", "ui": "1.2"}'
PLANNED = '{"type": "change_summary", "changes": {"add": 0, "change": 0, "remove": 0, "operation": "plan"}}'
NO_PLANS = {
    "nothing": "",
    "log lines": f"{LOG}\n{LOG}",
    "no version": PLANNED,
    "another major version": f"{VERSION.replace('1.2', '2.0')}\n{PLANNED}",
    "no summary": VERSION,
    "the summary of another operation": f"{VERSION}\n{PLANNED.replace('plan', 'apply')}",
    "messages that are none": f'{VERSION}\n{{"type": "change_summary", "changes": [1]}}',
}
ODD = """
{"type": "diagnostic", "diagnostic": null}
{"type": "diagnostic", "diagnostic": [{"severity": 3}]}
{"type": "planned_change", "change": "x"}
{"type": "resource_drift", "change": {"resource": 1}}
{"type": "apply_start", "hook": []}
{"type": {"a": 1}}
[1]
{"type":
"""


def messages(text: str) -> Messages:
    taken = Messages()
    for line in text.splitlines():
        taken.take(line)
    return taken


@pytest.mark.parametrize("case", NO_PLANS)
def test_messages_without_version_and_summary_are_not_understood(case: str) -> None:
    with pytest.raises(StepFailed, match="the messages of 'plan' are not understood"):
        messages(NO_PLANS[case]).require_summary("plan")


def test_odd_messages_are_no_reason_to_fail() -> None:
    taken = messages(f"{VERSION}\n{ODD}\n{'{' * 50_000}\n{PLANNED}")
    taken.require_summary("plan")
    assert taken.summary == "0 to add, 0 to change, 0 to destroy"


async def test_a_plan_that_is_not_understood_proves_no_resource(bench: Bench) -> None:
    begin(bench)
    bench.answer("", stderr=PLANNED)
    assert (await bench.probe("provision", "apply_infrastructure")).verdict is Verdict.UNKNOWN
    bench.answer(f"{VERSION}\n{PLANNED}")
    assert (await bench.probe("provision", "apply_infrastructure")).verdict is Verdict.DONE
