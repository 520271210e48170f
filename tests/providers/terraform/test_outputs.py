"""The outputs that describe the host, as Terraform prints them."""

from __future__ import annotations

from typing import Any

import pytest

from environments.errors import StepFailed
from environments.providers.terraform.tofu.messages import Messages
from environments.providers.terraform.tofu.outputs import host_address, host_key, is_blank, require_planned


def test_the_address_and_the_key_are_read() -> None:
    outputs = {"ip": {"value": " 192.0.2.7\n"}, "key": {"value": "ssh-ed25519 AAAA root@web"}}

    assert host_address(outputs, "ip") == "192.0.2.7"
    assert host_key(outputs, "key") == "ssh-ed25519 AAAA"
    assert host_key(outputs, None) == host_key(outputs, "none") == host_key({"k": {"value": ""}}, "k") == ""


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (None, "is null; if the host gets it only some time after"),
        ({"value": ""}, "is empty; if the host gets it only some time after"),
        (
            {"value": {"id": 1, "ip_address": "192.0.2.7"}},
            "is an object with the fields id, ip_address; give",
        ),
        ({"value": ["192.0.2.7"]}, "is a list of 1; give the module an output"),
        ({"value": 7}, "is not a string; give the module an output"),
        ({"value": True}, "is not a string; give the module an output"),
        ({"value": "127.0.0.1/8"}, "is a network; .* \\('127.0.0.1/8'\\)$"),
        ({"value": "10.0.0.1,10.0.0.2"}, "holds several addresses; only one is wanted"),
        ({"value": "https://u:pw@web/", "sensitive": True}, "is a URL; only its host is wanted$"),
    ],
)
def test_an_output_without_an_address_is_refused_for_what_it_is(output: Any, said: str) -> None:
    with pytest.raises(StepFailed, match=f"^the output 'ip' of the module {said}"):
        host_address({"ip": output} if output else {}, "ip")


@pytest.mark.parametrize(
    "key", ["AAAA", "ssh-ed25519", ["ssh-ed25519 AAAA"], "-----BEGIN OPENSSH PRIVATE KEY-----"]
)
def test_an_output_that_is_no_public_key_is_refused(key: Any) -> None:
    with pytest.raises(
        StepFailed, match=r"^the output 'key' of the module (must be a public key|is a list)"
    ):
        host_key({"key": {"value": key}}, "key")


def test_blank_outputs_are_those_that_a_refresh_may_fill() -> None:
    outputs = {"empty": {"value": " "}, "address": {"value": "web"}, "list": {"value": []}}

    assert [is_blank(outputs, name) for name in ("null", "empty", "address", "list")] == [
        True,
        True,
        False,
        False,
    ]


def test_a_planned_output_need_not_change() -> None:
    messages = Messages()
    messages.take('{"type": "outputs", "outputs": {"ip": {"action": "noop"}, "id": {"action": "create"}}}')

    require_planned(messages.outputs, ["ip"])
    with pytest.raises(StepFailed, match="'key' of the module is missing; its outputs are: id, ip"):
        require_planned(messages.outputs, ["ip", "key"])
