"""States within states, timers and events of the chart's own are checked when the class is created."""

from __future__ import annotations

from datetime import timedelta
from textwrap import dedent, indent
from typing import Any

import pytest
from pydantic import BaseModel
from statemachine.contrib.timeout import timeout

import statechart
from statechart import Chart, ChartDefinitionError, Configuration, Event, State, Timer

OPEN = """
draft = State(initial=True)
class open(State.Compound):
    asked = State(initial=True)
    paid = State(final=True)
    pay = asked.to(paid)
closed = State(final=True)
place = draft.to(open)
close = open.to(closed)
"""

PAST = """
draft = State(initial=True)
class open(State.Compound):
    asked = State(initial=True)
    paid = State(final=True)
    pay = asked.to(paid)
    past = HistoryState()
    past.to(asked)
closed = State(final=True)
place = draft.to(open)
back = draft.to(open.past)
close = open.to(closed)
"""

SIDE = """
class both(State.Parallel):
    class left(State.Compound):
        a1 = State(initial=True)
        a2 = State(final=True)
        go = a1.to(a2)
    class right(State.Compound):
        b1 = State(initial=True)
        b2 = State(final=True)
        hop = b1.to(b2)
idle = State(initial=True)
closed = State(final=True)
begin = idle.to(both)
close = both.to(closed)
"""


def declare(body: str, *, base: type[Chart] = Chart) -> type[Chart]:
    """Create the chart `Bad` whose class has this body."""
    names = {
        name: getattr(statechart, name) for name in ("State", "Event", "HistoryState", "Timer", "effect")
    }
    scope = {**names, "timedelta": timedelta, "timeout": timeout, "Chart": base}
    exec("class Bad(Chart):\n" + indent(dedent(body).strip("\n"), "    "), scope)
    made: type[Chart] = scope["Bad"]
    return made


def within(where: str, *lines: str, of: str = OPEN) -> str:
    """Return a body with more lines after the line of a member."""
    found = []
    for line in of.splitlines():
        found.append(line)
        if line.strip().startswith(where):
            margin = line[: len(line) - len(line.lstrip())]
            found += [margin + each for each in lines]
    return "\n".join(found) + "\n"


