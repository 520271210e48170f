"""Every chart of the documentation and of the examples is tested by the project's own plugin."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, get_args, get_origin

import pytest
from hypothesis import Phase, settings
from pydantic import BaseModel

from statechart import Chart
from statechart.engine.keywords import keywords_of
from statechart.graph import events
from statechart.testing import Uncoverable, matrix, paths, state_machine
from tests.docs.test_docs import PAGES, ROOT, blocks

pytestmark = pytest.mark.pages

QUICK = settings(
    derandomize=True, max_examples=10, stateful_step_count=8, database=None, phases=[Phase.generate]
)


@dataclass(frozen=True)
class Play:
    """The arguments with which a chart is played, made from its module; `usual` values stand for others."""

    payloads: Callable[[Any], dict[str, Any]] = lambda _module: {}
    model: Callable[[Any], object] | None = None
    without: tuple[str, ...] = ()


AFTER = datetime(2026, 1, 2, tzinfo=UTC)
VOTES = [{"by": "bob", "comment": ""}, {"by": "cleo", "comment": ""}]

PLAYS: dict[str, Play] = {
    "docs/how-to/change-data.md AccountChart": Play(lambda _: {"book": {"amount": 7}}),
    "docs/how-to/test-scenarios.md OrderChart": Play(lambda _: {"pay": [{"amount": 7}, {"amount": 1}]}),
    "examples/approval/approval.py ApprovalChart": Play(
        lambda _: {"approve": VOTES, "reject": VOTES},
        lambda module: module.Request(title="A", author="ann", approvers=["bob", "cleo"], needed=2),
    ),
    "examples/lease/lease.py LeaseChart": Play(lambda _: {"expire": [{"now": AFTER}]}),
    "examples/orders_db/orders.py OrderChart": Play(lambda _: {"pay": {"amount": 0}}),
    "examples/parcels/parcels.py ParcelChart": Play(lambda _: {"authorise": {"amount": Decimal(0)}}),
}
"""By page or file, and chart. A chart for which the usual values are enough is not in it."""

USUAL = {
    **{int: 7, float: 7.0, Decimal: Decimal(7), str: "ann", bool: True, timedelta: timedelta(hours=1)},
    **{datetime: datetime(2026, 1, 1, tzinfo=UTC), date: date(2026, 1, 1)},
}


def usual(kind: Any) -> Any:
    """Return a value of an annotation: the same number for all prices and amounts."""
    if kind in USUAL:
        return USUAL[kind]
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return filled(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    parts, origin = get_args(kind), get_origin(kind)
    if origin in (list, tuple, set, dict):
        return origin()
    return usual(parts[0]) if parts and isinstance(parts[0], type) else parts[0] if parts else None


def filled(model: type[BaseModel]) -> BaseModel:
    """Return a model with usual values in place of those that it requires."""
    fields = {name: each.annotation for name, each in model.model_fields.items() if each.is_required()}
    return model(**{name: usual(kind) for name, kind in fields.items()})


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
    """Return the names of the charts that a source declares; a base of charts has no states."""
    return [
        node.name
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef)
        and any(ast.unparse(base).split("[")[0] in ("Chart", "statechart.Chart") for base in node.bases)
        and any(isinstance(part, (ast.Assign, ast.AnnAssign, ast.ClassDef)) for part in node.body)
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
    module = ModuleType(f"page_{place.path.stem}")
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
    kind = chart.model_class()
    makes = play.model or (lambda _: filled(kind) if kind is not None else chart.new_model())
    payloads = {
        event: {each.name: usual(each.type) for each in keywords_of(chart, kind, event)}
        for event in events(chart)
    } | play.payloads(module)

    def model() -> object:
        made = makes(module)
        return SimpleNamespace(state=None) if made is None else made

    try:
        found = paths(chart, model=model, payloads=payloads, without=play.without)
    except Uncoverable as error:
        raise AssertionError(f"{error}; put the payloads of {place} into PLAYS of {__file__}") from error
    for path in found:
        path.drive()
    for cell in matrix(chart, model=model, payloads=payloads):
        cell.check()
    case = state_machine(chart, model=model, payloads=payloads).TestCase
    case.settings = settings(QUICK, suppress_health_check=case.settings.suppress_health_check)
    case("runTest").runTest()

    # A step of a path may be a timer, by its name.
    taken = {event for path in found for event in path.events} - chart._alarms.keys()
    assert taken == set(events(chart)) - set(play.without)


def test_every_chart_is_found() -> None:
    found = {str(place) for place in PLACES}

    assert "docs/how-to/test-scenarios.md OrderChart" in found
    assert "examples/order/order.py OrderChart" in found
    assert {key for key in PLAYS if key not in found} == set()
