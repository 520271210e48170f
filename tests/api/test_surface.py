"""What breaks a promise is told from what only adds to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.surface import MODULES, breaking, facts

BEFORE = """
__all__ = ["Box", "open_box"]

class Box:
    size: int = 1
    def fill(self, what: str, *, twice: bool = False) -> None: ...

def open_box(box: Box, /) -> str: ...
def _hidden() -> None: ...
"""


@pytest.fixture
def before(tmp_path: Path) -> list[str]:
    return _facts(BEFORE, tmp_path / "before")


def _facts(source: str, place: Path) -> list[str]:
    place.mkdir()
    (place / "boxes.py").write_text(source)
    return facts(["boxes"], place)


def test_a_promise_is_a_fact_a_line(before: list[str]) -> None:
    assert before == [
        "boxes.Box.fill() -> None",
        "boxes.Box.fill(* twice: bool = False)",
        "boxes.Box.fill(1 what: str)",
        "boxes.Box.size: int = 1",
        "boxes.open_box() -> str",
        "boxes.open_box(1 / box: Box)",
        "class boxes.Box()",
    ]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("def fill", "def stuff", "- boxes.Box.fill() -> None"),
        ("what: str", "thing: str", "- boxes.Box.fill(1 what: str)"),
        ("what: str", "what: str, why: str", "+ boxes.Box.fill(2 why: str)"),
        ("*, twice", "*, why: str, twice", "+ boxes.Box.fill(* why: str)"),
        ("-> str", "-> bytes", "- boxes.open_box() -> str"),
        ("def open_box", "async def open_box", "- boxes.open_box() -> str"),
        ('"Box", ', "", "- class boxes.Box()"),
    ],
)
def test_what_breaks_is_told(before: list[str], tmp_path: Path, old: str, new: str, told: str) -> None:
    after = _facts(BEFORE.replace(old, new, 1), tmp_path / "after")

    assert told in breaking(before, after)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("what: str", "what: str, how: str = ''"),
        ("*, twice", "*, thrice: bool = False, twice"),
        ("twice: bool = False", "twice: bool = False, **more: int"),
        ("size: int = 1", "size: int = 1; lid: str"),
        ("def _hidden", "def _renamed"),
    ],
)
def test_what_only_adds_breaks_nothing(before: list[str], tmp_path: Path, old: str, new: str) -> None:
    after = _facts(BEFORE.replace(old, new, 1), tmp_path / "after")

    assert breaking(before, after) == []


@pytest.mark.parametrize("package", MODULES)
def test_what_was_promised_is_kept(package: str) -> None:
    promised = Path(__file__).with_name(f"{package}.txt").read_text().splitlines()

    assert breaking(promised, facts(MODULES[package])) == [], "keep it, or accept it: make api ACCEPT=1"