REFUSED: dict[str, tuple[str, str]] = {
    "two states of one name": (
        within("draft", "paid = State()", "finish = paid.to(draft)"),
        "state 'paid': its value 'paid' can't be told apart from 'paid', that of another state",
    ),
    "a class that is no state": (
        """
        draft = State(initial=True)
        class closed:
            filed = State()
            burnt = State(final=True)
        done = State(final=True)
        close = draft.to(done)
        """,
        "class 'closed' in the body of the chart has 'filed', and is no state: write class "
        "closed(State.Compound), or State.Parallel for regions",
    ),
    "a transition to a class that is no state": (
        OPEN.replace("class open(State.Compound):", "class open:"),
        "<class 'open'> is no state: give a transition the state itself, and write class ",
    ),
    "a class that is no state, in the body of a state": (
        SIDE.replace("class right(State.Compound):", "class right:"),
        "class 'right' in the body of state 'both' has 'b1', and is no state: write ",
    ),
    "an event with the name of a state within": (
        OPEN + "paid = open.to(closed)",
        "event 'paid' has the name of a state; rename it",
    ),
    "a state within that hides an attribute of a chart": (
        within("paid", "fire = State()", "burn = asked.to(fire) | fire.to(asked)"),
        "state 'fire' hides an attribute of Chart; rename it",
    ),
    "a state within that hides the question for active states": (
        within("paid", "active = State()", "act = asked.to(active) | active.to(asked)"),
        "state 'active' hides an attribute of Chart; rename it",
    ),
    "a state within that hides an attribute of a state": (
        within("paid", "enter = State()"),
        "state 'open': the state 'enter' within it hides an attribute of State; rename it",
    ),
    "an event within that hides an attribute of a state": (
        within("pay ", "exit = asked.to(paid)"),
        "state 'open': the event 'exit' within it hides an attribute of State; rename it, or declare it in "
        "the body of the chart",
    ),
    "a state within that is declared twice": (
        within("asked", "asked = State(initial=True)"),
        "in the body of state 'open', state 'asked' is declared twice, and the first is lost: rename or "
        "remove one",
    ),
    "an event within that is declared twice": (
        within("pay ", "pay = asked.to(asked)"),
        "in the body of state 'open', event 'pay' is declared twice, and the first is lost: join their "
        "transitions with |",
    ),
    "a hook within that is declared twice": (
        within("pay ", "def on_pay(self): pass", "def on_pay(self): return 1"),
        "in the body of state 'open', method 'on_pay' is declared twice, and the first is lost: rename or "
        "remove one",
    ),
    "timers in the body of a state": (
        within("pay ", "timers = ()"),
        "attribute 'timers' is lost in the body of state 'open': declare it in the body of the chart",
    ),
    "an effect in the body of a state": (
        within("pay ", "@effect", "def after_pay(self, model): pass"),
        "effect 'after_pay' is lost in the body of state 'open': declare it in the body of the chart",
    ),
    "a misspelt hook of a state within": (
        OPEN + "def on_enter_piad(self): pass",
        "Bad.on_enter_piad is never called: did you mean on_enter_paid?",
    ),
    "a misspelt hook in the body of a state": (
        within("pay ", "def on_enter_piad(self): pass"),
        "Bad.on_enter_piad is never called: did you mean on_enter_paid?",
    ),
    "a hook of a done event that is not declared": (
        OPEN + "def on_done_state_open(self): pass",
        "Bad.on_done_state_open is never called, as no event has this name: declare done_state_open = "
        "open.to(...)",
    ),
    "an event of any state within a state": (
        within("pay ", "leave = paid.from_.any()"),
        "state 'open': the event 'leave' leads from any state, which is lost within a state: name the "
        "states "
        "that it leads from",
    ),
    "a target that is a string": (
        OPEN + "again = draft.to('open')",
        "'open' is no state: give a transition the state itself",
    ),
    "a done event of no state": (
        OPEN + "done_state_opne = open.to(closed)",
        "event 'done_state_opne' waits for the end of 'opne', which is no state of the chart: did you mean "
        "done_state_open?",
    ),
    "a done event of a state without others": (
        OPEN + "done_state_asked = open.to(closed)",
        "event 'done_state_asked' waits for the end of 'asked', which has no states within it: name the "
        "state around these, or fire an event",
    ),
    "a done event of a state without a final one": (
        OPEN.replace("paid = State(final=True)", "paid = State()") + "done_state_open = open.to(closed)",
        "event 'done_state_open' waits for the end of 'open', and no state within 'open' is final: declare "
        "one by State(final=True)",
    ),
    "a done event of a region without a final state": (
        SIDE.replace("b2 = State(final=True)", "b2 = State()") + "done_state_both = both.to(closed)",
        "event 'done_state_both' waits for the end of 'both', and no state within 'right' is final: "
        "declare "
        "one by State(final=True)",
    ),
    "the end of an invocation": (
        OPEN + "done_invoke_open = open.to(closed)",
        "event 'done_invoke_open' is never raised, as nothing is invoked: do the work outside of the "
        "chart, "
        "then fire an event",
    ),
    "an event for errors": (
        OPEN + "error_execution = open.to(closed)",
        "event 'error_execution' is never raised, as an error in a hook undoes the whole event: catch the "
        "error in the hook, and raise_ an event of another name",
    ),
    "errors as events": (OPEN + "catch_errors_as_events = True", "catch_errors_as_events must stay False"),
    "a timeout of the engine": (
        within(
            "draft", "late = State(invoke=timeout(5, on='pay'))", "wait = draft.to(late) | late.to(draft)"
        ),
        "state 'late' invokes work; do the work outside of the chart, then fire; for a timeout, give the "
        "chart a Timer",
    ),
    "a delayed event": (
        OPEN + "late = Event(open.to(closed), delay=10)",
        "event 'late' is delayed, in memory only: give the chart a timer, such as "
        "timers = (Timer(state, after=timedelta(...), event=...),)",
    ),
    "a delayed event within a state": (
        within("pay ", "late = Event(asked.to(paid), delay=10)"),
        "event 'late' is delayed, in memory only: give the chart a timer, such as "
        "timers = (Timer(state, after=timedelta(...), event=...),)",
    ),
    "an async hook of a state within": (
        OPEN + "async def on_enter_paid(self): pass",
        "callback 'on_enter_paid' is async; do asynchronous work in a command, then fire",
    ),
    "a pattern of events": (
        OPEN + "draft.to(closed, event='pay*')",
        "event 'pay*' is a pattern, so the allowed events could not be listed: name the events, joined "
        "by |",
    ),
    "every event": (
        OPEN + "draft.to(closed, event='*')",
        "event '*' is a pattern, so the allowed events could not be listed: name the events, joined by |",
    ),
    "an internal transition of an atomic state": (
        within("pay ", "look = asked.to(asked, internal=True)"),
        "a transition from 'asked' is internal, and 'asked' has no states within it: leave the target "
        "away, "
        "so that the state is neither left nor entered",
    ),
    "an internal transition that leads out": (
        OPEN + "leave = open.to(closed, internal=True)",
        "a transition is internal, and leads out of its state: leave `internal` away, or lead to a state "
        "within",
    ),
    "two initial states": (
        within("asked", "billed = State(initial=True)", "bill = asked.to(billed) | billed.to(asked)"),
        "state 'open' has 2 initial states (asked, billed): leave one",
    ),
    "a parallel state without regions": (
        OPEN + "class both(State.Parallel): pass\nsplit = draft.to(both)\njoin = both.to(closed)",
        "state 'both' is parallel and has no regions: put states into it",
    ),
    "a final region": (
        SIDE.replace("class right(", "over = State(final=True)\n    class right("),
        "state 'over' is final and a region of 'both': put it into a compound state",
    ),
    "a final state with a transition": (
        within("pay ", "again = paid.to(asked)"),
        "state 'paid' is final and has transitions: take them from the state around it",
    ),
    "a history state outside": (
        OPEN + "past = HistoryState()\nback = draft.to(past)",
        "history state 'past' is in no other state: put it into the state whose past it remembers",
    ),
    "a history state with a guard": (
        within("pay ", "past = HistoryState()", "past.to(asked, cond='is_new')")
        + "back = draft.to(open.past)",
        "the transition of the history state 'past' has an event or a guard: write past.to(...) by itself",
    ),
    "a history state that leads out": (
        within("pay ", "past = HistoryState()") + "open.past.to(closed)\nback = draft.to(open.past)",
        "history state 'past' leads out of 'open': give it a target within",
    ),
    "a history state with two defaults": (
        within("pay ", "past = HistoryState()", "past.to(asked)", "past.to(paid)")
        + "back = draft.to(open.past)",
        "history state 'past' has 2 transitions: leave one, to where it leads at first",
    ),
    "targets that can't be active together": (
        OPEN + "both = draft.to([open.asked, open.paid])",
        "a transition from 'draft' leads to 'asked' and 'paid', which can't be active together: lead to "
        "states in different regions of a State.Parallel",
    ),
    "targets without anything around": (
        OPEN + "both = draft.to([open.asked, closed])",
        "a transition from 'draft' leads to 'asked' and 'closed', which can't be active together: lead to "
        "states in different regions of a State.Parallel",
    ),
    "a value that is no string": (
        OPEN.replace("paid = State(final=True)", "paid = State(final=True, value=7)"),
        "state 'paid' has the value 7, but configurations name states by strings: give a string, or no "
        "value",
    ),
    "a value like two states": (
        OPEN.replace("paid = State(final=True)", "paid = State(final=True, value='a + b')"),
        "state 'paid' has the value 'a + b', which can't be told apart in a configuration such as 'a + b': "
        "rename it",
    ),
    "a guard that asks for a lost state": (
        OPEN + "again = open.to(open, cond=\"In('piad')\")",
        "again from open asks for In('piad'), and the chart has no such state: did you mean 'paid'?",
    ),
    "a guard that is a state within": (
        OPEN + "again = open.to(open, cond='paid')",
        "again from open names 'paid', which is a state: name a guard or hook, or ask for In('paid')",
    ),
    "two states of one name with other values": (
        OPEN
        + """
class later(State.Compound):
    asked = State(value="asked again")
wait = draft.to(later)
give_up = later.to(closed)""",
        "2 states are called 'asked': rename all but one, as records name states",
    ),
    "a compound state without others": (
        OPEN + "class later(State.Compound): pass",
        "state 'later' is compound and has no states within it: put states into it, or declare it "
        "by State()",
    ),
    "an initial transition beside an initial state": (
        OPEN + "open.to(open.paid, initial=True)",
        "state 'open' begins in 'paid' and 'asked': mark one by initial=True, instead of a transition",
    ),
    "a hook of a history state": (
        PAST + "def on_enter_past(self): pass",
        "Bad.on_enter_past is never called, as the history state 'past' is never active itself: give hooks "
        "to the states that it leads to",
    ),
    "a hook that a default of a history state does not run": (
        PAST.replace("past.to(asked)", "past.to(asked, before='tell')") + "def tell(self): pass",
        "the transition of the history state 'past' has 'before', which would not run: give it by on=...",
    ),
    "an effect of a history state": (
        PAST + "@effect('past')\ndef tell(self, model): pass",
        "effect tell names 'past', which is neither an event nor a state",
    ),
    "a history state of another type": (
        PAST.replace("HistoryState()", "HistoryState(type='depp')"),
        "'depp' is not a valid HistoryType: give 'shallow' or 'deep'",
    ),
    "a timer by another name": (
        OPEN + "timer = (Timer(open.asked, after=timedelta(1), event=close),)",
        "timer has a timer that is not in timers: write timers = (timer, ...)",
    ),
    "a timer on the name of a state": (
        OPEN + "timers = (Timer('asked', after=timedelta(1), event=close),)",
        "a timer is on the string 'asked': give the state itself",
    ),
    "a timer of an event that the chart raises": (
        OPEN + "done_state_open = open.to(closed)\n"
        "timers = (Timer(open, after=timedelta(1), event=done_state_open),)",
        "the timer on 'open' fires 'done_state_open', which the chart raises itself when states end: give "
        "an event of the same transition",
    ),
    "a delay that takes no model": (
        OPEN + "timers = (Timer(open, after=lambda: timedelta(1), event=close),)",
        "the timer on 'open' takes its delay from a function that can't be called (too many positional "
        "arguments): declare it as after(model)",
    ),
    "a timer of nothing": (
        OPEN + "timers = Timer(open.asked, after=timedelta(1), event=close)",
        "timers is a Timer: give a tuple of Timer(state, after=..., event=...)",
    ),
    "a timer on a final state": (
        OPEN + "timers = (Timer(open.paid, after=timedelta(1), event=close),)",
        "the timer on 'paid' would never fire, as it is a final state: give it to a state that waits",
    ),
    "a timer whose event the state does not take": (
        OPEN + "timers = (Timer(draft, after=timedelta(1), event=close),)",
        "the timer on 'draft' fires 'close', which 'draft' does not take: declare a transition of 'close' "
        "from it",
    ),
    "a timer of a misspelt event": (
        OPEN + "timers = (Timer(open.asked, after=timedelta(1), event='clsoe'),)",
        "the timer on 'asked' fires 'clsoe', which is no event of the chart: did you mean 'close'?",
    ),
    "a timer in no time": (
        OPEN + "timers = (Timer(open.asked, after=timedelta(0), event=close),)",
        "the timer on 'asked' has a delay of 0:00:00: give a longer one, or a transition without an "
        "event, "
        "which takes no time",
    ),
    "a timer in numbers": (
        OPEN + "timers = (Timer(open.asked, after=30, event=close),)",
        "the timer on 'asked' has a delay of the type int: give a timedelta",
    ),
    "two timers of one name": (
        OPEN + "timers = (Timer(open, after=timedelta(1), event=close), "
        "Timer(open, after=timedelta(2), event=close))",
        "two timers are called 'open.close': let one fire another event",
    ),
    "a loop of one state": (
        OPEN + "draft.to(draft)",
        "a transition from 'draft' has no event and no guard and leads back to it, without an end: give "
        "it a "
        "guard",
    ),
    "a loop of two states": (
        OPEN + "open.to(draft)\ndraft.to(open)",
        "draft → asked → draft is a loop of transitions without an event, or of events that the chart "
        "raises itself, and it has no end: give one of them a guard, or an event",
    ),
    "a loop of done events": (
        SIDE.replace("a1 = State(initial=True)", "a1 = State(initial=True, final=True)")
        .replace("a2 = State(final=True)", "a2 = State()")
        .replace("go = a1.to(a2)", "")
        + "done_state_left = both.left.to(both.left)",
        "a1 + b1 → a1 + b1 is a loop of transitions without an event, or of events that the chart raises "
        "itself, and it has no end: give one of them a guard, or an event",
    ),
    "a state within that nothing enters": (
        within("asked", "lost = State()", "find = lost.to(asked)"),
        "state 'lost' can't be reached from the initial state",
    ),
    "a configuration that leads to no end": (
        SIDE.replace("close = both.to(closed)", "close = idle.to(closed)\nagain = both.to(both)").replace(
            "a2 = State(final=True)", "a2 = State()"
        ),
        "configuration 'a1 + b1' leads to no final state: add a transition that does, or set "
        "validate_final_reachability = False",
    ),
    "a configuration without a way out": (
        SIDE.replace("close = both.to(closed)", "close = idle.to(closed)").replace(
            "a2 = State(final=True)", "a2 = State()"
        ),
        "configuration 'a2 + b2' has no way out and is not final",
    ),
}


