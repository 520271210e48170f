"""Walks through flat charts, told in full: hooks, refusals, errors, log lines and files.

`python -m tests.statechart.oracles.golden.walks` writes `expected.json`. It was written by the release that
fired through python-statemachine's engine, and is never written again: later releases have to agree.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from loguru import logger
from pydantic import BaseModel

from statechart import Chart, Event, JsonFileRepository, State, Transition, fire

EXPECTED = Path(__file__).with_name("expected.json")
Told = list[Any]
told: Told = []
"""Whatever happened in the walk that is under way, in order."""


def tell(hook: str, **arguments: object) -> None:
    told.append([hook, {name: str(value) for name, value in arguments.items()}])


class Listener:
    """A listener with hooks of every kind."""

    def before_transition(self, event: str, source: State) -> None:
        tell("listener.before_transition", event=event, source=source.id)

    def on_exit_state(self, state: State, target: State) -> None:
        tell("listener.on_exit_state", state=state.id, target=target.id)

    def on_enter_state(self, state: State, source: State) -> None:
        tell("listener.on_enter_state", state=state.id, source=source.id)

    def after_transition(self, event: str, state: State) -> None:
        tell("listener.after_transition", event=event, state=state.id)


@dataclass
class Book:
    """A book of a library, with hooks of its own."""

    name: str = "dune"
    state: str | None = None
    reserved: bool = False

    def on_exit_lent(self, event: str) -> None:
        tell("model.on_exit_lent", event=event, state=self.state)

    def before_lend(self, reader: str) -> None:
        tell("model.before_lend", reader=reader)


class Library(Chart):
    """Guards, validators and hooks of every kind, with listeners and payloads."""

    record_payload = False
    listeners = [Listener]  # noqa: RUF012  # as users write it

    shelved = State("shelved", initial=True, exit="dust")
    lent = State("lent")
    lost = State("lost", final=True, enter="mourn")

    lend = Event(shelved.to(lent, cond="is_member and not is_banned", validators="check_reader"))
    renew = Event(
        lent.to.itself(cond="is_member", unless="is_wanted", before="note", on="stamp", after="thank")
        | lent.to(shelved, cond="is_banned")
    )
    give_back = lent.to(shelved, on="stamp")
    write_off = Event(shelved.to(lost) | lent.to(lost), id="drop", name="Write off")
    keep = Event(lent.to.itself(internal=True))

    def is_member(self, reader: str = "ann") -> bool:
        """Only members may borrow."""
        return reader != "stranger"

    def is_banned(self, reader: str = "ann") -> bool:
        """The reader is banned."""
        return reader == "bert"

    def is_wanted(self, model: Any) -> bool:
        """Somebody else wants it."""
        return bool(model.reserved)

    def check_reader(self, reader: str) -> None:
        tell("check_reader", reader=reader)
        if reader == "":
            raise ValueError("a reader has a name")

    def dust(self, state: State) -> None:
        tell("dust", state=state.id)

    def mourn(self) -> None:
        tell("mourn", state=self.model.state)

    def note(self, event: str) -> None:
        tell("note", event=event)

    def stamp(self, source: State, target: State, weeks: int = 3) -> None:
        tell("stamp", source=source.id, target=target.id, weeks=weeks)
        if weeks > 9:
            raise LookupError(f"no stamp for {weeks} weeks")

    def thank(self, **rest: object) -> None:
        tell("thank", keys=sorted(rest))
        raise RuntimeError("after the commit")

    @give_back.before
    def greet(self) -> None:
        tell("greet")

    @lent.enter
    def lend_out(self, target: State) -> None:
        tell("lend_out", target=target.id)

    def on_enter_lent(self, machine: object) -> None:
        tell("on_enter_lent", same=machine is self)

    def on_exit_lent(self) -> None:
        tell("on_exit_lent")

    def on_lend(self, reader: str) -> None:
        tell("on_lend", reader=reader)

    def after_lend(self, model: Any) -> None:
        tell("after_lend", state=model.state)


class Level(Enum):
    """Values of states that are not strings."""

    LOW = 1
    HIGH = 2


class Tank(Chart):
    """States whose values are members of an Enum, and one of an integer."""

    low = State("low", initial=True, value=Level.LOW)
    high = State("high", value=Level.HIGH)
    burst = State("burst", final=True, value=9)

    fill = low.to(high)
    drain = high.to(low) | low.to.itself()
    burst_open = Event(high.to(burst), id="explode")

    def on_transition(self, event: str) -> None:
        tell("on_transition", event=event, state=self.model.state)

    def after_transition(self, state: State) -> None:
        tell("after_transition", state=state.value)


class Job(BaseModel, frozen=True):
    """A recorded value."""

    state: str = "queued"
    attempts: int = 0


class JobChart(Chart):
    """A chart of recorded values."""

    log_message = "The job went on"

    queued = State(initial=True)
    running = State()
    failed = State()
    done = State(final=True)

    start = queued.to(running) | failed.to(running, cond="may_retry")
    fail = running.to(failed)
    finish = running.to(done)
    cancel = done.from_(queued, failed)

    def may_retry(self, model: Any) -> bool:
        """It failed too often."""
        return bool(model.attempts < 2)

    def on_enter_failed(self, model: Any) -> None:
        tell("on_enter_failed", attempts=model.attempts, state=model.state)


def counted(job: Job, transition: Transition) -> Job:
    attempts = job.attempts + (transition.event == "start")
    return job.model_copy(update={"state": transition.to_state, "attempts": attempts})


@contextmanager
def lines_told() -> Iterator[None]:
    def sink(message: Any) -> None:
        record = message.record
        extra = {name: value for name, value in record["extra"].items() if name != "duration_ms"}
        error = record["exception"] and repr(record["exception"].value)
        told.append(["log", record["level"].name, record["message"], extra, error])

    logger.enable("statechart")
    logger.remove()
    number = logger.add(sink, level="DEBUG", format="{message}", catch=False)
    try:
        yield
    finally:
        logger.remove(number)
        logger.disable("statechart")


def attempt(name: str, act: Callable[[], object]) -> None:
    told.append(["attempt", name])
    try:
        outcome = act()
    except Exception as error:  # told, whatever it is
        kind = [base.__name__ for base in type(error).__mro__[: type(error).__mro__.index(Exception)]]
        facts = {fact: vars(error).get(fact) for fact in ("allowed", "tried", "state", "subject")}
        told.append(["error", kind, str(error), {fact: value for fact, value in facts.items() if value}])
    else:
        facts = facts_of(outcome) if isinstance(outcome, Transition) else [str(outcome)]
        told.append(["done", *facts])


def facts_of(done: Transition) -> list[Any]:
    return [done.chart, done.event, done.from_state, done.to_state, done.subject, dict(done.payload)]


def in_memory(chart: type[Chart], model: object, steps: list[tuple[str, Mapping[str, Any]]]) -> None:
    def commit(transition: Transition) -> dict[str, object]:
        told.append(["commit", *facts_of(transition)])
        return {"place": "here"}

    commit.committed = False  # type: ignore[attr-defined]
    machine = chart(model, commit=commit)
    for event, payload in steps:
        attempt(f"{event} {payload}", lambda: machine.fire(chart.event(event), **payload))  # noqa: B023
        told.append(["rests", str(machine.model.state), list(machine.enabled(**payload))])
        attempt(f"require {event}", lambda: machine.require(chart.event(event), **payload))  # noqa: B023


def library() -> None:
    steps = [
        ("lend", {"reader": "stranger"}),
        ("lend", {"reader": "bert"}),
        ("lend", {"reader": ""}),
        ("lend", {}),
        ("lend", {"raeder": "ann"}),
        ("lend", {"reader": "ann", "source": 1}),
        ("give_back", {}),
        ("lend", {"reader": "ann"}),
        ("keep", {}),
        ("renew", {"weeks": 12}),
        ("renew", {}),
        ("renew", {"reader": "bert"}),
        ("lend", {"reader": "cleo"}),
        ("give_back", {"weeks": 99}),
        ("give_back", {}),
        ("drop", {}),
        ("drop", {}),
        ("write_off", {}),
    ]
    in_memory(Library, Book(), steps)
    in_memory(
        Library, Book(state="lent", reserved=True), [("renew", {}), ("renew", {"reader": "stranger"})]
    )


def tank() -> None:
    in_memory(Tank, None, [("drain", {}), ("fill", {}), ("fill", {}), ("explode", {}), ("drain", {})])
    in_memory(Tank, SimpleNamespace(state=2, name="t-1"), [("drain", {})])
    attempt("unknown state", lambda: Tank(SimpleNamespace(state="hihg")))


def jobs() -> None:
    with tempfile.TemporaryDirectory() as place:
        repository = JsonFileRepository(place, Job, actor="ann", chart=JobChart)
        repository.create("j-1", Job(), lineage="0" * 32)
        with repository.open("j-1") as session:
            for event in ("fail", "start", "fail", "start", "fail", "start", "cancel", "start"):
                attempt(
                    event,
                    lambda: fire(session, JobChart, JobChart.event(event), evolve=counted),  # noqa: B023
                )
            attempt("wrong", lambda: fire(session, JobChart, JobChart.cancel, evolve=lambda job, _: job))
        repository.create("j-2", Job(), lineage="1" * 32)
        with repository.open("j-2") as session:
            attempt("as it is", lambda: fire(session, JobChart, JobChart.start))
            attempt("unchanged", lambda: fire(session, JobChart, JobChart.fail, evolve=lambda job, _: job))
        for name in ("j-1", "j-2"):
            for file in ("history.jsonl", "state.json"):
                told.append(["file", name, file, stable((Path(place) / name / file).read_text())])


def stable(text: str) -> str:
    """Replace moments, and the hashes that depend on them."""
    text = re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "(moment)", text)
    return re.sub(r"\b[0-9a-f]{64}\b", "(hash)", text)


WALKS = {walk.__name__: walk for walk in (library, tank, jobs)}


def walked(name: str) -> Any:
    """Walk, and return everything that was told, as JSON holds it."""
    told.clear()
    with lines_told():
        WALKS[name]()
    return json.loads(json.dumps(told, default=str))


if __name__ == "__main__":
    logger.remove()
    EXPECTED.write_text(json.dumps({name: walked(name) for name in WALKS}, indent=1) + "\n")
    sys.stdout.write(f"{EXPECTED}\n")
