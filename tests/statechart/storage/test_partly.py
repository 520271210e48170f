from __future__ import annotations

import json
from typing import Annotated, ClassVar

import pytest
from hypothesis import given, strategies as st
from pydantic import AfterValidator, BaseModel, JsonValue, ValidationError

from statechart.storage.values.partly import partly_read


def _positive(number: int) -> int:
    if number < 1:
        raise ValueError("is not positive")
    return number


class Parcel(BaseModel, frozen=True, extra="forbid"):
    _changing_fields: ClassVar[tuple[str, ...]] = ("count", "state", "notes")

    name: str
    count: Annotated[int, AfterValidator(_positive)]
    address: dict[str, JsonValue] = {}
    state: str
    notes: dict[str, JsonValue] = {}


class Heavy(Parcel, frozen=True):
    """Declares nothing itself: it may have validators that look at all fields."""


PARCEL = Parcel(name="a", count=1, address={"town": "Ulm"}, state="sent")


def reads(after: str, before: Parcel = PARCEL) -> bool:
    partly = partly_read(Parcel)
    assert partly is not None
    return partly.reads(after.encode(), before.model_dump_json().encode(), None)


def test_changes_of_the_declared_fields_are_read_by_themselves() -> None:
    changed = PARCEL.model_copy(update={"count": 2, "state": "arrived", "notes": {"by": ["me"]}})

    assert reads(changed.model_dump_json())
    assert reads(PARCEL.model_dump_json())


@pytest.mark.parametrize(
    "change",
    [
        {"name": "b"},
        {"address": {"town": "Bonn"}},
        {"count": 0},
        {"count": "x"},
        {"state": 1},
        {"notes": 1},
    ],
)
def test_other_changes_and_what_is_not_readable_are_left_to_the_whole_model(
    change: dict[str, object],
) -> None:
    assert not reads(json.dumps({**json.loads(PARCEL.model_dump_json()), **change}, separators=(",", ":")))


NASTY = st.sampled_from([',"state":', ',"count":1', '{"notes":{', '"', "\\", "}", "x"])
TREES = st.recursive(
    NASTY | st.integers() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["state", "count", "x"]), inner)
    ),
    max_leaves=4,
)
PARCELS = st.fixed_dictionaries(
    {
        "name": NASTY,
        "count": st.integers(0, 2),
        "address": TREES,
        "state": NASTY | st.integers(0, 1),
        "notes": TREES,
    }
)


@given(PARCELS, PARCELS, st.booleans())
def test_what_is_said_to_be_readable_is_readable(
    before: dict[str, JsonValue], after: dict[str, JsonValue], alike: bool
) -> None:
    if alike:
        after = {**after, "name": before["name"], "address": before["address"]}
    try:
        read = Parcel.model_validate(before)
    except ValidationError:
        return

    said = reads(json.dumps(after, separators=(",", ":")), read)

    try:
        Parcel.model_validate_json(json.dumps(after))
        readable = True
    except ValidationError:
        readable = False
    assert readable or not said
    assert said or not readable or not alike


def test_a_subclass_declares_for_itself() -> None:
    assert partly_read(Heavy) is None
    assert partly_read(BaseModel) is None
