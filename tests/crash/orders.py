"""Orders whose transitions have effects: the commands that are killed, and the look at what is left."""

from __future__ import annotations

import fcntl
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from statechart import Chart, ChartRepository, State, effect
from statechart.errors import AlreadyExists
from statechart.storage.record import Record
from statechart.storage.segments.size import Segment

NAME = "A-1"
PREFIX = "order "
"""How the commands begin that are carried out here."""


class Order(BaseModel, frozen=True):
    """An order, and the place of the world in which its effects are seen."""

    world: Path
    state: str = "draft"


class Orders(Chart[Order]):
    """Orders: a card is charged by an effect, which fires an event on the same name."""

    draft = State(initial=True)
    charging = State()
    paid = State(final=True)
    pay = draft.to(charging)
    accept = charging.to(paid)

    @effect(pay)
    def receipt(self, model: Order, key: str) -> None:
        """Write a receipt."""
        seen(model.world, key)

    @effect(charging)
    def charge(self, model: Order, key: str, name: str, repository: ChartRepository[Order]) -> None:
        """Charge the card, and tell the outcome unless it was told already."""
        seen(model.world, key)
        if repository.load(name).state == "charging":
            repository.fire(name, Orders.accept)

    @effect(paid)
    def thanks(self, model: Order, key: str) -> None:
        """Say thank you."""
        seen(model.world, key)


def seen(world: Path, key: str) -> None:
    """Do something durable with a key, and notice another process that is doing so."""
    inside = os.open(world / "inside", os.O_WRONLY | os.O_CREAT, 0o600)
    log = os.open(world / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        try:
            fcntl.flock(inside, fcntl.LOCK_EX | fcntl.LOCK_NB)  # that of a dead process is free
        except BlockingIOError:
            os.write(log, b"\ntwo at once;")
        os.write(log, f"\n{key};".encode())
        os.fsync(log)
    finally:
        os.close(log)
        os.close(inside)


def log_of(world: Path) -> list[str]:
    """Return the keys that were seen whole in a world: a process may have died within a line."""
    try:
        lines = (world / "log").read_text().split("\n")
    except FileNotFoundError:
        return []
    return [line[:-1] for line in lines if line.endswith(";")]


def store(place: Path, **options: Any) -> ChartRepository[Order]:
    """Return the orders of a place; their histories change segments while effects are run."""
    return ChartRepository(place / "data", Orders, segment=Segment(records=3), **options)


def carry_out(command: str, place: Path) -> None:
    """Run a command."""
    orders = store(place)
    match command.removeprefix(PREFIX):
        case "create":
            orders.create(NAME, Order(world=place / "world"))
        case "pay":
            orders.fire(NAME, Orders.pay)
        case "pay at once":
            store(place, effects_at_once=True).fire(NAME, Orders.pay)
        case "run":
            orders.run_effects(timeout=0)
        case _:
            raise ValueError(command)


@dataclass(slots=True)
class OrderAftermath:
    """What is left of a command on an order; see `Aftermath`."""

    command: str
    place: Path
    said: list[str]
    wrong: list[str] = field(default_factory=list)
    way: str = ""

    def look(self) -> None:
        """Read the remains; then go on until nothing is due, and compare what was done."""
        orders = store(self.place)
        records = orders.history(NAME) if orders.exists(NAME) else []
        self.wrong += self._lost(records)
        due = {each.key for each in orders.due_effects()}
        if due != set(_made_due(records)) - set(_done(records)):
            self.wrong.append(f"{sorted(due)} is due after {[record.data for record in records]}")
        self._go_on(orders)
        self._compare(orders)

    def _lost(self, records: list[Record]) -> Iterator[str]:
        paid = any(record.data.get("event") == "pay" for record in records)
        if "command" in self.said and self.command != "order create" and not paid:
            yield "it said that it was done, and the event is lost"
        acknowledged = max((int(word[4:]) for word in self.said if word.startswith("seq ")), default=0)
        if acknowledged > len(records):
            yield f"record {acknowledged} was acknowledged, and there are {len(records)}"
        for key in set(_done(records)) - set(log_of(self.place / "world")):
            yield f"{key} is recorded as done, and was not"

    def _go_on(self, orders: ChartRepository[Order]) -> None:
        self.way = "begun anew"
        try:
            orders.create(NAME, Order(world=self.place / "world"))
        except AlreadyExists:
            self.way = "went on" if orders.due_effects() else "was done"
        if orders.load(NAME).state == "draft":
            orders.fire(NAME, Orders.pay)
        for outcome in orders.run_effects(force=True):
            if outcome.status != "done" or not outcome.recorded:
                self.wrong.append(f"{outcome}")

    def _compare(self, orders: ChartRepository[Order]) -> None:
        """Compare the world with the history: each effect was seen, under one key, and is done once."""
        records, log = orders.history(NAME), log_of(self.place / "world")
        self.wrong += [each for each in log if each == "two at once"]
        if orders.load(NAME).state != "paid" or orders.due_effects():
            self.wrong.append(f"it ended in {orders.load(NAME).state} with {orders.due_effects()} due")
        if set(log) != set(_made_due(records)):
            self.wrong.append(f"{sorted(set(log))} was done, and due was {_made_due(records)}")
        if Counter(_done(records)) != Counter(_made_due(records)):
            self.wrong.append(f"{_made_due(records)} was due, and {_done(records)} was recorded as done")
        for report in orders.verify(NAME):
            self.wrong += map(str, report.problems)


def _made_due(records: list[Record]) -> list[str]:
    """Return the keys of all effects that the transitions of a history made due."""
    lineage = records[0].data["lineage"] if records else ""
    found = []
    for record in records:
        effects = record.data.get("effects", [])
        assert isinstance(effects, list)
        found += [f"{lineage}/{record.revision}/{name}" for name in effects]
    return found


def _done(records: list[Record]) -> list[str]:
    return [str(record.data["key"]) for record in records if record.data.get("status") == "done"]
