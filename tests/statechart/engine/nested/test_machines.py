"""Machines of nested charts: models of all kinds, failures, payloads, copies and threads."""

from __future__ import annotations

import copy
import pickle
import types
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel

from statechart import Chart, ChartRepository, Configuration, HistoryState, InvalidTransition, State, Timer
from statechart.engine.nested.form import most_kept
from statechart.errors import (
    IllegalConfiguration,
    InvalidPayload,
    InvalidValue,
    MissingPayload,
    NestedFire,
    NotCopyable,
    UnknownEvent,
    UnknownPayload,
)


class Work(Chart[Any]):
    """Two regions; the second microstep of `finish` may fail."""

    idle = State(initial=True)

    class both(State.Parallel):
        class left(State.Compound):
            a = State(initial=True)
            b = State(final=True)
            finish = a.to(b)

        class right(State.Compound):
            x = State(initial=True)
            y = State()
            turn = x.to(y)

        where = HistoryState(type="deep")

    paused = State()
    begin = idle.to(both)
    pause = both.to(paused)
    resume = paused.to(both.where)
    done_state_left = both.left.to(paused, cond="is_open")
    late = both.to(paused)
    timers = (Timer(both, after=timedelta(hours=1), event=late),)

    def is_open(self, model: Any) -> bool:
        return bool(model.is_open)

    def on_transition(self, model: Any) -> None:
        model.count += 1

    def on_enter_paused(self, model: Any, reason: str = "") -> None:
        model.count += 10
        if model.count in model.fails:
            raise model.fails[model.count]


class Mutable(BaseModel):
    state: Configuration | None = None
    count: int = 0
    is_open: bool = True
    fails: dict[int, Any] = {}


class Frozen(Mutable, frozen=True): ...


@dataclass
class Plain:
    state: Any = None
    count: int = 0
    is_open: bool = True
    fails: Any = None


@dataclass(frozen=True)
class Fixed:
    state: Any = None
    count: int = 0
    is_open: bool = True
    fails: Any = None


MODELS: dict[str, Callable[..., Any]] = {
    "a model of pydantic": Mutable,
    "a frozen model": Frozen,
    "a dataclass": Plain,
    "a frozen dataclass": Fixed,
    "an object": lambda fails: SimpleNamespace(state=None, count=0, is_open=True, fails=fails),
}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("kind", MODELS)
def test_a_failure_of_a_later_microstep_leaves_nothing(kind: str, error: type[BaseException]) -> None:
    machine = Work(MODELS[kind](fails={13: error}))
    machine.fire(Work.event("begin"))
    before = copy.deepcopy(machine.model)

    with pytest.raises(error):
        machine.fire(Work.event("finish"))

    assert machine.model == before
    assert machine.active("a")
    assert machine.fire(Work.event("turn")).to_state == "a + y"


def test_a_failed_commit_leaves_nothing() -> None:
    class Failing:
        committed = False

        def __call__(self, transition: object) -> dict[str, object]:
            raise OSError("disk full")

    model = SimpleNamespace(state=None, count=0, is_open=True, fails={})
    machine = Work(model)
    machine.fire(Work.event("begin"))
    before = copy.deepcopy(vars(model))
    machine.commit = Failing()

    with pytest.raises(OSError, match="disk full"):
        machine.fire(Work.event("finish"))

    assert vars(model) == before


def test_a_delay_that_fails_undoes_the_event() -> None:
    class Slow(Chart[Any]):
        idle = State(initial=True)
        waiting = State()
        begin = idle.to(waiting)
        end = waiting.to(idle)
        timers = (Timer(waiting, after=lambda model: model.delay, event=end),)

        def on_begin(self, model: Any) -> None:
            model.count += 1

    model = SimpleNamespace(state=None, count=0, delay="soon")
    machine = Slow(model)

    with pytest.raises(InvalidValue, match="has a delay of the type str"):
        machine.fire(Slow.begin)

    assert (str(model.state), model.count) == ("idle", 0)


def test_a_configuration_that_a_hook_changes_is_committed_as_it_was() -> None:
    class Meddling(Chart[Any]):
        idle = State(initial=True)

        class live(State.Compound):
            one = State(initial=True)
            past = HistoryState()

        begin = idle.to(live)
        rest = live.to(idle)
        back = idle.to(live.past)
        timers = (Timer(live, after=timedelta(hours=1), event=rest),)

        def on_enter_one(self, model: Any) -> None:
            model.state.timers.clear()
            model.state.history["past"] = ("idle",)

    machine = Meddling(Frozen())

    transition = machine.fire(Meddling.begin)

    assert transition.after is not None
    assert [*transition.after.timers] == ["live.rest"]
    assert transition.after.history == {}


