"""The choice between the state in a build directory and that in the record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from environments.providers.terraform.tofu.carried.choice import Local, Use, choose
from environments.providers.terraform.tofu.carried.version import Header
from environments.providers.terraform.tofu.carried.whole import WholeState
from environments.system.files import OwnPath

RECORDED = Header(by="there", lineage="ours", serial=5)


def state(serial: int = 5, lineage: str = "ours", names: tuple[str, ...] = ("one",)) -> WholeState:
    resources = [_resource(name) for name in names]
    document = {"version": 4, "serial": serial, "lineage": lineage, "resources": resources}
    found = WholeState.parse(json.dumps(document).encode())
    assert found is not None
    return found


def _resource(name: str) -> dict[str, Any]:
    instances = [{"attributes": {"id": name}}]
    return {"mode": "managed", "type": "thing", "name": name, "instances": instances}


@pytest.mark.parametrize(
    ("local", "ours", "use"),
    [
        (Local(), True, Use.RECORD),
        (Local(), False, Use.RECORD),
        (Local(damaged=True), True, Use.DAMAGED),
        (Local(damaged=True), False, Use.DAMAGED),
        (Local(state(5)), True, Use.SAME),
        (Local(state(8)), True, Use.DIRECTORY),
        (Local(state(3)), True, Use.RECORD),
        (Local(state(8)), False, Use.EITHER),
        (Local(state(3)), False, Use.EITHER),
        (Local(state(8, lineage="another")), True, Use.STRANGE),
        (Local(state(0, lineage="another", names=())), True, Use.RECORD),
        (Local(state(0, lineage="another", names=("one",))), False, Use.STRANGE),
    ],
)
def test_a_state_is_chosen(local: Local, ours: bool, use: Use) -> None:
    assert choose(local, RECORDED, ours=ours) is use


def test_a_state_that_the_record_knows_is_replaced() -> None:
    older = state(3)

    assert choose(Local(older), RECORDED, ours=False, known=older.digest) is Use.RECORD


@pytest.mark.parametrize(
    ("content", "damaged"), [(b"", False), (b" \n", False), (b'{"serial": 1, "lin', True), (b"{}", True)]
)
def test_a_part_of_a_state_is_told_from_an_empty_file(
    tmp_path: Path, content: bytes, damaged: bool
) -> None:
    (tmp_path / "state").write_bytes(content)

    local = Local.read(OwnPath.of(tmp_path / "state"))

    assert (local.state, local.damaged) == (None, damaged)


def test_the_resources_that_a_state_lacks_are_named() -> None:
    assert state(names=("one",)).lacks(state(names=("one", "two"))) == ["thing.two (id two)"]
    assert state(names=("one", "two")).lacks(state(names=("one",))) == []


def test_a_resource_of_another_id_at_the_same_address_is_named_with_its_id() -> None:
    again = WholeState.parse(state().content.replace(b'"id": "one"', b'"id": "again"'))

    assert again is not None
    assert state().lacks(again) == ["thing.one (id again)"]


def test_what_an_encrypted_state_lacks_is_not_known() -> None:
    sealed = WholeState.parse(b'{"serial": 7, "lineage": "ours", "encrypted_data": "AAAA"}')

    assert sealed is not None
    assert sealed.lacks(state()) is None
