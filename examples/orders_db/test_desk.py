"""Tests of the shop: its tables and its orders share a file, and keep out of each other's way."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest
from desk import main
from orders import Order, OrderChart, connected, orders


def rows(statement: str, *values: object) -> list[tuple[object, ...]]:
    with closing(connected()) as database:
        return database.execute(statement, values).fetchall()


def invoices(number: str) -> list[tuple[object, ...]]:
    return rows("SELECT number, price FROM invoice WHERE number = ?", number)


def test_an_order_is_paid_invoiced_and_shipped(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("order A-1 ann 7", "pay A-1 5", "pay A-1 7", "ship A-1", "report")

    codes = [main(line.split()) for line in words]

    said = capsys.readouterr()
    assert codes == [0, 1, 0, 0, 0]
    assert said.out.splitlines() == [
        "A-1 is draft", "A-1 is paid", "A-1 is shipped", "ann: 7 invoiced, 0 open",
    ]  # fmt: skip
    assert "the amount is not what the order costs" in said.err
    assert invoices("A-1") == [("A-1", 7)]


def test_an_invoice_that_was_written_before_a_crash_is_written_once() -> None:
    orders.create("B-1", Order(customer=1, price=3))
    orders.fire("B-1", OrderChart.pay, amount=3)
    (due,) = orders.due_effects("B-1")
    with closing(connected()) as database, database:  # as a run that died before it said so
        database.execute("INSERT INTO invoice VALUES (?, 'B-1', 1, 3)", (due.key,))

    orders.run_effects("B-1")

    assert (invoices("B-1"), orders.due_effects("B-1")) == ([("B-1", 3)], [])


def test_an_event_waits_while_the_application_writes() -> None:
    orders.create("C-1", Order(customer=1, price=3))
    firing = threading.Thread(target=orders.fire, args=("C-1", "pay"), kwargs={"amount": 3})
    with closing(connected()) as database:
        database.execute("BEGIN IMMEDIATE")
        database.execute("INSERT INTO customer (name) VALUES ('cleo')")
        firing.start()
        firing.join(0.3)
        assert firing.is_alive()
        assert orders.load("C-1").state == "draft"  # readers do not wait
        database.rollback()
    firing.join()

    assert orders.load("C-1").state == "paid"
    assert rows("SELECT name FROM customer WHERE name = 'cleo'") == []
