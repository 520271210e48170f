"""Misspelt hooks, guards and payloads are refused, and valid charts with odd names are not."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial, wraps
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel

from statechart import Chart, ChartDefinitionError, Event, JsonFileRepository, State, Transition, fire
from statechart.errors import InvalidTransition, MissingPayload, StatechartError, UnknownPayload


def idle(self: object) -> None: ...


def chart_of(*bases: type, cond: Any = None, base: Any = Chart, **body: Any) -> type[Chart]:
    class Made(*bases, base):  # type: ignore[misc]
        home = State("home", initial=True)
        away = State("away")
        leave = Event(home.to(away, cond=cond), name="leave")
        come_back = Event(away.to(home), name="come_back")

        vars().update(body)

    return Made


MISSPELT = {
    "on_enter_bb": "on_enter_bb is never called, as no state has this name: rename it",
    "on_enter_hom": "on_enter_hom is never called: did you mean on_enter_home?",
    "on_exit_aa": "on_exit_aa is never called: did you mean on_exit_away?",
    "on_entr_home": "on_entr_home is never called: did you mean on_enter_home?",
    "on_home": "on_home is never called: did you mean on_enter_home?",
    "before_x": "before_x is never called, as no event has this name: rename it",
    "after_goo": "after_goo is never called, as no event has this name: rename it",
    "after_leaev": "after_leaev is never called: did you mean after_leave?",
    "on_lave": "on_lave is never called: did you mean on_leave?",
    "on_enter_leave": "on_enter_leave is never called, as no state has this name: leave is an event: "
    "did you mean on_leave?",
    "before_home": "before_home is never called, as no event has this name: home is a state: did you "
    "mean on_enter_home?",
    "on_duty": "on_duty is never called, as no event has this name: rename it",
    "on_leave_away": "on_leave_away is never called: did you mean on_exit_away?",
    "on_entry_away": "on_entry_away is never called: did you mean on_enter_away?",
    "enter_away": "enter_away is never called: did you mean on_enter_away?",
    "onEnterAway": "onEnterAway is never called: did you mean on_enter_away?",
    "afterLeave": "afterLeave is never called: did you mean after_leave?",
    "prepare_leave": "prepare_leave is never called: did you mean before_leave?",
    "after_transitoin": "after_transitoin is never called: did you mean after_transition?",
}


@pytest.mark.parametrize("name", MISSPELT)
def test_a_hook_that_would_never_run_is_refused_with_the_class(name: str) -> None:
    with pytest.raises(ChartDefinitionError) as refused:
        chart_of(**{name: idle})

    assert f"chart Made: Made.{MISSPELT[name]}" in str(refused.value)


class Audit:
    """Serves several charts, some of which lack the states and events."""

    def on_enter_shipped(self) -> None: ...

    def after_pay(self) -> None: ...

    def on_enter_state(self) -> None:
        self.on_change()

    def on_change(self) -> None: ...


class Template:
    def on_enter_away(self) -> None:
        self.before_saving()

    def before_saving(self) -> None: ...


class Slip:
    def on_enter_awya(self) -> None: ...


class Base(Chart):
    """A base of charts: it has no states itself."""

    def on_enter_somewhere(self) -> None: ...

    def after_transition(self) -> None: ...


def noon(self: object) -> bool:
    return True


def by_helper(self: Any) -> bool:
    found: bool = self.before_noon()
    return found


def by_name(self: object) -> bool:
    found: bool = getattr(self, "before_noon")()  # noqa: B009  # as a program that picks a method does
    return found


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return call


def with_helper(**body: Any) -> Callable[[], type[Chart]]:
    return lambda: chart_of(before_noon=noon, **body)


SOUND: dict[str, Callable[[], type[Chart]]] = {
    "a mixin": lambda: chart_of(Audit),
    "a listener's class": lambda: chart_of(listeners=[Audit]),
    "a listener": lambda: chart_of(listeners=[Audit()]),
    "an inherited chart": lambda: chart_of(Base),
    "a template method": lambda: chart_of(Template, before_saving=idle),
    "a guard with the name of a hook": lambda: chart_of(before_noon=noon, cond="before_noon"),
    "a guard in an expression": lambda: chart_of(
        after_dawn=noon, cond="not after_dawn or has_key", has_key=True
    ),
    "an attribute with the name of a hook": lambda: chart_of(before_noon=True),
    "a property with the name of a hook": lambda: chart_of(after_hours=property(noon)),
    "a method with other words": lambda: chart_of(leave_home=noon, prepare_invoice=noon, onward=noon),
    "a guard that begins with on": lambda: chart_of(on_duty=noon, cond="on_duty"),
    "all the generic hooks": lambda: chart_of(
        prepare_event=lambda self: {}, on_enter_state=idle, on_exit_state=idle, before_transition=idle
    ),
    "every hook of an event": lambda: chart_of(before_leave=idle, on_leave=idle, after_leave=idle),
    "a guard of the model": lambda: chart_of(cond="rested and has_map"),
    "a guard of the model that resembles a method": lambda: chart_of(cond="rested", tested=noon),
    "a helper of a property": with_helper(cond="early", early=property(by_helper)),
    "a helper of a cached property": with_helper(early=cached_property(by_helper)),
    "a helper of a decorated guard": with_helper(cond="early", early=logged(by_helper)),
    "a helper of a guard that is given itself": with_helper(cond=lambda machine: machine.before_noon()),
    "a helper that is called by its name": with_helper(cond="early", early=by_name),
}


@pytest.mark.parametrize("case", SOUND)
def test_a_valid_chart_is_not_refused_for_its_names(case: str) -> None:
    chart = SOUND[case]()

    machine = chart(SimpleNamespace(state=None, rested=True, has_map=True))
    assert machine.enabled()


@pytest.mark.parametrize("case", [{"listeners": [Slip]}, {"mixin": Slip}], ids=["listener", "mixin"])
def test_a_slip_in_a_mixin_or_listener_is_refused(case: dict[str, Any]) -> None:
    bases = [case.pop("mixin")] if "mixin" in case else []

    with pytest.raises(ChartDefinitionError, match="on_enter_awya is never called: did you mean on_enter_"):
        chart_of(*bases, **case)


@pytest.mark.parametrize("hook", [True, property(noon), int], ids=["value", "property", "class"])
def test_a_hook_that_is_no_method_is_refused(hook: object) -> None:
    with pytest.raises(
        ChartDefinitionError, match=r"on_enter_away is a [a-z]+, but hooks are methods: rename"
    ):
        chart_of(on_enter_away=hook)


def test_a_partial_that_would_never_run_is_refused() -> None:
    with pytest.raises(
        ChartDefinitionError, match="on_enter_awya is never called: did you mean on_enter_away"
    ):
        chart_of(on_enter_awya=partial(idle, None))


class Walk(BaseModel):
    state: str = "home"
    rested: bool = True

    def on_enter_awya(self) -> None: ...


def test_a_slip_in_a_hook_of_the_declared_model_is_refused() -> None:
    with pytest.raises(ChartDefinitionError, match=r"Walk\.on_enter_awya is never called: did you mean"):
        chart_of(base=Chart[Walk])


def test_a_hook_given_by_a_decorator_may_have_any_name() -> None:
    class Decorated(Chart):
        home = State("home", initial=True)
        away = State("away", final=True)
        leave = Event(home.to(away), name="leave")
        seen: Any = None

        @leave.on
        def on_the_way(self) -> None:
            self.seen = "on the way"

        @away.enter
        def after_all(self) -> None:
            assert self.seen == "on the way"

    assert Decorated().fire(Decorated.leave).to_state == "away"


GUARDS: dict[str, tuple[dict[str, Any], str]] = {
    "no name": ({"cond": True}, "True is neither a guard or hook nor the name of one"),
    "empty": ({"cond": ""}, "the guard '' can't be read"),
    "two words": ({"cond": "is ok"}, "the guard 'is ok' can't be read (invalid syntax)"),
    "a constant": ({"cond": "True"}, "the guard 'True' can't be read (a word of Python)"),
    "a membership": (
        {"cond": "by in voters"},
        "the guard 'by in voters' can't be read (it has an operator",
    ),
    "dotted": ({"cond": "model.ok"}, "the guard 'model.ok' can't be read"),
}


@pytest.mark.parametrize("case", GUARDS)
def test_a_guard_that_does_not_exist_is_refused_with_the_class(case: str) -> None:
    body, problem = GUARDS[case]

    with pytest.raises(ChartDefinitionError) as refused:
        chart_of(**body)

    assert problem in str(refused.value)


SHAPES: dict[str, tuple[dict[str, Any], str]] = {
    "no listeners": ({"listeners": None}, "listeners is a NoneType: give a list of classes"),
    "phases in a list": (
        {"phases": ["home"]},
        "phases is a list: give a dictionary of names",
    ),
    "a phase of a string": ({"phases": {"all": "home"}}, "phase 'all' is a str: give a tuple of states"),
    "failures in a string": ({"failures": "home"}, "failures is a str: give a tuple of states"),
    "a guard of C": ({"cond": len}, "a guard or hook can't be called by the names of its arguments"),
    "a hook without self": ({"on_leave": lambda: None}, "a guard or hook can't be called by the names"),
    "a needy first hook": (
        {"on_enter_home": lambda self, key: None},
        "takes key, but the initial state",
    ),
}


@pytest.mark.parametrize("case", SHAPES)
def test_an_odd_declaration_is_refused_in_our_words(case: str) -> None:
    body, problem = SHAPES[case]

    with pytest.raises(ChartDefinitionError) as refused:
        chart_of(**body)()

    assert problem in str(refused.value)


@pytest.mark.parametrize("model", [3, {"state": "home"}, object()], ids=["number", "dictionary", "object"])
def test_a_model_whose_state_cannot_be_set_is_refused(model: object) -> None:
    for build in (chart_of(), chart_of().bound):
        with pytest.raises(ChartDefinitionError, match="the state of its model, of the class"):
            build(model)


def test_an_event_replaces_a_frozen_model() -> None:
    order = Order()
    machine = OrderChart(order)

    assert machine.enabled(amount=3) == ("pay", "discount")
    machine.fire(OrderChart.pay, amount=3)

    assert (order.state, machine.model.state) == ("draft", "paid")
    assert isinstance(machine.model, Order)


class Fields(BaseModel):
    state: str = "home"
    rested: bool = True
    _map: str = "old"


class Plain:
    rested: bool
    __slots__ = ("state",)


class Assigning:
    def __init__(self) -> None:
        self.state = None
        self.rested = True


class AtWill:
    def __init__(self, **given: object) -> None:
        for name in given:
            setattr(self, name, given[name])


class Open(BaseModel, extra="allow"):
    state: str = "home"


class Asked:
    state = None

    def __getattr__(self, name: str) -> bool:
        return True


class Helps:
    def has_maps(self) -> bool:
        return True


CLOSED = [Fields, Plain, Assigning]


@pytest.mark.parametrize("model", CLOSED, ids=[each.__name__ for each in CLOSED])
def test_a_guard_that_the_declared_model_lacks_is_refused_with_the_class(model: type) -> None:
    with pytest.raises(ChartDefinitionError) as refused:
        chart_of(base=Chart[model], cond="rested and has_map", listeners=[Helps])

    assert str(refused.value) == (
        "chart Made: leave from home names 'has_map', which neither the chart nor its listeners nor the "
        f"model ({model.__name__}) has: did you mean 'has_maps'?"
    )
    assert chart_of(base=Chart[model], cond="rested and has_maps", listeners=[Helps()])


@pytest.mark.parametrize("model", [AtWill, Open, Asked, SimpleNamespace, dict])
def test_a_model_that_may_have_any_attribute_is_asked_when_a_machine_is_built(model: type) -> None:
    assert chart_of(base=Chart[model], cond="rested and has_map")


def test_a_listener_that_a_factory_makes_may_have_any_guard() -> None:
    assert chart_of(base=Chart[Fields], cond="has_map", listeners=[lambda: SimpleNamespace(has_map=True)])


@pytest.mark.parametrize(("name", "kind"), [("away", "a state"), ("leave", "an event")])
def test_a_guard_or_hook_that_is_a_state_or_an_event_is_refused(name: str, kind: str) -> None:
    with pytest.raises(
        ChartDefinitionError, match=f"leave from home names '{name}', which is {kind}: name"
    ):
        chart_of(cond=name)


def test_a_guard_that_not_even_the_model_has_is_named_with_its_place() -> None:
    chart = chart_of(cond="has_map and rested")

    with pytest.raises(ChartDefinitionError) as refused:
        chart(SimpleNamespace(state=None, rested=True))

    told = "leave from home names 'has_map', which neither the chart nor its listeners nor the model"
    assert told in str(refused.value)


def test_a_misspelt_guard_is_refused_with_the_machine() -> None:
    chart = chart_of(cond="is_okk", is_ok=noon)

    with pytest.raises(ChartDefinitionError, match="has: did you mean 'is_ok'"):
        chart()


class Order(BaseModel, frozen=True):
    state: str = "draft"
    price: int = 3
    note: str = ""


class OrderChart(Chart):
    draft = State("draft", initial=True)
    paid = State("paid", final=True)
    pay = Event(draft.to(paid, cond="is_enough"), name="pay")
    discount = Event(draft.to(draft), name="discount")

    def is_enough(self, model: Any, amount: int) -> bool:
        """The amount is not what the order costs."""
        return amount == model.price

    def on_discount(self, percent: int = 0) -> None: ...


def noted(order: Order, transition: Transition) -> Order:
    note = transition.payload.get("note", "")
    return order.model_copy(update={"state": transition.to_state, "note": note})


@pytest.fixture
def paying(tmp_path: Path) -> Callable[..., Order]:
    store = JsonFileRepository(tmp_path, Order)
    store.create("x", Order())

    def pay(event: Event = OrderChart.pay, **payload: Any) -> Order:
        with store.open("x") as session:
            return fire(session, OrderChart, event, **payload)

    return pay


def in_memory(event: Event = OrderChart.pay, **payload: Any) -> Transition:
    return OrderChart(SimpleNamespace(state="draft", price=3)).fire(event, **payload)


def required(event: Event = OrderChart.pay, **payload: Any) -> None:
    OrderChart(SimpleNamespace(state="draft", price=3)).require(event, **payload)


@pytest.mark.parametrize("way", ["durable", "in memory", "required"])
def test_a_missing_payload_names_the_guard_and_the_event(way: str, paying: Callable[..., Order]) -> None:
    act: Callable[..., object] = {"durable": paying, "in memory": in_memory, "required": required}[way]

    with pytest.raises(MissingPayload) as missing:
        act()

    assert str(missing.value) == (
        "pay of OrderChart lacks the payload amount, which its guard is_enough takes: "
        "fire it with amount=..."
    )
    assert (missing.value.event, missing.value.needed_by, missing.value.names) == (
        "pay",
        "guard is_enough",
        ("amount",),
    )


@pytest.mark.parametrize("way", ["durable", "in memory", "required"])
def test_a_misspelt_payload_is_refused(way: str, paying: Callable[..., Order]) -> None:
    act: Callable[..., object] = {"durable": paying, "in memory": in_memory, "required": required}[way]

    with pytest.raises(StatechartError, match="amuont"):
        act(amuont=3)
    with pytest.raises(UnknownPayload, match="takes no payload 'precent': did you mean 'percent'"):
        act(OrderChart.discount, precent=3)


def test_a_misspelt_payload_of_evolve_is_refused_and_its_own_is_not(paying: Callable[..., Order]) -> None:
    with pytest.raises(UnknownPayload, match="'noet': did you mean 'note'"):
        paying(amount=3, noet="hi", evolve=noted)

    assert paying(amount=3, note="hi", evolve=noted) == Order(state="paid", note="hi")


def test_payload_that_only_others_read_is_let_through() -> None:
    assert in_memory(amount=3, by="ann").payload == {"amount": 3, "by": "ann"}
    assert in_memory(OrderChart.discount, percents=[1], percent=1).to_state == "draft"


def test_a_hook_with_keywords_takes_any_name() -> None:
    def before_transition(self: object, **kwargs: Any) -> None: ...

    chart = chart_of(before_transition=before_transition, on_leave=lambda self, amount=0: None)

    assert chart().fire(chart.event("leave"), amuont=3).to_state == "away"


def test_a_hook_of_the_model_takes_its_payload() -> None:
    chart = chart_of(on_leave=lambda self, amount=0: None)
    model = SimpleNamespace(state=None, before_leave=lambda amounts: None)

    assert chart(model).fire(chart.event("leave"), amounts=3).to_state == "away"


class Voted(BaseModel, frozen=True):
    state: str = "home"
    keys: int = 0  # as a mapping's method

    def is_new(self, by: str) -> bool:
        return True


@pytest.mark.parametrize(
    "body",
    [
        {"cond": "is_new"},
        {"cond": "is_new", "is_new": logged(lambda self, by: True)},
        {"cond": partial(lambda by, last: last, last=True)},
    ],
    ids=["of the model", "decorated", "partial"],
)
def test_a_guard_that_is_called_through_another_lacks_its_payload(
    body: dict[str, Any], tmp_path: Path
) -> None:
    chart = chart_of(**body)
    store = JsonFileRepository(tmp_path, Voted)
    store.create("x", Voted())

    with store.open("x") as session, pytest.raises(MissingPayload, match=r"takes: fire it with by=\.\.\."):
        fire(session, chart, chart.event("leave"))


def test_an_error_from_inside_of_a_guard_stays_as_it_is() -> None:
    def is_ok(self: object) -> bool:
        return len() > 1  # type: ignore[call-arg]

    chart = chart_of(cond="is_ok", is_ok=is_ok)

    with pytest.raises(TypeError, match="len") as raised:
        chart().fire(chart.event("leave"))
    assert not isinstance(raised.value, StatechartError)


def test_a_refusal_without_a_misspelt_payload_stays_a_refusal(paying: Callable[..., Order]) -> None:
    with pytest.raises(InvalidTransition, match="the amount is not what the order costs"):
        paying(amount=1, by="ann")


def test_empty_texts_in_the_code_of_a_model_are_no_names() -> None:
    class Note(BaseModel):
        state: str | None = None
        text: str = ""

        def lines(self) -> str:
            return "".join(self.text.split("\n"))

    class NoteChart(Chart[Note]):
        home = State(initial=True)
        away = State()
        leave = Event(home.to(away, cond="lines"))
        back = Event(away.to(home))

    assert NoteChart(Note()).enabled() == ()
