"""`module:Chart` leads to a chart, or to a message that names the problem and its place."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from environments.lifecycle import Lifecycle
from statechart.errors import ChartNotFound
from statechart.reference import find_chart

SHOP = """
from statemachine import State as Raw, StateChart
from statechart import Chart, Event, State

class Order(Chart):
    draft = State(initial=True)
    paid = State(final=True)
    pay = Event(draft.to(paid))

class Plain(StateChart):
    draft = Raw(initial=True)
    paid = Raw(final=True)
    pay = draft.to(paid)

number = 3
"""
LINTED = """
from statechart import Chart, Event, State

class Order(Chart):
    draft = State(initial=True)
    paid = State()
    pay = Event(draft.to(paid))
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "shop_ok": SHOP,
        "shop_linted": LINTED,
        "shop_needs": "import no_such_library",
        "shop_syntax": "\nx = (",
        "shop_raises": "def mean(of):\n    return sum(of) / len(of)\n\nmean([])\n",
        "shop_empty": "",
    }.items():
        (tmp_path / f"{name}.py").write_text(text)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("shop_"):
            del sys.modules[name]


def test_a_chart_is_found_by_its_module() -> None:
    assert find_chart("environments.lifecycle:Lifecycle") is Lifecycle


def test_a_chart_is_found_in_the_current_directory_and_in_a_file(place: Path) -> None:
    (place / "within").mkdir()
    (place / "within" / "shop_inner.py").write_text(SHOP)

    assert find_chart("shop_ok:Order").__name__ == "Order"
    assert find_chart("within/shop_inner.py:Order").__name__ == "Order"
    assert find_chart("within/shop_inner.py:Order") is find_chart("within/shop_inner.py:Order")


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        (
            "shop_ok",
            "as module:Chart, like shop.orders:OrderChart; its charts are shop_ok:Order",
        ),
        ("", "name a chart as module:Chart"),
        (":Order", "name a chart as module:Chart"),
        ("shop_ok:not a name", "name a chart as module:Chart"),
        ("shop_ok:Oder", "shop_ok has no Oder: did you mean shop_ok:Order?"),
        ("shop_ok:Invoice", "shop_ok has no Invoice: its charts are shop_ok:Order"),
        ("shop_empty:Order", "shop_empty has no Order: it has no chart"),
        ("shop_ok:number", "it is a int, not a chart"),
        ("shop_ok:Chart", "its charts are shop_ok:Order"),
        ("shop_ok:Plain", "let it inherit from statechart.Chart"),
        ("shop_nowhere:Order", "there is no module shop_nowhere: run this where it can be imported"),
        ("nowhere.py:Order", "there is no file"),
    ],
)
def test_a_reference_without_a_chart_is_refused_with_advice(place: Path, reference: str, said: str) -> None:
    with pytest.raises(ChartNotFound) as raised:
        find_chart(reference)

    assert said in str(raised.value)
    assert raised.value.reference == reference


@pytest.mark.parametrize(
    ("reference", "line", "said"),
    [
        ("shop_linted:Order", 4, "ChartDefinitionError: chart Order: All non-final states should have"),
        ("shop_needs:Order", 1, "No module named 'no_such_library': install it"),
        ("shop_syntax:Order", 2, "SyntaxError: '(' was never closed"),
        ("shop_raises:Order", 2, "ZeroDivisionError: division by zero"),
        ("shop_raises.py:Order", 2, "ZeroDivisionError: division by zero"),
    ],
)
def test_a_failing_import_is_reported_with_file_and_line(
    place: Path, reference: str, line: int, said: str
) -> None:
    with pytest.raises(ChartNotFound) as raised:
        find_chart(reference)

    file = reference.split(":")[0].removesuffix(".py")
    assert str(raised.value).startswith(f"{place / file}.py:{line}: ")
    assert said in str(raised.value)
    assert file not in sys.modules


DOCUMENT = '<scxml><state id="a"><transition event="go" target="a"/></state></scxml>'


def test_the_path_of_a_document_leads_to_its_chart_until_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "walk.scxml"
    path.write_text(DOCUMENT)

    found = find_chart("walk.scxml", root=tmp_path)
    again = find_chart(str(path))
    path.write_text(DOCUMENT.replace("go", "leave"))

    assert found.__name__ == "Walk"
    assert again is found
    assert list(find_chart(str(path))._declared) == ["leave"]


def test_a_document_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ChartNotFound, match=r"there is no file .*walk\.json"):
        find_chart("walk.json", root=tmp_path)
