"""Every chart of the documentation and of the examples is tested by the project's own plugin."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import Phase, settings

from statechart import Chart
from statechart.graph import events
from statechart.testing import Uncoverable, matrix, paths, state_machine
from tests.docs.test_docs import PAGES, ROOT, blocks

pytestmark = pytest.mark.pages

QUICK = settings(
    derandomize=True, max_examples=10, stateful_step_count=8, database=None, phases=[Phase.generate]
)


@dataclass(frozen=True)
class Play:
    """The payloads with which a chart is played, given the module of the chart, and its model if needed."""

    payloads: Callable[[Any], dict[str, Any]] = lambda _module: {}
    model: Callable[[Any], Callable[[], object]] | None = None
    without: tuple[str, ...] = field(default=())


PLAYS: dict[str, Play] = {
    "docs/how-to/effects.md OrderChart": Play(lambda _: {"ship": {"carrier": "Pigeon Post"}}),
    "docs/how-to/test-scenarios.md OrderChart": Play(lambda _: {"pay": [{"amount": 7}, {"amount": 1}]}),
    "docs/tutorial/first-chart.md OrderChart": Play(lambda _: {"pay": {"amount": 7}}),
}
"""By page or file, and chart. A chart whose guards and hooks need no payload is not in it."""


@dataclass(frozen=True)
class Place:
    """A chart in a page or in a file of an example."""

    path: Path
    chart: str
    number: int

    def __str__(self) -> str:
        number = f"-{self.number}" if self.number > 1 else ""
        return f"{self.path} {self.chart}{number}"


def declared(source: str) -> list[str]:
    """Return the names of the charts that a source declares."""
    return [
        node.name
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef)
        and any(ast.unparse(base).split("[")[0].endswith("Chart") for base in node.bases)
    ]


def codes(page: Path) -> list[tuple[str, str]]:
    """Return the Python of a page, block by block, each with the name of its file, if it is one."""
    return [
        (said if what == "file" else "", code)
        for what, said, language, code in blocks((ROOT / page).read_text())
        if language == "python" and what != "not run"
    ]


def places() -> Iterator[Place]:
    for page in [*PAGES, Path("README.md")]:
        names = [name for _, code in codes(page) for name in declared(code)]
        yield from (Place(page, name, names[: at + 1].count(name)) for at, name in enumerate(names))
    for file in sorted((ROOT / "examples").rglob("*.py")):
        for name in declared(file.read_text()):
            yield Place(file.relative_to(ROOT), name, 1)


def of_page(place: Place) -> ModuleType:
    """Return a module of the declarations in a page, up to the block with the chart."""
    module = ModuleType(Path(place.path).stem.replace("-", "_"))
    sys.modules[module.__name__] = module  # where dataclasses and `Chart["Order"]` look
    left, files = place.number, set[str]()
    for file, code in codes(place.path):
        files.add(Path(file).stem)
        # The files of a page are one module here.
        body = [node for node in ast.parse(code).body if _is_declaration(node, files)]
        exec(compile(ast.Module(body, []), str(place.path), "exec"), vars(module))
        left -= declared(code).count(place.chart)
        if left <= 0:
            break
    return module


def _is_declaration(node: ast.stmt, files: set[str]) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module not in files
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        return not any(isinstance(part, ast.Call) for part in ast.walk(node))
    return isinstance(node, (ast.Import, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))


@pytest.fixture
def module(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    place: Place = request.param
    before = dict(sys.modules)
    if place.path.suffix == ".py":
        monkeypatch.syspath_prepend(ROOT / place.path.parent)
        yield importlib.import_module(place.path.stem)
    else:
        yield of_page(place)
    for name in [name for name, module in sys.modules.items() if name not in before and _is_theirs(module)]:
        del sys.modules[name]


def _is_theirs(module: ModuleType) -> bool:
    file = getattr(module, "__file__", None)
    return file is None or str(file).startswith(str(ROOT / "examples"))


PLACES = list(places())


@pytest.mark.parametrize(
    ("module", "place"), [(each, each) for each in PLACES], ids=str, indirect=["module"]
)
def test_a_chart_of_the_documentation_is_played_by_the_plugin(module: ModuleType, place: Place) -> None:
    chart: type[Chart] = getattr(module, place.chart)
    play = PLAYS.get(f"{place.path} {place.chart}", Play())
    payloads = play.payloads(module)
    model = play.model(module) if play.model else None

    try:
        found = paths(chart, model=model, payloads=payloads, without=play.without)
    except Uncoverable as error:
        raise AssertionError(f"{error}; write payloads for {place} into PLAYS of {__file__}") from error
    for path in found:
        path.drive()
    for cell in matrix(chart, model=model, payloads=payloads):
        cell.check()
    case = state_machine(chart, model=model, payloads=payloads).TestCase
    case.settings = settings(QUICK, suppress_health_check=case.settings.suppress_health_check)
    case("runTest").runTest()

    assert {event for path in found for event in path.events} == set(events(chart)) - set(play.without)


def test_every_chart_is_found() -> None:
    found = {str(place) for place in PLACES}

    assert "docs/how-to/test-scenarios.md OrderChart" in found
    assert "examples/order/order.py OrderChart" in found
    assert {key for key in PLAYS if key not in found} == set()
