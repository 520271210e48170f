"""The keywords of an event are those of the transitions, states and effects on its way."""

from __future__ import annotations

import pytest

from statechart import Chart, HistoryState, State, effect
from statechart.engine.keywords import keywords_of, takes_all


class Order(Chart):
    draft = State(initial=True)

    class open(State.Parallel):
        class payment(State.Compound):
            asked = State(initial=True)
            paid = State(final=True)
            pay = asked.to(paid)

        class shipment(State.Compound):
            packing = State(initial=True)
            shipped = State(final=True)
            ship = packing.to(shipped, cond="has_carrier")

        past = HistoryState(type="deep")

    paused = State()
    done = State(final=True)

    place = draft.to(open)
    pause = open.to(paused)
    resume = paused.to(open.past)
    note = open.to(None)
    done_state_open = open.to(done)

    def has_carrier(self, carrier: str) -> bool:
        return bool(carrier)

    def on_enter_packing(self, box: int) -> None: ...

    def on_enter_paid(self, receipt: str = "") -> None: ...

    def on_exit_shipment(self, why: str) -> None: ...

    def on_note(self, text: str) -> None: ...

    @effect(done)
    def tell(self, address: str) -> None: ...

    @effect("note")
    def keep(self, folder: str) -> None: ...


@pytest.mark.parametrize(
    ("event", "state", "names"),
    [
        ("place", None, {"box"}),  # the state within is entered, too
        ("pay", "asked + packing", {"receipt", "address"}),  # the order may be done by it
        ("ship", "paid + packing", {"carrier", "address"}),
        ("ship", None, {"carrier", "address"}),
        ("pause", None, {"why"}),
        ("pause", "asked + packing", {"why"}),
        ("resume", "paused", {"box", "receipt", "address"}),  # whatever the history remembers
        ("note", "open", {"text", "folder"}),
        ("place", "paused", set()),
    ],
)
def test_an_event_takes_the_keywords_of_all_on_its_way(
    event: str, state: str | None, names: set[str]
) -> None:
    assert {each.name for each in keywords_of(Order, None, event, state)} == names


def test_guards_alone_can_be_asked_for() -> None:
    (carrier,) = keywords_of(Order, None, "ship", "paid + packing", guards=True)

    assert (carrier.name, carrier.type, carrier.required) == ("carrier", str, True)
    assert not takes_all(Order, None, "ship")
