"""Which plans take the host away, by the documents of `show -json`."""

from __future__ import annotations

from typing import Any

import pytest

from environments.providers.terraform.steps.replacement import host_resources, losses, resource_ids_lost
from environments.providers.terraform.tofu.answers import ShownPlan, StateValues

ADDRESS = "192.0.2.7"
REPLACE = ["delete", "create"]


def change(
    address: str = "cloud_server.web", actions: Any = ("no-op",), ip: str = ADDRESS, **facts: Any
) -> dict[str, Any]:
    reason = facts.pop("action_reason", "")
    before = {"ip": ip, "size": "small", "tags": {"a": "1"}, **facts.pop("before", {})}
    after = {**before, **facts.pop("after", {})}
    changed = {"actions": actions, "before": before, "after": after, **facts}
    return {"address": address, "mode": "managed", "change": changed, "action_reason": reason}


def found(*changes: dict[str, Any], **outputs: Any) -> list[str]:
    document = {
        "configuration": {"root_module": {}},
        "resource_changes": changes,
        "output_changes": outputs,
    }
    return list(losses(ShownPlan.model_validate(document), ADDRESS, "instance_ip"))


OTHER = change("cloud_dns.web", REPLACE, "elsewhere")


@pytest.mark.parametrize(
    ("changes", "outputs", "said"),
    [
        ([change()], {}, None),
        ([change(actions=["update"], after={"size": "large"})], {}, None),
        ([change(), OTHER], {}, None),
        ([change(), change("cloud_disk.web", ["create"], "")], {}, None),
        (
            [change(actions=REPLACE, after={"size": "large"}, replace_paths=[["size"]])],
            {},
            "replace cloud_server.web, the host (forced by size)",
        ),
        (
            [change(actions=REPLACE[::-1], after={"tags": {"a": "2"}}, replace_paths=[["tags"]])],
            {},
            "replace cloud_server.web, the host (forced by tags.a)",
        ),
        (
            [change(actions=REPLACE, action_reason="replace_because_tainted")],
            {},
            "replace cloud_server.web, the host (forced by it is tainted)",
        ),
        (
            [change(actions=["delete"], action_reason="delete_because_no_resource_config")],
            {},
            "remove cloud_server.web, the host (forced by the module no longer declares it)",
        ),
        ([change(actions=REPLACE, action_reason="news")], {}, "replace cloud_server.web, the host"),
        # In doubt: no resource holds the address.
        ([change(ip="a name"), OTHER], {}, "replace cloud_dns.web, which may be the host"),
        (
            [change()],
            {"instance_ip": {"actions": ["update"], "before": ADDRESS, "after": None}},
            "change the address of the host, by the output instance_ip",
        ),
        ([change()], {"other": {"actions": ["update"], "before": 1, "after": 2}}, None),
        ([change(ip=f"{ADDRESS}/24", actions=["delete"])], {}, "remove cloud_server.web, the host"),
        (
            [{"address": "data.cloud_image.web", "mode": "data", "change": {"actions": ["delete"]}}],
            {},
            None,
        ),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, str) else "",
)
def test_a_plan_takes_the_host_away(
    changes: list[dict[str, Any]], outputs: dict[str, Any], said: str | None
) -> None:
    assert found(*changes, **outputs) == ([said] if said else [])


def state(**ips: str) -> StateValues:
    resources = [
        {"address": f"cloud_server.{name}", "mode": "managed", "values": {"id": f"id-{name}", "ip": ip}}
        for name, ip in ips.items()
    ]
    return StateValues.model_validate({"root_module": {"child_modules": [{"resources": resources}]}})


def test_the_host_is_what_holds_the_address_or_else_everything() -> None:
    assert host_resources(state(a=ADDRESS, b="-"), ADDRESS) == {"cloud_server.a": "id-a"}
    assert len(host_resources(state(a="-", b="-"), ADDRESS)) == 2


def test_a_host_is_another_once_one_of_its_resources_is_gone() -> None:
    before = host_resources(state(a=ADDRESS), ADDRESS)

    assert not resource_ids_lost(before, host_resources(state(a=ADDRESS, b=ADDRESS), ADDRESS))
    assert resource_ids_lost(before, host_resources(state(b=ADDRESS), ADDRESS))
