"""The guard of a host that is in use: a plan that would replace or remove it is not applied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.model.steps import StepContext
from environments.providers.terraform.layout import Layout
from environments.providers.terraform.remote.connection import REACHED
from environments.providers.terraform.tofu.answers import (
    Change,
    ResourceChange,
    ShownPlan,
    StateValues,
    read_shown,
)
from environments.providers.terraform.tofu.backends.completed import CompletedLog
from environments.providers.terraform.tofu.backends.declared import uses_backend
from environments.providers.terraform.tofu.program import LOCK
from environments.providers.terraform.tofu.state import binary_of, demanded
from statechart.following.cancellation import in_thread

if TYPE_CHECKING:
    from environments.providers.terraform.settings import TerraformSettings
    from environments.providers.terraform.tofu.messages import Messages

HOST = "host_resources"
"""The detail of the outputs with the ids of the resources that make the host, by their addresses."""

REPLACED = "host_replaced"
"""The detail of the outputs that is true from the replacement of a host until the new host is reached."""

_PLAN = ("-json", "-input=false", LOCK)
_APPLY = ("apply", "-json", "-input=false", LOCK)
_REASONS = {
    "replace_because_tainted": "it is tainted",
    "replace_by_request": "its replacement was asked for",
    "replace_by_triggers": "replace_triggered_by",
    "delete_because_no_resource_config": "the module no longer declares it",
    "delete_because_no_module": "the module no longer declares it",
    "delete_because_count_index": "count",
    "delete_because_each_key": "for_each",
    "delete_because_wrong_repetition": "count or for_each",
}
_CUT_OFF = {FailureCause.COMMAND_EXECUTION, FailureCause.CANCELLED}
_SHOWN = 3
# Shorter texts, such as a name of one letter, may stand in a value by chance, which proves no host.
_SHORTEST = 4


def is_guarded(context: StepContext) -> bool:
    """Return whether the environment has a host in use, which has to stay."""
    outputs = context.environment.outputs
    in_use = outputs.owned and outputs.instance_ip is not None and bool(outputs.details.get(REACHED))
    return in_use and not context.allow_replace


async def plan(spec: TerraformSettings, context: StepContext) -> Messages:
    """Plan the change of the infrastructure.

    Raises:
        StepFailed: The plan would replace or remove a guarded host.
    """
    binary = binary_of(spec, context)
    if not is_guarded(context):
        return await binary.run(context, "plan", *_PLAN)
    async with binary.planned(context, Layout.at(context).provision_plan, *_PLAN) as (said, document):
        _require_kept(spec, context, document)
    return said


async def apply(spec: TerraformSettings, context: StepContext) -> Messages:
    """Apply the declared infrastructure; a guarded host by a plan that was checked.

    Raises:
        StepFailed: The plan would replace or remove a guarded host; nothing was applied.
    """
    binary, path = binary_of(spec, context), Layout.at(context).provision_plan
    remote = await in_thread(lambda: uses_backend(context))
    if not remote and not is_guarded(context):
        return await binary.run(context, *_APPLY, "-auto-approve")
    async with binary.planned(context, path, *_PLAN) as (_, document):
        if is_guarded(context):
            _require_kept(spec, context, document)
        if not remote:
            return await binary.run(context, *_APPLY, plan=path)
        # Terraform refuses a plan made from another state than it finds: what is checked is applied.
        await demanded(spec, context)
        log = CompletedLog(context)
        await in_thread(log.begin)
        try:
            said = await binary.run(context, *_APPLY, plan=path, keep=log.take)
        except StepFailed as failed:
            if failed.cause not in _CUT_OFF:  # Terraform told why, and has saved its state by then
                await in_thread(log.end)
            raise
        await in_thread(log.end)
        return said


def _require_kept(spec: TerraformSettings, context: StepContext, document: Mapping[str, Any]) -> None:
    address = str(context.environment.outputs.instance_ip)
    found = read_shown(ShownPlan, dict(document))
    if loss := next(losses(found, address, spec.outputs.instance_ip), None):
        name = context.environment.name
        summary = (
            f"the plan would {loss}; nothing was applied. Undo the change, or accept that all on the host "
            f"is lost: envchart provision {name} --allow-replace"
        )
        raise StepFailed(FailureCause.CONFIGURATION, summary)


def losses(found: ShownPlan, address: str, output: str) -> Iterator[str]:
    """Yield in words how a plan would take the host at an address away."""
    managed = [each for each in found.resource_changes if each.mode == "managed"]
    hosts = [each for each in managed if _holds(each.change.before, address)]
    # Without a resource that holds the address, any of them may be the host.
    for each in hosts or managed:
        if "delete" in each.change.actions:
            does = "replace" if "create" in each.change.actions else "remove"
            cause = _cause(each)
            what = "the host" if hosts else "which may be the host"
            yield f"{does} {each.address}, {what}{f' (forced by {cause})' if cause else ''}"
    change = found.output_changes.get(output)
    if change is not None and "no-op" not in change.actions and change.before != change.after:
        yield f"change the address of the host, by the output {output}"


def _cause(lost: ResourceChange) -> str:
    """Return the attributes that force a change, or another reason for it."""
    names = [name for path in lost.change.replace_paths for name in _named(lost.change, path)]
    more = " …" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more if names else _REASONS.get(lost.action_reason, "")


def _named(change: Change, path: tuple[str | int, ...]) -> list[str]:
    """Return the dotted name of an attribute; of a mapping, those of its entries that differ."""
    name = ".".join(map(str, path))
    before, after = _at(change.before, path), _at(change.after, path)
    if not isinstance(before, dict) or not isinstance(after, dict):
        return [name]
    # A value that only the apply will tell is missing from `after`.
    differing = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    return [f"{name}.{key}" for key in sorted(differing)] or [name]


def _at(values: JsonValue, path: tuple[str | int, ...]) -> JsonValue:
    for key in path:
        if isinstance(values, dict) and isinstance(key, str):
            values = values.get(key)
        elif isinstance(values, list) and isinstance(key, int) and key < len(values):
            values = values[key]
        else:
            return None
    return values


def _holds(values: JsonValue, address: str) -> bool:
    """Return whether a text among values is the address, alone or with a prefix length."""
    match values:
        case str():
            return values.partition("/")[0] == address and len(address) >= _SHORTEST
        case dict():
            return any(_holds(each, address) for each in values.values())
        case list():
            return any(_holds(each, address) for each in values)
        case _:
            return False


def host_resources(values: StateValues, address: str) -> dict[str, JsonValue]:
    """Return the ids of the resources that make the host; of all resources if none holds its address."""
    managed = list(values.root_module.managed_resources())
    hosts = [each for each in managed if _holds(each.values, address)]
    return {each.address: each.values.get("id") for each in hosts or managed}


def was_replaced(context: StepContext, address: str, present: Mapping[str, JsonValue]) -> bool:
    """Return whether the host is not the recorded host."""
    outputs = context.environment.outputs
    recorded = outputs.details.get(HOST)
    if outputs.instance_ip is None:
        return False
    if not isinstance(recorded, dict):  # recorded by an earlier version
        return outputs.instance_ip != address
    return resource_ids_lost(recorded, present)


def resource_ids_lost(before: Mapping[str, JsonValue], after: Mapping[str, JsonValue]) -> bool:
    """Return whether a resource of before is there no more, by its id."""
    return not set(map(str, before.values())) <= set(map(str, after.values()))
