"""Typed words as models and payloads."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import AliasChoices, AliasPath, BaseModel, Field

from statechart.cli.models import ModelRefused, read_model
from statechart.engine.keywords import Keyword


class Cup(BaseModel, extra="allow"):
    state: str = "full"
    name: str = Field(alias="the-name")
    size: int = Field(1, validation_alias=AliasChoices(AliasPath("sizes", 0), "litres"))


def test_fields_are_typed_by_their_aliases_and_extra_fields_are_taken() -> None:
    cup = read_model(Cup, ["the-name=Ann's", "litres=2", "colour=red"], "create")

    assert (cup.name, cup.size, cup.model_extra) == ("Ann's", 2, {"colour": "red"})
    with pytest.raises(ModelRefused) as refused:
        read_model(Cup, ["litres=x"], "create C")
    assert refused.value.next == ("create C the-name=VALUE",)


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        (list[str], "a", "a valid array; lists and objects are typed as JSON"),
        (Cup, "a", "an object; lists and objects are typed as JSON"),
        (Cup, '{"state": 1, "the-name": "x"}', "state: Input should be a valid string"),
        (dict[str, int], '{"a": "x"}', "a: Input should be a valid integer"),
        (dict[str, int], '{"a": 1', "Invalid JSON"),
        (int, "x", "Input should be a valid integer"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(kind: Any, text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Keyword("it", kind, "", required=True).read(text)
