"""A shop whose tests the plugin runs, as in a project of a user."""

from __future__ import annotations

import pytest

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

    def on_pack(self, model):
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