@pytest.mark.parametrize("mistake", REFUSED)
def test_a_chart_with_this_mistake_is_refused(mistake: str) -> None:
    body, sentence = REFUSED[mistake]

    with pytest.raises(ChartDefinitionError) as caught:
        declare(body)

    assert sentence in str(caught.value)


def test_a_mistake_in_a_timer_is_told_without_a_doubt_about_the_model() -> None:
    class Order(BaseModel):
        state: Configuration | None = None

    with pytest.raises(ChartDefinitionError) as error:

        class _Late(Chart[Order]):
            open = State(initial=True)
            closed = State(final=True)
            close = Event(open.to(closed))
            timers = (Timer(closed, after=timedelta(1), event=close),)

    assert str(error.value) == (
        "chart _Late: the timer on 'closed' would never fire, as it is a final state: give it to a state "
        "that waits"
    )


def test_a_chart_with_timers_has_no_state_that_reads_like_two() -> None:
    with pytest.raises(
        ChartDefinitionError, match=r"can't be told apart in a configuration such as 'a \+ b'"
    ):

        class _Waiting(Chart[Any]):
            open = State("open", value="left + right", initial=True)
            closed = State(final=True)
            close = Event(open.to(closed))
            timers = (Timer(open, after=timedelta(1), event=close),)


