"""Values as Python source."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum, Flag
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Generic, TypeVar
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, computed_field

from statechart.cli.scenarios.literals import Source, Unwritable


class Colour(Enum):
    RED = 1
    BLUE = 2


class Right(Flag):
    READ = 1
    WRITE = 2


@dataclass
class Point:
    x: int
    y: float = 0.5


class Plain:
    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plain) and other.name == self.name


class Item(BaseModel):
    name: str = Field(alias="the-name")
    price: Decimal = Decimal(1)


class Titled(BaseModel, extra="allow"):
    name: str = Field(alias="the-name")

    @computed_field
    def title(self) -> str:
        return self.name.title()


ContentT = TypeVar("ContentT")


class Box(BaseModel, Generic[ContentT]):
    content: ContentT


@pytest.mark.parametrize(
    "value",
    [
        None, True, 7, 1.5, float("inf"), "plain", 'with "quotes"', "line\nbreak \\ \x1b", b"bytes",
        [1, (2,), ()], {"a": {"b": [None]}}, {1, 2}, set(), frozenset({"x"}),
        Decimal("1.10"), UUID(int=7), date(2026, 1, 2), datetime(2026, 1, 2, 3, tzinfo=UTC),
        timedelta(days=1, milliseconds=5), Path("a/b"), Colour.RED, Point(1), SimpleNamespace(a=1),
        Plain("x"), Item.model_validate({"the-name": "cup", "price": "2"}),
        {Colour.RED, Colour.BLUE}, Right.READ | Right.WRITE, Titled.model_validate({"the-name": "cup"}),
        Box[int](content=1), Box[dict[str, Colour]](content={"a": Colour.RED}),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_a_literal_is_the_value_again(value: Any) -> None:
    source = Source()
    text = source.literal(value)
    known: dict[str, Any] = {}
    exec("\n".join(source.imports()), known)

    assert eval(text, known) == value


def test_a_value_without_a_literal_is_refused() -> None:
    class Local(BaseModel):
        name: str = ""

    for value in (object(), Local(), lambda: None):
        with pytest.raises(Unwritable, match="can't be written as Python source"):
            Source().literal(value)
