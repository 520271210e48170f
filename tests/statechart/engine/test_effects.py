"""Effects as a chart declares them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from statechart import (
    Chart,
    ChartDefinitionError,
    Event,
    InvalidPayload,
    MissingPayload,
    State,
    UnknownPayload,
    effect,
)
from statechart.engine.effects import due_of


def due_names(chart: type[Chart], event: str, to_state: str) -> list[str]:
    return [each.name for each in due_of(chart._effects, event, to_state)]


def chart_of(**methods: Callable[..., object]) -> type[Chart]:
    """Return a chart with some methods."""
    draft, paid, shipped = State(initial=True), State(value="PAID"), State(final=True)
    body = {"draft": draft, "paid": paid, "shipped": shipped}
    events = {"pay": draft.to(paid) | paid.to.itself(), "ship": paid.to(shipped)}
    return type(Chart)("OrderChart", (Chart,), {**body, **events, **methods})


def method(self: object) -> None: ...


def fresh() -> Callable[..., object]:
    return lambda self: None


TRANSITIONS = [("pay", "PAID"), ("ship", "shipped")]


@pytest.mark.parametrize(
    ("name", "mark", "due"),
    [
        ("after_pay", effect, ["pay"]),
        ("after_pay", effect(), ["pay"]),
        ("on_enter_paid", effect, ["pay"]),
        ("on_enter_shipped", effect, ["ship"]),
        ("after_transition", effect, ["pay", "ship"]),
        ("tell", effect, ["pay", "ship"]),
        ("tell", effect("pay"), ["pay"]),
        ("tell", effect("paid"), ["pay"]),
        ("tell", effect("PAID"), ["pay"]),
        ("tell", effect("pay", "shipped"), ["pay", "ship"]),
        ("after_pay", effect("ship"), ["ship"]),
    ],
    ids=[str(number) for number in range(1, 12)],
)
def test_an_effect_is_due_with_its_events_and_states(name, mark, due):
    chart = chart_of(**{name: mark(fresh())})

    found = [event for event, to in TRANSITIONS if due_names(chart, event, to)]
    assert found == due


def test_events_and_states_are_given_as_declared():
    class OrderChart(Chart):
        draft = State(initial=True)
        paid = State()
        shipped = State(final=True)
        pay = Event(draft.to(paid))
        ship = paid.to(shipped)

        @effect(pay)
        def receipt(self): ...

        @effect(ship, paid)
        def both(self): ...

        @effect(name="old")
        def every(self): ...

    assert due_names(OrderChart, "pay", "paid") == ["receipt", "both", "old"]
    assert due_names(OrderChart, "ship", "shipped") == ["both", "old"]


def test_an_effect_is_no_hook_whatever_its_name():
    called = []
    chart = chart_of(
        after_pay=effect(lambda self: called.append("after")),
        on_enter_paid=effect(lambda self: called.append("enter")),
        on_pay=effect("pay")(lambda self: called.append("on")),
    )

    chart().fire(chart.event("pay"))

    assert called == []


def test_a_transition_in_memory_names_its_effects_and_demands_their_payload():
    chart = chart_of(after_pay=effect(lambda self, to: None), tell=effect("ship")(lambda self: None))
    machine = chart()

    with pytest.raises(MissingPayload, match="lacks the payload to, which its effect after_pay takes"):
        machine.fire(chart.event("pay"))
    assert machine.model.state == "draft"
    with pytest.raises(UnknownPayload, match="did you mean"):
        machine.fire(chart.event("ship"), after=1, to_=2)
    assert machine.fire(chart.event("pay"), to="a@b").effects == ("after_pay",)


def test_the_payload_of_an_effect_is_of_the_type_that_it_declares():
    def tell(self, count: int, name: str) -> None: ...

    chart = chart_of(after_pay=effect(tell))

    with pytest.raises(InvalidPayload, match=r"count.*effect after_pay"):
        chart().fire(chart.event("pay"), count="seven", name=5)
    assert chart().fire(chart.event("pay"), count=7, name=5).effects == ("after_pay",)


def test_effects_of_mixins_come_first_and_can_be_replaced():
    class Told:
        @effect("pay")
        def tell(self): ...

        @effect("pay")
        def gone(self): ...

    class OrderChart(Told, Chart):
        draft = State(initial=True)
        paid = State(final=True)
        pay = draft.to(paid)

        @effect
        def after_pay(self): ...

        def gone(self): ...

    assert [each.name for each in OrderChart._effects] == ["tell", "after_pay"]


async def later(self: object) -> None: ...


def slowly(self: object) -> object:
    yield


class Listener:
    @effect("pay")
    def tell(self): ...


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ({"tell": effect("pya")(fresh())}, "names 'pya', which is neither .* did you mean 'pay'?"),
        ({"tell": effect("q")(fresh())}, "known are pay, ship, draft, paid, shipped"),
        ({"tell": effect(State("other"))(fresh())}, "names .*, which is neither an event nor a state"),
        ({"after_pya": effect(fresh())}, "after_pya is named after no event: did you mean after_pay?"),
        ({"on_enter_payed": effect(fresh())}, "named after no state: did you mean on_enter_paid?"),
        ({"after_noon": effect(fresh())}, "rename it, or give @effect its events"),
        ({"on_pay": effect(fresh())}, "would run after the commit: call it after_pay"),
        ({"on_exit_paid": effect(fresh())}, "call it on_enter_paid"),
        ({"tell": effect(later)}, "is async, but effects are called without a loop"),
        ({"tell": effect(slowly)}, "has a yield"),
        ({"tell": effect(lambda self, modle: None)}, "takes 'modle': did you mean 'model'?"),
        ({"tell": effect(lambda self, target: None)}, "only guards and hooks are given: .* model, key"),
        ({"tell": effect(lambda self, key, /: None)}, "takes 'key' by position"),
        ({"a": effect(name="x")(fresh()), "b": effect(name="x")(fresh())}, "two effects have the name 'x'"),
        ({"prepare": effect(fresh())}, "effect prepare has a name that each chart uses itself: rename it"),
        ({"tell": effect(lambda self, to: None), "record_payload": False}, "takes the payload to, which"),
        ({"tell": effect(lambda self, to: None), "record_payload": {"to"}}, "record_payload leaves out"),
        ({"listeners": [Listener]}, "Listener.tell is an effect, which only the chart may have"),
    ],
)  # fmt: skip
def test_an_effect_that_could_not_be_run_is_refused(methods, message):
    with pytest.raises(ChartDefinitionError, match=f"chart OrderChart: .*{message}"):
        chart_of(**methods)


def test_an_effect_is_not_given_as_a_hook_and_all_problems_are_told_at_once():
    with pytest.raises(ChartDefinitionError) as refused:

        class OrderChart(Chart):
            draft = State(initial=True)
            paid = State(final=True)
            pay = draft.to(paid, after="tell")

            @effect
            def tell(self): ...

            @effect
            def after_pya(self): ...

    assert str(refused.value) == (
        "chart OrderChart: effect after_pya is named after no event: did you mean after_pay?; "
        "tell is an effect, and can't be a guard or hook as well: leave its name away"
    )


@pytest.mark.parametrize("value", [3, property(method), State()], ids=["number", "property", "state"])
def test_only_methods_are_effects(value):
    with pytest.raises(ChartDefinitionError, match="@effect marks a method"):
        effect("pay")(value)


def test_static_methods_are_effects():
    chart = chart_of(tell=effect(staticmethod(lambda key: None)))

    assert chart._effects[0].needs == {"key"}