class Typed(Chart[Any]):
    """A state within another whose hook takes a payload."""

    idle = State(initial=True)

    class live(State.Compound):
        one = State(initial=True)
        two = State(final=True)
        one.to(two, cond="is_over")

    begin = idle.to(live)
    rest = live.to(idle)

    def is_over(self) -> bool:
        return False

    def on_enter_one(self, amount: int) -> None: ...


@pytest.mark.parametrize(
    ("payload", "error"),
    [({}, MissingPayload), ({"amount": "many"}, InvalidPayload), ({"amuont": 3}, UnknownPayload)],
)
def test_payloads_of_hooks_of_inner_states_are_checked(payload: dict[str, Any], error: type) -> None:
    machine = Typed()

    with pytest.raises(error):
        machine.fire(Typed.event("begin"), **payload)

    assert machine.active("idle")
    assert machine.fire(Typed.event("begin"), amount=3).to_state == "one"


def test_an_error_for_a_payload_names_the_microstep_that_lacks_it() -> None:
    class Following(Chart[Any]):
        idle = State(initial=True)
        passing = State()
        there = State(final=True)
        go = idle.to(passing)
        passing.to(there)

        def on_enter_there(self, amount: int) -> None: ...

    with pytest.raises(MissingPayload, match="a transition without an event, which follows from go"):
        Following().fire(Following.go, amount=3)


def test_raise_is_for_hooks_before_the_commit() -> None:
    class Raising(Chart[Any]):
        idle = State(initial=True)
        go = idle.to.itself()
        stay = idle.to.itself()
        told: tuple[str, ...] = ()

        def after_go(self, model: Any) -> None:
            self.raise_("stay")

        def on_stay(self) -> None:
            self.raise_("nothing")

    machine = Raising()

    with pytest.raises(NestedFire):
        machine.raise_("go")
    assert machine.fire(Raising.go).to_state == "idle"  # what fails after the commit is logged
    with pytest.raises(UnknownEvent):
        machine.fire(Raising.stay)


def raise_for(machine: Any, event: str) -> None:
    machine.raise_(event)


def test_an_event_that_a_function_elsewhere_raises_belongs_into_the_hook() -> None:
    class Calling(Chart[Any]):
        idle = State(initial=True)
        done = State(final=True)
        go = idle.to.itself()
        end = idle.to(done)

        def on_go(self) -> None:
            raise_for(self, "end")

    with pytest.raises(NestedFire, match=r"call self.raise_\('end'\) in the hook itself"):
        Calling().send("go")


def test_machines_are_copied_and_pickled_with_what_they_remember() -> None:
    machine = Work(Mutable())
    for event in ("begin", "turn", "pause"):
        machine.fire(Work.event(event))

    for other in (copy.deepcopy(machine), pickle.loads(pickle.dumps(machine))):
        assert other.fire(Work.event("resume")).to_state == "a + y"

    assert str(machine.model.state) == "paused"


def test_a_machine_that_fires_is_not_copied() -> None:
    class Copying(Chart[Any]):
        idle = State(initial=True)
        busy = State(final=True)
        go = idle.to(busy)
        idle.to(busy, cond="never")

        def never(self) -> bool:
            return False

        def on_go(self) -> None:
            copy.copy(self)

    with pytest.raises(NotCopyable):
        Copying().fire(Copying.go)


def test_a_machine_takes_another_model_and_refuses_one_that_it_can_not_be_in() -> None:
    machine = Work(Mutable())

    machine.model = Mutable(state=Configuration.of(Work, "paused"))

    assert machine.enabled() == ("resume",)
    with pytest.raises(IllegalConfiguration):
        machine.model = Mutable(state=Configuration(active=("a",)))
    assert machine.active("paused")


def test_a_configuration_is_not_set_by_a_state() -> None:
    machine = Work(Mutable())

    for name, value in (("configuration", machine.configuration), ("current_state_value", "paused")):
        with pytest.raises(AttributeError, match="give its model a state"):
            setattr(machine, name, value)

    assert machine.active("idle")


