"""Which name a runner attempts next, and how long it may sleep."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from statechart import Due
from statechart.stored.timers.schedule import Retry, Schedule

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LONGEST = 2.0


def due(seconds: float, timer: str = "a.go") -> Due:
    return Due(timer, timer.rpartition(".")[2], NOW + timedelta(seconds=seconds))


def noted(**timers: float) -> Schedule:
    schedule = Schedule()
    schedule.note_all([(name, (due(seconds),)) for name, seconds in timers.items()], None)
    return schedule


def taken(schedule: Schedule, seconds: float, time: float = 0.0) -> list[str]:
    found = []
    while (name := schedule.take(NOW + timedelta(seconds=seconds), time)) is not None:
        found.append(name)
    return found


def test_names_are_taken_in_the_order_of_their_deadlines_and_none_early() -> None:
    schedule = noted(b=2, a=3, c=1)

    assert taken(schedule, 0.999999) == []
    assert taken(schedule, 2) == ["c", "b"]
    assert taken(schedule, 10) == ["a"]


def test_the_last_deadline_that_was_noted_counts() -> None:
    schedule = noted(a=1, b=1)
    schedule.note("a", [due(5)])
    schedule.note("b", [])

    assert taken(schedule, 4) == []
    assert taken(schedule, 5) == ["a"]


def test_of_several_timers_the_earliest_counts() -> None:
    schedule = Schedule()
    schedule.note("a", [due(5, "a.late"), due(1, "a.soon")])

    assert schedule.wait(NOW, 0.0, LONGEST) == 1.0


def test_names_that_are_gone_are_forgotten() -> None:
    schedule = noted(a=1, b=1)

    schedule.note_all([("b", (due(1),))], None)

    assert taken(schedule, 2) == ["b"]


def test_what_is_noted_of_some_names_says_nothing_of_the_others() -> None:
    schedule = noted(a=1, b=1)

    schedule.note_all([], ["a"])

    assert taken(schedule, 2) == ["b"]


def test_a_name_is_attempted_once_at_a_time_and_again_if_it_changed_meanwhile() -> None:
    schedule = noted(a=1)
    assert taken(schedule, 1) == ["a"]

    schedule.note("a", [due(1)])
    assert taken(schedule, 1) == []
    schedule.give_back("a", [], None)

    assert taken(schedule, 1) == ["a"]
    schedule.give_back("a", [], None)
    assert taken(schedule, 1) == []


def test_a_failed_timer_waits_by_the_clock_that_is_never_set_and_the_others_of_its_name_do_not() -> None:
    schedule = noted(a=1)
    taken(schedule, 1)
    retry = Retry(frozenset({due(1)}), at=100.0, count=1, since=90.0)
    schedule.give_back("a", [due(1), due(3, "a.other")], retry)

    schedule.note("a", [due(1), due(3, "a.other")])  # the lock was let go, which is told as a change
    assert taken(schedule, 2, time=99.9) == []
    assert schedule.wait(NOW + timedelta(seconds=2.5), 99.0, LONGEST) == 0.5
    assert taken(schedule, 3, time=99.9) == ["a"]
    schedule.give_back("a", [due(1)], retry)
    assert taken(schedule, -1000, time=100.0) == ["a"]


def test_a_failed_timer_that_began_anew_does_not_wait() -> None:
    schedule = noted(a=1)
    taken(schedule, 1)
    schedule.give_back("a", [due(1)], Retry(frozenset({due(1)}), at=100.0, count=1, since=90.0))

    schedule.note("a", [due(2)])

    assert taken(schedule, 2, time=91.0) == ["a"]


def test_a_failed_timer_that_runs_no_longer_is_forgotten() -> None:
    schedule = noted(a=1)
    taken(schedule, 1)
    schedule.give_back("a", [due(1)], Retry(frozenset({due(1)}), at=100.0, count=1, since=90.0))

    schedule.note("a", [])

    assert taken(schedule, 1000, time=200.0) == []
    assert schedule.retries == {}


def test_no_sleep_is_long_and_none_is_negative() -> None:
    assert Schedule().wait(NOW, 0.0, LONGEST) == LONGEST
    assert noted(a=1e9).wait(NOW, 0.0, LONGEST) == LONGEST
    assert noted(a=-1e9).wait(NOW, 0.0, LONGEST) == 0.0
    assert noted(a=0.25).wait(NOW, 0.0, LONGEST) == 0.25
    ages = Schedule()
    ages.note("a", [Due("a.go", "go", datetime.max.replace(tzinfo=UTC))])
    assert ages.wait(datetime.min.replace(tzinfo=UTC), 0.0, LONGEST) == LONGEST
