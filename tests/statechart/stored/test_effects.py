"""Effects that are due in a store are run, each at least once, and recorded."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr

from statechart import Chart, ChartRepository, DamagedNames, MissingPayload, NotFound, State, effect
from statechart.holder import Holder
from statechart.storage.segments.due import due
from statechart.storage.segments.size import Segment
from statechart.stored.migrations import rename_field

CALLS: list[tuple[object, ...]] = []
FAILING: set[str] = set()


class Order(BaseModel, frozen=True):
    state: str = "draft"
    price: int = 7


def called(what: str, *details: object) -> None:
    CALLS.append((what, *details))
    if what in FAILING:
        raise ValueError(f"{what} is\nout of order")


class OrderChart(Chart[Order]):
    draft = State(initial=True)
    paid = State()
    shipped = State(final=True)
    pay = draft.to(paid)
    ship = paid.to(shipped)

    @effect(pay)
    def receipt(self, model: Order, key: str) -> None:
        called("receipt", model, key)

    @effect(pay, ship)
    def note(self, name: str, event: str, from_state: str, to_state: str) -> None:
        called("note", name, event, from_state, to_state)


@pytest.fixture(autouse=True)
def _nothing_was_called():
    CALLS.clear()
    FAILING.clear()


@pytest.fixture
def orders(tmp_path):
    return ChartRepository(tmp_path / "data", OrderChart)


@pytest.fixture
def anywhere(any_place):
    return ChartRepository(any_place, OrderChart)


def begun(orders, *names, event="pay"):
    for name in names:
        if not orders.exists(name):
            orders.create(name, Order())
        orders.fire(name, event)


def told(outcomes):
    return [(each.name, each.effect, each.status) for each in outcomes]


def test_the_record_names_the_effects_that_are_due(orders):
    begun(orders, "A-1")

    assert orders.history("A-1")[-1].data["effects"] == ["receipt", "note"]
    assert CALLS == []


def test_what_is_due_is_listed_and_nothing_is_changed(anywhere, tmp_path):
    begun(anywhere, "A-1")

    receipt, note = anywhere.due_effects()

    assert (receipt.effect, receipt.name, receipt.event, receipt.to_state) == (
        *("receipt", "A-1", "pay", "paid"),
    )
    assert (note.effect, note.revision, note.attempts, note.error) == ("note", 2, 0, None)
    assert anywhere.due_effects("A-1") == [receipt, note]
    assert not (tmp_path / "values/.effects").exists()


def test_effects_are_run_in_order_and_only_once(anywhere):
    begun(anywhere, "A-1", "A-2")
    begun(anywhere, "A-2", event="ship")
    lineage = anywhere.store.load("A-1").head.lineage

    outcomes = anywhere.run_effects()

    assert told(outcomes) == [
        ("A-1", "receipt", "done"),
        ("A-1", "note", "done"),
        ("A-2", "receipt", "done"),
        ("A-2", "note", "done"),
        ("A-2", "note", "done"),
    ]
    assert CALLS[0] == ("receipt", Order(state="paid"), f"{lineage}/2/receipt")
    assert CALLS[2][1] == Order(state="paid")  # as it was after that transition
    assert CALLS[4] == ("note", "A-2", "ship", "paid", "shipped")
    assert all(each.recorded and each.attempts == 1 for each in outcomes)
    assert (anywhere.run_effects(), anywhere.due_effects(), len(CALLS)) == ([], [], 5)
    assert anywhere.store.load("A-2").head.revision == 3


def test_an_effect_that_exits_fails_as_any_other(orders, monkeypatch):
    begun(orders, "A-1")
    monkeypatch.setattr(f"{__name__}.called", lambda *_: sys.exit(3))

    outcomes = orders.run_effects()

    assert [(each.status, each.error) for each in outcomes] == [("failed", "SystemExit: 3")] * 2


def test_an_effect_that_fails_stays_due_and_holds_up_no_other(anywhere):
    begun(anywhere, "A-1", "A-2")
    FAILING.add("receipt")

    first = anywhere.run_effects()
    waiting = anywhere.run_effects()
    forced = anywhere.run_effects(force=True)
    FAILING.clear()
    last = anywhere.run_effects("A-1", force=True)

    assert [each.status for each in first] == ["failed", "done"] * 2
    assert [(each.status, each.attempts) for each in waiting] == [("skipped", 1)] * 2
    assert "it waits after a failed attempt: ValueError: receipt is out of order" in waiting[0].error
    assert [(each.status, each.attempts) for each in forced] == [("failed", 2)] * 2
    assert [(each.status, each.attempts) for each in last] == [("done", 3)]
    assert [(each.name, each.attempts, each.error) for each in anywhere.due_effects()] == [
        ("A-2", 2, "ValueError: receipt is out of order")
    ]
    keys = {call[2] for call in CALLS if call[0] == "receipt"}
    assert len(keys) == 2


def test_each_wait_is_twice_the_one_before_up_to_an_hour(orders):
    begun(orders, "A-1")
    now = datetime(2026, 1, 1, tzinfo=UTC)
    (receipt, _) = due(orders.history("A-1"))

    waits = [receipt.model_copy(update={"attempts": n}).next_attempt(now) - now for n in (0, 1, 2, 9, 99)]

    assert waits == [timedelta(seconds=10), timedelta(seconds=20), timedelta(seconds=40)] + (
        [timedelta(hours=1)] * 2
    )


def test_a_limit_counts_the_effects_that_are_called(anywhere):
    begun(anywhere, "A-1", "A-2", "A-3")

    assert told(anywhere.run_effects(limit=3)) == [
        ("A-1", "receipt", "done"),
        ("A-1", "note", "done"),
        ("A-2", "receipt", "done"),
    ]
    assert anywhere.run_effects(limit=0) == []
    assert len(anywhere.due_effects()) == 3
    assert len(anywhere.run_effects()) == 3
    with pytest.raises(ValueError, match="from 0, not -1"):
        anywhere.run_effects(limit=-1)


class Chain(Chart[Order]):
    """An order whose card is charged by an effect, which fires the outcome."""

    draft = State(initial=True)
    charging = State()
    paid = State(final=True)
    pay = draft.to(charging)
    accept = charging.to(paid)

    @effect(charging)
    def charge(self, repository: ChartRepository[Order], name: str) -> None:
        repository.fire(name, Chain.accept)

    @effect(paid)
    def receipt(self) -> None:
        called("receipt")


def test_an_effect_may_fire_on_its_own_name_and_what_that_makes_due_is_run_too(any_place):
    orders = ChartRepository(any_place, Chain)
    begun(orders, "A-1")

    outcomes = orders.run_effects("A-1")

    assert told(outcomes) == [("A-1", "charge", "done"), ("A-1", "receipt", "done")]
    assert orders.load("A-1").state == "paid"


class Endless(Chart[Order]):
    """A chart whose effect makes itself due again."""

    draft = State(initial=True)
    turn = draft.to(draft)

    @effect
    def again(self, repository: ChartRepository[Order], name: str) -> None:
        repository.fire(name, Endless.turn)


def test_effects_that_never_end_are_bounded_by_the_limit(tmp_path):
    orders = ChartRepository(tmp_path, Endless)
    begun(orders, "A-1", event="turn")

    assert told(orders.run_effects(limit=3)) == [("A-1", "again", "done")] * 3
    assert len(orders.due_effects()) == 1


def chart_with(**methods):
    draft, paid = State(initial=True), State(final=True)
    body = {"draft": draft, "paid": paid, "pay": draft.to(paid)}
    return type(Chart)("OrderChart", (Chart,), {**body, **methods})


def store(orders, chart):
    return ChartRepository(orders.store.where, chart, model=Order)


def test_an_effect_that_the_chart_has_no_more_stays_due_and_is_named(orders):
    begun(orders, "A-1")
    renamed = chart_with(receipts=effect("pay")(lambda self: called("receipts")))
    kept = chart_with(receipts=effect("pay", name="receipt")(lambda self: called("receipts")))

    outcomes = store(orders, renamed).run_effects()
    assert [each.status for each in outcomes] == ["skipped", "skipped"]
    assert "has no effect receipt: did you mean receipts?" in outcomes[0].error
    assert '@effect(..., name="receipt")' in outcomes[0].error

    assert told(store(orders, kept).run_effects())[0] == ("A-1", "receipt", "done")
    assert CALLS == [("receipts",)]


def test_a_name_whose_effects_are_being_run_is_left_to_that_run(anywhere):
    begun(anywhere, "A-1", "A-2")
    other = anywhere._effects._outbox.lock("A-1")
    other.acquire(Holder.current("run effects"))
    try:
        outcomes = anywhere.run_effects()
    finally:
        other.release()

    assert told(outcomes)[:2] == [("A-1", "receipt", "skipped"), ("A-1", "note", "skipped")]
    assert "another run has them ('A-1' is locked" in outcomes[0].error
    assert [each.status for each in outcomes[2:]] == ["done", "done"]


def test_an_effect_is_not_called_while_its_outcome_could_not_be_recorded(anywhere):
    begun(anywhere, "A-1", "A-2")

    with anywhere.open("A-1"):
        outcomes = anywhere.run_effects(timeout=0)

    assert [each.status for each in outcomes] == ["skipped", "skipped", "done", "done"]
    assert "its outcome could not be recorded: 'A-1' is locked" in outcomes[0].error
    assert [call[0] for call in CALLS] == ["receipt", "note"]


def test_an_outcome_that_was_not_recorded_says_so_and_the_effect_stays_due(anywhere):
    left_open = []
    leave = effect("pay")(lambda self, repository, name: left_open.append(repository.open(name)))
    anywhere = store(anywhere, chart_with(leave=leave))
    begun(anywhere, "A-1")

    (outcome,) = anywhere.run_effects(timeout=0)
    left_open[0].close()

    assert (outcome.status, outcome.recorded) == ("done", False)
    assert "the outcome is not recorded, and the effect stays due: 'A-1' is locked" in outcome.error
    assert [each.key for each in anywhere.due_effects()] == [outcome.key]


def test_a_name_that_was_deleted_meanwhile_is_told(anywhere):
    def delete(self, repository, name):
        repository.delete(name)
        repository.create(name, Order())

    anywhere = store(anywhere, chart_with(delete=effect("pay")(delete)))
    begun(anywhere, "A-1")

    (outcome,) = anywhere.run_effects()

    assert (outcome.status, outcome.recorded) == ("done", False)
    assert "'A-1' was deleted and created again" in outcome.error


def test_a_name_that_is_deleted_by_an_effect_ends_its_run(anywhere):
    delete = effect("pay")(lambda self, repository, name: repository.delete(name))
    anywhere = store(anywhere, chart_with(delete=delete, more=effect("pay")(lambda self: called("more"))))
    begun(anywhere, "A-1")

    deleted, more = anywhere.run_effects()

    assert (deleted.status, deleted.recorded, more.status, CALLS) == ("done", False, "skipped", [])
    assert "there is no 'A-1'" in more.error


def test_a_damaged_name_is_an_outcome_and_holds_up_no_other(orders, tmp_path):
    begun(orders, "A-1", "A-2")
    journal = tmp_path / "data/A-1/history.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"price":7', b'"price":8'))

    outcomes = orders.run_effects()

    assert (outcomes[0].name, outcomes[0].status, outcomes[0].effect) == ("A-1", "skipped", "")
    assert "changed after it was written" in outcomes[0].error
    assert [each.status for each in outcomes[1:]] == ["done", "done"]
    told: list[str] = []
    assert orders.due_effects(on_damage=lambda name, error: told.append(name)) == []
    assert told == ["A-1"]
    with pytest.raises(DamagedNames):
        orders.due_effects()
    with pytest.raises(NotFound):
        orders.run_effects("B-1")


def test_a_payload_is_given_as_its_annotations_say(orders):
    def tell(self, amount: Decimal, model: Missing) -> None:  # noqa: F821
        called("tell", amount)

    orders = store(orders, chart_with(tell=effect("pay")(tell)))
    orders.create("A-1", Order())
    said = {"event": "pay", "from_state": "draft", "to_state": "paid", "effects": ["tell"]}
    with orders.files.open("A-1") as session:
        session.commit(
            "transition", Order(state="paid"), expected=1, data={**said, "payload": {"amount": "7.50"}}
        )
        session.commit(
            "transition", Order(state="paid"), expected=2, data={**said, "payload": {"amount": "x"}}
        )
        session.commit("transition", Order(state="paid"), expected=3, data=said)

    done, wrong, lacking = orders.run_effects()

    assert (done.status, CALLS) == ("done", [("tell", Decimal("7.50"))])
    assert "ValidationError: 1 validation error for decimal Input should be" in wrong.error
    assert "lacks the payload amount, which its effect tell takes" in lacking.error


def test_an_event_without_the_payload_of_its_effects_is_refused_before_anything_is_written(orders):
    def tell(self, to, cc="", **rest):
        called("tell", to, cc, rest)

    orders = store(orders, chart_with(tell=effect("pay")(tell)))
    orders.create("A-1", Order())
    with pytest.raises(MissingPayload, match="lacks the payload to, which its effect tell takes"):
        orders.fire("A-1", "pay", cc="b@c")
    assert orders.load("A-1").state == "draft"

    orders.fire("A-1", "pay", to="a@b", more=1)
    orders.run_effects()

    assert CALLS == [("tell", "a@b", "", {"more": 1})]


def test_a_secret_does_not_reach_an_effect_as_asterisks(orders):
    orders = store(orders, chart_with(tell=effect("pay")(lambda self, pin: called("tell", pin))))
    orders.create("A-1", Order())
    orders.fire("A-1", "pay", pin=SecretStr("1234"))

    (outcome,) = orders.run_effects()

    assert (outcome.status, CALLS) == ("failed", [])
    assert "the payload pin was a secret, which is not recorded" in outcome.error


def test_an_effect_that_is_due_sees_the_value_as_migrated(anywhere):
    begun(anywhere, "A-1")
    chart = chart_with(note=effect("pay")(lambda self, model, event: called("note", model.cost, event)))

    class Costly(BaseModel, frozen=True):
        state: str = "draft"
        cost: int

    def migrated(migrate):
        options = {"schema_version": 2, "migrations": {1: migrate}}
        return ChartRepository(anywhere.store.where, chart, model=Costly, **options)

    broken = migrated(lambda record: 1 / 0).run_effects()
    good = migrated(rename_field("price", "cost")).run_effects()

    assert [each.status for each in broken] == ["skipped", "skipped"]
    assert "ZeroDivisionError" in broken[1].error
    assert [each.status for each in good] == ["skipped", "done"]  # it has no effect `receipt`
    assert CALLS == [("note", 7, "pay")]


def test_names_without_anything_due_are_not_read_again(orders, tmp_path, monkeypatch):
    begun(orders, "A-1", "A-2", "A-3")
    orders.run_effects()
    orders.run_effects()
    read = []
    look = orders._effects._outbox.__class__._may_have
    monkeypatch.setattr(
        "statechart.stored.files.outbox.FileOutbox._may_have",
        lambda self, name: (read.append(name), look(self, name))[1],
    )

    assert (orders.run_effects(), read) == ([], [])
    begun(orders, "A-2", event="ship")
    assert told(orders.run_effects()) == [("A-2", "note", "done")]
    assert read == ["A-2"]
    (tmp_path / "data/.effects/settled.json").write_text("torn {")
    assert orders.run_effects() == []
    assert read == ["A-2", "A-1", "A-2", "A-3"]


def test_two_processes_at_once_run_each_effect_once(anywhere, tmp_path):
    count = 6
    log = tmp_path / "log"

    def tell(self, key):
        with log.open("a") as file:
            file.write(f"{key}\n")

    anywhere = store(anywhere, chart_with(tell=effect("pay")(tell)))
    begun(anywhere, *(f"A-{n}" for n in range(count)))
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            try:
                anywhere.run_effects()
                anywhere.run_effects()
            finally:
                os._exit(0)
        children.append(child)
    threads = [threading.Thread(target=anywhere.run_effects) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for child in children:
        os.waitpid(child, 0)
    anywhere.run_effects()

    lines = log.read_text().split()
    assert len(lines) == len(set(lines)) == count


class Turns(Chart[Order]):
    """A chart whose values change again and again."""

    draft = State(initial=True)
    paid = State()
    turn = draft.to(paid) | paid.to(draft)

    @effect(paid)
    def tell(self, key: str, to: Decimal) -> None:
        called("tell", key, to)


def test_what_is_due_is_carried_from_segment_to_segment(tmp_path):
    orders = ChartRepository(tmp_path, Turns, segment=Segment(records=4))
    orders.create("A-1", Order())
    for number in range(12):
        orders.fire("A-1", "turn", to=Decimal(number))
    lineage = orders.files.load("A-1").head.lineage
    ended = sorted((tmp_path / "A-1").glob("history.*-*.jsonl"))
    assert len(ended) > 2
    for file in ended:
        file.rename(tmp_path / file.name)
    FAILING.add("tell")
    orders.run_effects(limit=1)
    FAILING.clear()

    before = orders.due_effects()
    outcomes = orders.run_effects(force=True)

    assert [each.attempts for each in before] == [1, 0, 0, 0, 0, 0]
    assert [each.key for each in outcomes] == [f"{lineage}/{2 * n}/tell" for n in range(1, 7)]
    assert CALLS[1:] == [("tell", f"{lineage}/{2 * n}/tell", Decimal(2 * n - 2)) for n in range(1, 7)]
    assert orders.due_effects() == []
    for file in ended:
        (tmp_path / file.name).rename(file)
    assert [report.problems for report in orders.verify()] == [()]
    assert due(orders.history("A-1")) == []


def lose_first_line(directory):
    journal = directory / "history.jsonl"
    journal.write_bytes(b"lost\n" + journal.read_bytes().split(b"\n", 1)[1])


@pytest.mark.parametrize("segment", [Segment(records=4), Segment()], ids=["segments", "one"])
def test_what_is_due_keeps_its_keys_when_the_first_record_is_lost(tmp_path, segment):
    orders = ChartRepository(tmp_path, Turns, segment=segment)
    orders.create("A-1", Order())
    for number in range(8):
        orders.fire("A-1", "turn", to=Decimal(number))
        orders.run_effects(limit=number == 1)
    before = [each.key for each in orders.due_effects()]
    assert len(before) == 3

    lose_first_line(tmp_path / "A-1")
    evidence = orders.files.survey("A-1")
    orders.files.rebase(evidence, evidence.candidates[0], reason="test", holder=Holder.current())

    assert [each.key for each in orders.due_effects()] == before
    assert [each.key for each in orders.run_effects()] == before


def test_what_is_due_is_carried_on_when_a_history_is_begun_anew(orders, tmp_path):
    begun(orders, "A-1")
    FAILING.add("receipt")
    orders.run_effects()
    before = orders.due_effects()
    journal = Path(tmp_path / "data/A-1/history.jsonl")
    journal.write_bytes(journal.read_bytes() + b"damage\n{}\n")
    evidence = orders.files.survey("A-1")
    orders.files.rebase(evidence, evidence.candidates[0], reason="test", holder=Holder.current())

    assert orders.due_effects() == before
    FAILING.clear()
    assert told(orders.run_effects(force=True)) == [("A-1", "receipt", "done")]
    assert orders.due_effects() == []


@pytest.fixture
def prompt(tmp_path):
    return ChartRepository(tmp_path / "data", OrderChart, effects_at_once=True)


async def test_effects_at_once_are_run_after_the_commit_and_never_fail_the_event(prompt):
    prompt.create("A-1", Order())
    FAILING.add("receipt")

    assert prompt.fire("A-1", "pay").state == "paid"
    assert [call[0] for call in CALLS] == ["receipt", "note"]
    assert [each.effect for each in prompt.due_effects()] == ["receipt"]
    assert (await prompt.afire("A-1", "ship")).state == "shipped"

    assert [call[0] for call in CALLS] == ["receipt", "note", "note"]  # that which failed waits


def test_effects_of_a_session_are_run_at_its_end_unless_it_ends_with_an_error(prompt):
    prompt.create("A-1", Order())
    with contextlib.suppress(KeyError), prompt.open("A-1") as session:
        session.fire("pay")
        raise KeyError
    assert CALLS == []

    with prompt.open("A-1") as session:
        session.fire("ship")
        assert CALLS == []

    assert [call[0] for call in CALLS] == ["receipt", "note", "note"]
    assert prompt.due_effects() == []