class Meddling(Chart[Mutable]):
    idle = State(initial=True)

    class works(State.Compound):
        a = State(initial=True)
        b = State()
        turn = a.to(b)
        where = HistoryState()

    stopped = State(final=True)
    begin = idle.to(works)
    rest = works.to(idle)
    stop = works.to(stopped, cond="is_open") | idle.to(stopped)
    timers = (Timer(works, after=timedelta(hours=1), event=stop),)

    def is_open(self, model: Mutable) -> bool:
        """It meddles."""
        meddle(model)
        return model.is_open

    def before_rest(self, model: Mutable) -> None:
        meddle(model)
        raise OSError("a hook fails")


def meddle(model: Mutable) -> None:
    assert model.state is not None
    model.state.timers.clear()
    model.state.history["where"] = ("b",)


def test_guards_and_hooks_reach_no_timer_and_no_history_that_is_on_record(tmp_path: Path) -> None:
    repository = ChartRepository(tmp_path, Meddling)
    repository.create("a", Mutable(is_open=False))
    state = repository.fire("a", "begin").state
    assert state is not None
    assert state.timers

    with repository.open("a") as session:
        assert "stop" not in session.allowed()
        with pytest.raises(InvalidTransition):
            session.fire("stop")
        with pytest.raises(OSError, match="a hook fails"):
            session.fire("rest")
        turned = session.fire("turn").state

    assert turned is not None
    assert (turned.timers, turned.history) == (state.timers, {})
    assert repository.verify("a")[0].problems == ()


def region(number: int) -> dict[str, Any]:
    x, y = State(initial=True), State()
    return {f"x{number}": x, f"y{number}": y, f"t{number}": x.to(y) | y.to(x)}


def body(kind: Any, name: str, members: dict[str, Any]) -> Any:
    return types.new_class(name, (kind,), {}, lambda names: names.update(members))


def test_what_is_remembered_of_a_wide_chart_is_bounded_by_its_size() -> None:
    regions = {f"r{n}": body(State.Compound, f"r{n}", region(n)) for n in range(100)}
    wide = body(Chart, "Wide", {"p": body(State.Parallel, "p", regions), "__module__": __name__})
    most, machine, form = most_kept(wide._table), wide(Mutable()), wide._form

    for n in range(2 * most):
        machine.send(f"t{n % 100}" if n % 3 else f"t{n % 13}")
        form.read(Configuration.model_validate_json(machine.model.state.model_dump_json()))

    assert most == 300_000 // 301 + 1
    program = machine._program
    kept = (form._masks, form._named, form._shown, program._chosen, program._plans, program._courses)
    assert all(len(each) <= most + 1 for each in kept)


def test_threads_have_machines_of_their_own() -> None:
    def walked(number: int) -> list[str]:
        found = []
        model: Any = Frozen()
        model = model.model_copy(update={"state": Work.initial()})
        for event in ("begin", "turn", "pause", "resume", "finish")[: 2 + number % 4]:
            transition = Work.bound(model).fire(Work.event(event))
            model = transition.value
            found.append(transition.to_state)
        return found

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(walked, range(200)))

    assert results == [["a + x", "a + y", "paused", "a + y", "paused"][: 2 + n % 4] for n in range(200)]


def test_a_refused_event_changes_nothing_though_others_would_have_come_first() -> None:
    class Opening(Chart[Any]):
        idle = State(initial=True)
        open = State()
        over = State(final=True)
        idle.to(open, cond="is_ready")
        go = idle.to(open)
        end = open.to(over)

        def is_ready(self, model: Any) -> bool:
            return bool(model.ready)

    model = SimpleNamespace(state=None, ready=False)
    machine = Opening(model)
    model.ready = True

    with pytest.raises(InvalidTransition):
        machine.fire(Opening.go)

    assert model.state == "idle"
    assert machine.fire(Opening.end).to_state == "over"


def test_a_configuration_is_equal_by_value_and_knows_its_chart_as_long_as_it_is_unchanged() -> None:
    machine = Work(Mutable())
    machine.fire(Work.event("begin"))
    state = machine.model.state
    assert state is not None

    for same in (
        copy.deepcopy(state),
        pickle.loads(pickle.dumps(state)),
        Configuration.model_validate_json(state.model_dump_json()),
    ):
        assert (same, hash(same)) == (state, hash(state))
    changed = state.model_copy(update={"active": ("idle",), "timers": {}})

    assert "both" in copy.deepcopy(state)
    with pytest.raises(ValueError, match="without its chart"):
        assert "both" in changed
    assert Work(Mutable(state=changed)).active("idle")
    assert "both" not in changed