def test_a_model_that_would_read_its_configuration_as_another_type_is_refused() -> None:
    class Order(BaseModel):
        state: Any = None

    with pytest.raises(ChartDefinitionError) as error:

        class _Waiting(Chart[Order]):
            open = State(initial=True)
            closed = State(final=True)
            close = Event(open.to(closed))
            timers = (Timer(open, after=timedelta(1), event=close),)

    assert str(error.value) == (
        "chart _Waiting: Order.state can't be a configuration (it is stored, and read as a dict): write "
        "`state: Configuration | None = None`"
    )


def test_a_configuration_of_a_flat_chart_is_refused_in_a_sentence() -> None:
    class Order(BaseModel):
        state: Configuration | None = None

    with pytest.raises(ChartDefinitionError) as error:

        class _Flat(Chart[Order]):
            open = State(initial=True)
            closed = State(final=True)
            close = Event(open.to(closed))

    assert str(error.value) == (
        "chart _Flat: Order.state is a Configuration, and _Flat has neither states within states nor "
        "timers: write `state: str`"
    )


def test_a_guard_that_nothing_has_is_told_with_its_transition_without_an_event() -> None:
    class Order(BaseModel):
        state: str = "open"

    with pytest.raises(
        ChartDefinitionError, match="the transition without an event from open names 'is_quikc', which"
    ):

        class _Quick(Chart[Order]):
            open = State(initial=True)
            closed = State(final=True)
            open.to(closed, cond="is_quikc")
            close = Event(open.to(closed))

            def is_quick(self) -> bool:
                return True


