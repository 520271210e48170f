"""A chart knows the class of its models, in its hooks and at its machines."""

from __future__ import annotations

from typing import Any, assert_type

from pydantic import BaseModel

from statechart import Chart, Event, State, Transition, effect


class Order(BaseModel):
    state: str = "draft"
    price: int = 0
    paid: int = 0


class Invoice(BaseModel):
    state: str = "draft"


class OrderChart(Chart[Order]):
    draft = State(initial=True)
    paid = State(final=True)
    pay = Event(draft.to(paid, cond="is_enough"))

    def is_enough(self, model: Order, amount: int) -> bool:
        assert_type(self.model, Order)
        assert_type(self.model.price, int)
        print(model.pirce)  # reject: attr-defined
        print(self.model.pirce)  # reject: attr-defined
        return amount >= model.price

    def on_pay(self, model: Order, amount: int) -> None:
        model.paid += amount
        model.paid = "much"  # reject: assignment
        self.model.piad = 3  # reject: attr-defined


class AnyChart(Chart):
    draft = State(initial=True)
    paid = State(final=True)
    pay = Event(draft.to(paid))

    def on_pay(self) -> None:
        assert_type(self.model, Any)


class Evolving(Chart[Order]):
    draft = State(initial=True)
    paid = State(final=True)
    pay = Event(draft.to(paid))

    def evolve(self, value: Order, transition: Transition) -> Order:
        assert_type(super().evolve(value, transition), Order)
        return value.model_copy(update={"state": transition.to_value})


class OfAnother(Chart[Order]):
    def evolve(self, value: Invoice, transition: Transition) -> Order:  # reject: override
        return Order()


class ToAnother(Chart[Order]):
    def evolve(self, value: Order, transition: Transition) -> Invoice:  # reject: override
        return Invoice()


class Partial(Chart[Order]):
    def evolve(self, value: Order) -> Order:  # reject: override
        return value


def machines(order: Order, invoice: Invoice) -> None:
    machine = OrderChart(order)
    assert_type(machine.model, Order)
    assert_type(OrderChart.bound(order), OrderChart)
    assert_type(OrderChart.model_class(), type[Order] | None)
    assert_type(AnyChart(invoice).model, Any)
    OrderChart(invoice)  # reject: arg-type
    OrderChart("draft")  # reject: arg-type
    machine.model = invoice  # reject: assignment


def members(machine: OrderChart) -> None:
    assert_type(OrderChart.paid, State)
    assert_type(machine.fire(OrderChart.pay, amount=3), Transition)
    assert_type(machine.enabled(amount=3), tuple[str, ...])
    print(OrderChart.pya)  # reject: attr-defined
    print(OrderChart.piad)  # reject: attr-defined
    print(OrderChart.paid.finl)  # reject: attr-defined
    machine.fire(OrderChart.paid)  # reject: arg-type
    machine.fire(OrderChart.is_enough)  # reject: arg-type
    machine.fire("pay")  # reject: arg-type
    assert_type(machine.refusals(amount=3), dict[str, str])
    assert_type(machine.require(OrderChart.pay), None)
    machine.enable()  # reject: attr-defined


class WithEffects(Chart[Order]):
    draft = State(initial=True)
    paid = State(final=True)
    pay = Event(draft.to(paid))
    undo = draft.to(draft)

    @effect
    def after_pay(self, model: Order) -> int:
        return model.pirce  # reject: attr-defined

    @effect(pay, undo, "paid", paid, name="old")
    def tell(self, key: str) -> str:
        return key

    seven = effect(7)  # reject: call-overload


def effects(machine: WithEffects, order: Order) -> None:
    assert_type(machine.after_pay(order), int)
    assert_type(machine.tell("key"), str)
    machine.tell(7)  # reject: arg-type
