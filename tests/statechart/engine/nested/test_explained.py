"""What the page on macrosteps says, sentence by sentence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from statechart import (
    Chart,
    ChartRepository,
    Configuration,
    Event,
    HistoryState,
    InternalEvent,
    InvalidTransition,
    Record,
    State,
    Timer,
    Unstable,
    due,
    fire_due,
)


class Model(BaseModel, frozen=True):
    name: str = "it"
    state: Configuration | None = None
    said: tuple[str, ...] = ()
    wait: int = 1


class Plain(BaseModel, frozen=True):
    name: str = "it"
    state: str | None = None
    said: tuple[str, ...] = ()


class Tells:
    """Hooks that tell what is called."""

    def on_enter_state(self, state: State, model: Any) -> None:
        model.said += (f"+{state.id}",)

    def on_exit_state(self, state: State, model: Any) -> None:
        model.said += (f"-{state.id}",)

    def before_transition(self, model: Any) -> None:
        model.said += ("before",)

    def on_transition(self, model: Any) -> None:
        model.said += ("on",)


class Regions(Tells, Chart[Model]):
    class p(State.Parallel):
        class r1(State.Compound):
            a1 = State(initial=True)
            b1 = State()
            go = a1.to(b1)

        class r2(State.Compound):
            a2 = State(initial=True)
            b2 = State()
            go = a2.to(b2)

    away = State()
    go = p.to(away)
    leave = p.to(away)
    back = away.to(p)


def said(machine: Chart[Model]) -> tuple[str, ...]:
    told = machine.model.said
    machine.model = machine.model.model_copy(update={"said": ()})
    return told


def test_a_states_own_transition_comes_first_in_each_region() -> None:
    machine = Regions()
    said(machine)

    transition = machine.send("go")

    assert (transition.from_state, transition.to_state) == ("a1 + a2", "b1 + b2")
    assert machine.send("go").to_state == "away"


def test_hooks_run_before_then_exits_inside_out_then_on_then_entries_in_document_order() -> None:
    machine = Regions()
    said(machine)

    machine.send("leave")

    assert said(machine) == ("before", "-a2", "-r2", "-a1", "-r1", "-p", "on", "+away")
    machine.send("back")
    assert said(machine) == ("before", "-away", "on", "+p", "+r1", "+a1", "+r2", "+a2")


class Shared(Chart[Model]):
    class p(State.Parallel):
        class r1(State.Compound):
            a1 = State(initial=True)
            z1 = State()
            unused1 = a1.to(z1)
            back1 = z1.to(a1)

        class r2(State.Compound):
            a2 = State(initial=True)
            z2 = State()
            unused2 = a2.to(z2)
            back2 = z2.to(a2)

    away = State(final=True)
    leave = p.to(away, cond="may_leave")

    asked = 0

    def may_leave(self) -> bool:
        type(self).asked += 1
        return True


def test_a_shared_transition_is_taken_once_and_its_guard_asked_once() -> None:
    Shared.asked = 0

    transition = Shared().send("leave")

    assert Shared.asked == 1
    assert transition.steps[0].taken == (("p", ("away",)),)


class Rivals(Chart[Model]):
    class p(State.Parallel):
        class r1(State.Compound):
            a1 = State(initial=True)
            b1 = State()
            unused1 = a1.to(b1)
            back1 = b1.to(a1)

        class r2(State.Compound):
            a2 = State(initial=True)
            b2 = State()
            unused2 = a2.to(b2)
            back2 = b2.to(a2)

    first = State(final=True)
    second = State(final=True)
    outer = State(final=True)
    go = Event(p.r1.a1.to(first) | p.r2.a2.to(second))
    inner = Event(p.r2.a2.to(second) | p.to(outer))


@pytest.mark.filterwarnings("ignore")  # of the two regions that claim one event
def test_of_two_in_conflict_the_first_in_the_document_wins_unless_one_is_inside() -> None:
    assert Rivals().send("go").to_state == "first"
    assert Rivals().send("inner").to_state == "second"


class Done(Chart[Model]):
    class p(State.Parallel):
        class r1(State.Compound):
            a1 = State(initial=True)
            f1 = State(final=True)
            end1 = a1.to(f1)

        class r2(State.Compound):
            a2 = State(initial=True)
            f2 = State(final=True)
            end2 = a2.to(f2)

    seen = State()
    done = State(final=True)
    done_state_p = p.to(seen)
    seen.to(done)

    def on_enter_f2(self) -> dict[str, int]:
        return {"amount": 7}

    def on_done_state_p(self, model: Any, amount: int) -> None:
        model.said += (f"done with {amount}",)


def test_eventless_and_done_events_follow_in_one_macrostep() -> None:
    machine = Done()

    machine.send("end1")
    transition = machine.send("end2")

    assert transition.to_state == "done"
    assert [step.event for step in transition.steps] == ["end2", "done.state.p", None]
    assert machine.model.said == ("done with 7",)


def test_a_done_event_can_not_be_fired_and_is_not_listed() -> None:
    with pytest.raises(InternalEvent, match="raises done_state_p itself"):
        Done().send("done_state_p")
    assert Done().enabled() == ("end1", "end2")


class Raising(Chart[Model]):
    idle = State(initial=True)
    half = State()
    done = State(final=True)
    go = idle.to(half)
    more = half.to(done)

    failing = False

    def on_go(self) -> None:
        self.raise_("more")

    def after_go(self, model: Model) -> None:
        assert str(model.state) == "done"

    def on_enter_done(self) -> None:
        if self.failing:
            raise ValueError("no")

    timers = (Timer(half, after=timedelta(days=1), event=more),)


def test_a_raised_event_joins_the_macrostep_and_after_hooks_come_last() -> None:
    transition = Raising().send("go")

    assert [step.event for step in transition.steps] == ["go", "more"]
    assert (transition.from_state, transition.to_state) == ("idle", "done")


def test_an_error_in_the_second_microstep_takes_the_first_one_back(tmp_path: Path) -> None:
    repository = ChartRepository(tmp_path, Raising)
    before = repository.create("it", Model())
    Raising.failing = True
    try:
        with pytest.raises(ValueError, match="no"):
            repository.fire("it", "go")
    finally:
        Raising.failing = False
    assert repository.load("it") == before
    assert len(repository.history("it")) == 1


class Endless(Chart[Model]):
    idle = State(initial=True)

    class loop(State.Compound):
        a = State(initial=True)
        b = State()
        a.to(b, cond="always")
        b.to(a, cond="always")

    end = State(final=True)
    go = idle.to(loop)
    stop = loop.to(end)

    def always(self) -> bool:
        return True


def test_an_endless_loop_is_given_up_and_nothing_has_happened() -> None:
    machine = Endless()

    with pytest.raises(Unstable, match="1000 microsteps") as unstable:
        machine.send("go")

    assert unstable.value.microsteps == 1000
    assert str(machine.model.state) == "idle"


class Remembering(Tells, Chart[Model]):
    class work(State.Compound):
        first = State(initial=True)

        class second(State.Compound):
            c = State(initial=True)
            d = State()
            step = c.to(d)

        step = first.to(second)
        shallow = HistoryState()
        deep = HistoryState(type="deep")
        given = HistoryState()
        given.to(second)

    away = State()
    leave = work.to(away)
    back = away.to(work.shallow)
    back_deep = away.to(work.deep)
    back_given = away.to(work.given)


def test_a_history_enters_what_was_active(tmp_path: Path) -> None:
    repository = ChartRepository(tmp_path, Remembering)
    repository.create("it", Model())
    for event in ("step", "step", "leave"):
        repository.fire("it", event)

    state = repository.load("it").state
    assert state is not None
    assert state.history == {"shallow": ("second",), "deep": ("d",), "given": ("second",)}
    assert str(repository.fire("it", "back").state) == "c"
    for event in ("step", "leave"):
        repository.fire("it", event)
    assert str(repository.fire("it", "back_deep").state) == "d"


def test_a_history_that_remembers_nothing_leads_by_its_transition_or_as_usual() -> None:
    away = Configuration.of(Remembering, "away")

    for event, to_state in (("back", "first"), ("back_deep", "first"), ("back_given", "c")):
        assert Remembering(Model(state=away)).send(event).to_state == to_state


class Kinds(Tells, Chart[Model]):
    class c(State.Compound):
        a = State(initial=True)
        b = State()
        go = a.to(b)

    end = State(final=True)
    inside = c.to(c.a, internal=True)
    outside = c.to(c.a)
    look = c.a.to(None)
    stop = c.to(end)


def test_an_internal_transition_does_not_leave_its_source_and_one_without_a_target_nothing() -> None:
    machine = Kinds()
    machine.send("go")
    said(machine)

    machine.send("inside")
    assert said(machine) == ("before", "-b", "on", "+a")
    machine.send("outside")
    assert said(machine) == ("before", "-a", "-c", "on", "+c", "+a")
    machine.send("look")
    assert said(machine) == ("before", "on")


class Restless(Tells, Chart[Plain]):
    begin = State(initial=True)
    ready = State()
    end = State(final=True)
    begin.to(ready)
    go = ready.to(end)

    def on_go(self) -> None:
        self.raise_("go")


def test_a_stored_value_that_does_not_rest_goes_on_with_the_next_event(tmp_path: Path) -> None:
    repository = ChartRepository(tmp_path, Restless)
    created = repository.create("it", Plain())

    assert (created.state, created.said) == ("begin", ())
    value = repository.fire("it", "go")
    assert value.state == "end"
    assert value.said == ("before", "-begin", "on", "+ready", "before", "-ready", "on", "+end")
    assert events_of(repository.history("it")[-1]) == [None, "go"]


def events_of(record: Record) -> list[object]:
    steps: Any = record.data["steps"]
    return [step["event"] for step in steps]


def test_loading_runs_no_hooks(tmp_path: Path) -> None:
    repository = ChartRepository(tmp_path, Regions)
    repository.create("it", Model())
    repository.fire("it", "go")
    loaded = repository.load("it")

    assert Regions(loaded).model == loaded


class Timed(Chart[Model]):
    class waiting(State.Compound):
        a = State(initial=True)
        b = State()
        go = a.to(b)

    late = State(final=True)
    expire = waiting.to(late, cond="may_expire")
    again = waiting.to(waiting)
    leave = waiting.to(late)
    timers = (Timer(waiting, after=lambda model: timedelta(hours=model.wait), event=expire),)

    def may_expire(self, model: Model) -> bool:
        return model.wait < 9

    def on_enter_waiting(self, model: Any) -> None:
        model.wait += 1


def test_a_timer_begins_with_its_state_after_the_entry_hooks(tmp_path: Path) -> None:
    repository = ChartRepository(tmp_path, Timed)
    repository.create("it", Model())
    value = repository.fire("it", "again")
    at = repository.history("it")[-1].at
    assert value.state is not None

    assert value.state.timers == {"waiting.expire": at + timedelta(hours=2)}
    value = repository.fire("it", "go")
    assert value.state is not None
    assert value.state.timers == {"waiting.expire": at + timedelta(hours=2)}  # its state was not left
    assert repository.fire("it", "leave").state == Configuration(active=("late",))


def test_a_timer_that_nothing_takes_lapses(tmp_path: Path) -> None:
    repository = ChartRepository(tmp_path, Timed)
    repository.create("it", Model(wait=8))
    repository.fire("it", "again")
    now = datetime.now(UTC) + timedelta(hours=10)
    assert [each.timer for each in due(Timed, repository.load("it"), now)] == ["waiting.expire"]

    with repository.open("it") as session:
        (transition,) = fire_due(session.session, Timed, now)

    assert transition.lapsed
    record = repository.history("it")[-1]
    assert (record.type, record.data["timer"]) == ("lapsed", "waiting.expire")
    value = repository.load("it")
    assert value.state == Configuration(active=("a",))
    assert due(Timed, value, now) == ()


def test_names_of_events_are_exact() -> None:
    with pytest.raises(TypeError, match="pattern"):

        class Wild(Chart[Model]):
            class c(State.Compound):
                a = State(initial=True)

            end = State(final=True)
            c.to(end, event="*")


def test_a_refusal_tells_a_reason_for_each_leaf() -> None:
    with pytest.raises(InvalidTransition, match="allowed now are go, leave"):
        Regions().send("back")


class Sides(Chart[Any]):
    class both(State.Parallel, initial=True):
        class left(State.Compound):
            l1 = State(initial=True)
            l2 = State()
            turn = l1.to(l2)

        class right(State.Compound):
            r1 = State(initial=True)
            r2 = State()
            hop = r1.to(r2)

        back = left.to(left.l1, internal=True)

    again = both.to(both.left.l1, internal=True)


def test_an_internal_transition_leaves_a_parallel_source_and_no_compound_one() -> None:
    machine = Sides()
    machine.send("turn")
    machine.send("hop")

    inner = machine.send("back")
    outer = machine.send("again")

    assert [step.exited for step in inner.steps] == [("l2",)]
    assert inner.to_state == "l1 + r2"
    assert outer.steps[0].exited == ("r2", "right", "l1", "left", "both")
    assert outer.to_state == "l1 + r1"
