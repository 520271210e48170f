"""The doubts about a chart, of which its declaration warns, and what stops a walk."""

from __future__ import annotations

import time
import warnings
from datetime import timedelta
from typing import Any

import pytest

from statechart import Chart, ChartDefinitionError, ChartWarning, HistoryState, State, Timer
from statechart.graph import configurations, findings, lints


def test_two_regions_that_claim_one_event_are_told_with_their_place() -> None:
    with pytest.warns(ChartWarning) as caught:

        class Torn(Chart):
            class both(State.Parallel):
                class left(State.Compound):
                    a1 = State(initial=True)

                class right(State.Compound):
                    b1 = State(initial=True)

            first = State(final=True)
            second = State(final=True)
            go = both.left.a1.to(first) | both.right.b1.to(second)
            skip = both.to(second)

    (doubt,) = caught
    assert str(doubt.message) == (
        "chart Torn: 'go' is claimed by two regions at once, a1 → first and b1 → second, which leave the "
        "same states: only the first is taken; let one of them have another event"
    )
    assert doubt.filename == __file__


def test_a_region_may_take_an_event_before_the_state_around_it() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        class Nested(Chart):
            class both(State.Parallel):
                class left(State.Compound):
                    a1 = State(initial=True)
                    a2 = State()
                    a1.to(a2, event="go")

                class right(State.Compound):
                    b1 = State(initial=True)

            out = State(final=True)
            go = both.to(out)

    assert lints(Nested) == ()


def test_a_transition_behind_one_without_a_guard_is_never_taken() -> None:
    with pytest.warns(
        ChartWarning, match="the transition draft → open by 'place' is never taken: another one"
    ):

        class Shadowed(Chart):
            draft = State(initial=True)

            class open(State.Compound):
                asked = State(initial=True)

            done = State(final=True)
            place = draft.to(done) | draft.to(open)
            begin = draft.to(open)
            end = open.to(done)

    assert len(lints(Shadowed)) == 1


def test_a_history_that_remembers_nothing_asks_for_a_default() -> None:
    def declare(*, default: bool) -> type[Chart]:
        class Resumed(Chart):
            draft = State(initial=True)

            class open(State.Compound):
                asked = State(initial=True)
                paid = State()
                pay = asked.to(paid)
                past = HistoryState()
                if default:
                    past.to(paid)

            done = State(final=True)
            begin = draft.to(open)
            resume = draft.to(open.past)
            end = open.to(done)

        return Resumed

    with pytest.warns(ChartWarning) as caught:
        declare(default=False)

    assert str(caught[0].message) == (
        "chart Resumed: history state 'past' may be entered while it remembers nothing, and leads to the "
        "initial states of 'open' then: say so by a transition from it, such as past.to(...)"
    )
    assert lints(declare(default=True)) == ()


def test_a_timer_whose_event_is_guarded_may_lapse() -> None:
    with pytest.warns(
        ChartWarning, match=r"the timer 'waiting\.expire' lapses if the guards of its event refuse"
    ):

        class Late(Chart):
            waiting = State(initial=True)
            gone = State(final=True)
            expire = waiting.to(gone, cond="is_late")
            timers = (Timer(waiting, after=timedelta(1), event=expire),)

            def is_late(self) -> bool:
                return True

    assert len(lints(Late)) == 1


def test_a_loop_that_a_guard_can_stop_is_no_mistake() -> None:
    class Turning(Chart):
        one = State(initial=True)
        two = State()
        end = State(final=True)
        one.to(two, cond="is_hot")
        two.to(one)
        stop = one.to(end)

        def is_hot(self) -> bool:
            return False

    assert findings(Turning).mistakes == ()


def test_a_doubt_can_be_filtered_like_any_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=ChartWarning, message="chart Known: the transition")

        class Known(Chart):
            on = State(initial=True)
            off = State(final=True)
            on.to(None, event="tick")
            tick = on.to(off)
            stop = on.to(off)

    assert Known().enabled() == ("tick", "stop")


def many(regions: int, guard: str | None = None, *, lost: bool = False) -> type[Chart]:
    """Declare a chart with `regions` regions of three states: 3 ** regions configurations."""
    body: dict[str, Any] = {}
    for number in range(regions):
        names = [f"r{number}{letter}" for letter in "abc"]
        parts = [State(initial=letter == 0) for letter in range(3)]
        members: dict[str, Any] = dict(zip(names, parts, strict=True))
        for one, two in ((0, 1), (1, 2), (2, 0)):
            parts[one].to(parts[two], event="turn" if guard else f"e{number}{one}", cond=guard)
        if lost and not number:
            members["lost"] = State()
            members["lost"].to(parts[0], event="find")
        body[f"r{number}"] = type(State.Compound)(f"r{number}", (State.Compound,), members)
    both = type(State.Parallel)("both", (State.Parallel,), body)
    out = State(final=True)
    chart: type[Chart] = type(Chart)(
        "Many", (Chart,), {"both": both, "out": out, "leave": both.to(out), "may": lambda self: True}
    )
    return chart


def test_a_chart_with_too_many_configurations_is_declared_quickly_and_its_lints_say_so() -> None:
    begun = time.process_time()
    chart = many(12)

    assert time.process_time() - begun < 30  # half a million configurations take minutes
    assert configurations(chart, limit=50).note.startswith("only the nearest 50 configurations")
    found = findings(chart, limit=50)
    assert found.mistakes == found.doubts == ()
    assert found.note == (
        "Many has too many configurations: beyond 50, neither ways out nor transitions that are never "
        "taken were looked for"
    )


def test_guards_with_too_many_answers_stop_the_walk() -> None:
    chart = many(14, "may")

    assert not configurations(chart).is_whole


def test_a_state_that_nothing_enters_is_found_beyond_the_limit_too() -> None:
    with pytest.raises(
        ChartDefinitionError, match="chart Many: state 'lost' can't be reached from the initial"
    ):
        many(9, lost=True)
