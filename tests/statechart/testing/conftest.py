"""A shop whose tests the plugin runs, as in a project of a user."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import BaseModel

from statechart import JsonFileRepository, fire

SHOP = '''
from dataclasses import dataclass

from statechart import Chart, Event, State


@dataclass
class Order:
    state: str | None = None
    packed: bool = False


class OrderChart(Chart):
    draft = State("draft", initial=True)
    paid = State("paid")
    shipped = State("shipped", final=True)
    cancelled = State("cancelled", final=True)

    pay = Event(draft.to(paid, cond="enough"), name="pay")
    pack = Event(paid.to(paid), name="pack")
    ship = Event(paid.to(shipped, cond="is_packed"), name="ship")
    cancel = Event(draft.to(cancelled) | paid.to(cancelled), name="cancel")

    @staticmethod
    def new_model():
        return Order()

    def enough(self, model, amount=0):
        """The amount is too small."""
        return amount >= 5

    def is_packed(self, model):
        """Nothing is packed."""
        return model.packed

    def on_pack(self, model, jam=False, typo=False):
        if typo:
            model.pakced = True
        if jam:
            raise OSError("the paper is jammed")
        model.packed = True
'''


@pytest.fixture
def shop(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project with a chart `shop:OrderChart` only."""
    pytester.makeini(
        "[pytest]\npythonpath = .\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n\n"
    )
    pytester.makepyfile(shop=SHOP)
    return pytester


class Stored(BaseModel, frozen=True):
    state: str = "draft"
    packed: bool = False


@pytest.fixture(scope="session")
def shop_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The shop in this process, to sell with."""
    path = tmp_path_factory.mktemp("sells") / "sells.py"
    path.write_text(SHOP.replace("model.packed = True", "pass"))
    spec = importlib.util.spec_from_file_location("sells", path)
    assert spec is not None
    assert spec.loader is not None
    sys.modules["sells"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["sells"]


@pytest.fixture(scope="session")
def production(tmp_path_factory: pytest.TempPathFactory, shop_module: ModuleType) -> Path:
    """A store with orders, one of them damaged, one newer, one of a chart with other states."""
    root = tmp_path_factory.mktemp("production") / "orders"
    chart = shop_module.OrderChart
    orders = JsonFileRepository(root, Stored)
    for number in range(4):
        orders.create(f"A-{number}", Stored())
        with orders.open(f"A-{number}") as session:
            for event, payload in [("pay", {"amount": 7}), *[("pack", {})] * number]:
                fire(session, chart, chart.event(event), **payload)
    newer = JsonFileRepository(root, Stored, schema_version=3)
    newer.create("B-1", Stored())
    with newer.open("B-1") as session:
        data = {"event": "archive", "from_state": "paid", "to_state": "archived"}
        session.commit("transition", Stored(state="archived"), expected=1, data=data)
        session.append("note", data={"event": "pay"})
    (root / "A-3" / "history.jsonl").write_text("{}\n")
    (root / "notes").mkdir()
    return root