def test_events_of_the_body_of_a_state_serve_timers_effects_and_other_events() -> None:
    chart = declare(
        OPEN
        + "timers = (Timer(open.asked, after=timedelta(1), event=open.pay),)\n"
        + "@effect(open.pay)\ndef tell(self, model): pass"
    )

    assert chart.open.pay is chart.pay  # type: ignore[attr-defined]  # of the body above
    assert [each.name for each in chart._alarms.values()] == ["asked.pay"]
    machine = chart()
    machine.send("place")
    assert machine.send("pay").effects == ("tell",)


def test_a_history_state_that_nothing_leads_to_is_warned_of() -> None:
    with pytest.warns(
        statechart.ChartWarning, match="chart Bad: no transition leads to the history state 'past'"
    ):
        declare(PAST.replace("back = draft.to(open.past)", ""))


def test_a_state_around_others_has_a_name_for_people() -> None:
    chart = declare(
        OPEN.replace("class open(State.Compound)", "class open(State.Compound, name='At work')")
    )

    assert chart.open.name == "At work"  # type: ignore[attr-defined]  # of the body above


def test_the_first_target_of_a_history_may_be_written_as_the_engine_has_it() -> None:
    chart = declare(PAST.replace("    past.to(asked)", "    _ = past.to(asked)"))

    assert [event.id for event in chart.events] == ["pay", "place", "back", "close"]
    assert chart().send("back").to_state == "asked"


@pytest.mark.parametrize("body", [SIDE, "both = State(initial=True)\nrest = State()\nstop = both.to(rest)"])
def test_a_chart_that_borrows_the_states_of_another_is_refused(body: str) -> None:
    lender = declare(body if body == SIDE else body + "\ngo = rest.to(both)")
    borrowed = lender.both  # type: ignore[attr-defined]  # of the bodies above

    with pytest.raises(ChartDefinitionError) as caught:

        class _Borrower(Chart):
            first = State(initial=True)
            both = borrowed
            go = first.to(both)

    assert str(caught.value) == (
        "chart _Borrower: state 'both' is one of the chart Bad: declare one for each chart"
    )


def test_a_docstring_that_the_engine_would_draw_falsely_is_refused() -> None:
    with pytest.raises(
        ChartDefinitionError, match=r"python-statemachine draws Bad falsely.*diagram\.render"
    ):
        declare('"""Orders: {statechart:mermaid}"""\n' + OPEN)
