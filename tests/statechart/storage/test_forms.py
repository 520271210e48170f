import json
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal

import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel

from statechart.storage.forms import Form, Misfit, read_form, read_json


class Inner(Form):
    sparse: ClassVar[bool] = True

    kind: Literal["a", "b"]
    note: str | None


class Outer(Form):
    number: int
    flag: bool
    at: datetime
    took: timedelta
    inners: list[Inner]
    maybe: Inner | None
    any: dict[str, Any]


class Open(Form):
    extra = True

    kind: str


class Model(BaseModel):
    at: datetime
    took: timedelta


FITTING: dict[str, Any] = {
    "number": 1,
    "flag": True,
    "at": "2026-01-31T12:00:00.100000Z",
    "took": "P1DT1.5S",
    "inners": [{"kind": "a"}, {"kind": "b", "note": "x"}],
    "maybe": None,
    "any": {"x": [None, 1.5]},
}


def test_json_that_fits_is_read_into_attributes() -> None:
    read = read_form(Outer, FITTING)

    assert (read.number, read.flag, read.maybe, read.any) == (1, True, None, {"x": [None, 1.5]})
    assert read.at == datetime(2026, 1, 31, 12, 0, 0, 100_000, tzinfo=UTC)
    assert read.took == timedelta(days=1, seconds=1.5)
    assert [(inner.kind, inner.note) for inner in read.inners] == [("a", None), ("b", "x")]
    assert read.plain is FITTING


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("number", True),
        ("number", 1.0),
        ("number", "1"),
        ("number", None),
        ("flag", 1),
        ("at", "2026-01-31T12:00:00"),
        ("at", "2026-01-31T12:00:00+00:00"),
        ("at", "2026-01-31T12:00:00.000000Z"),
        ("at", "2026-13-31T12:00:00Z"),
        ("took", "PT60S"),
        ("took", "P"),
        ("took", 1),
        ("inners", {}),
        ("inners", [{"kind": "c"}]),
        ("inners", [{"kind": "a", "note": None}]),
        ("maybe", {"kind": "a", "more": 1}),
        ("any", []),
        ("more", 1),
    ],
)
def test_json_that_does_not_fit_exactly_is_refused(key: str, value: object) -> None:
    with pytest.raises(Misfit):
        read_form(Outer, {**FITTING, key: value})


@pytest.mark.parametrize("key", FITTING)
def test_a_missing_key_is_refused(key: str) -> None:
    with pytest.raises(Misfit):
        read_form(Outer, {each: value for each, value in FITTING.items() if each != key})


def test_a_sparse_form_leaves_out_the_keys_without_a_value() -> None:
    dense = {key: value for key, value in FITTING.items() if key != "maybe"}

    assert read_form(Outer, dense, sparse=True).maybe is None
    with pytest.raises(Misfit):
        read_form(Outer, FITTING, sparse=True)


def test_an_open_form_takes_more_keys_and_keeps_them() -> None:
    read = read_form(Open, {"kind": "local", "port": 1})

    assert (read.kind, read.plain) == ("local", {"kind": "local", "port": 1})
    with pytest.raises(Misfit):
        read_form(Open, {"port": 1})


@given(st.datetimes(timezones=st.just(UTC)), st.timedeltas())
def test_moments_and_durations_are_read_as_pydantic_writes_them(at: datetime, took: timedelta) -> None:
    class Both(Form):
        at: datetime
        took: timedelta

    read = read_form(Both, Model(at=at, took=took).model_dump(mode="json"))

    assert (read.at, read.took) == (at, took)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"NaN", b"[Infinity]", b'"\xff"', b'"\\ud800"', b"1 2", b"[" * 200_000]
)
def test_what_pydantic_would_not_read_is_refused(content: bytes) -> None:
    with pytest.raises((Misfit, json.JSONDecodeError, UnicodeDecodeError)):
        read_json(content)
