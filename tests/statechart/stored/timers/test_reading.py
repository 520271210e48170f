"""Which timers are due, of all values of a store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from statechart import ChartRepository, Configuration, due
from statechart.errors import DamagedNames, InvalidValue
from statechart.holder import Holder
from tests.statechart.stored.counting import Counter, Counting
from tests.statechart.stored.timers.waiting import Job, Renamed, Waiting, jobs

LATER = timedelta(days=1)


def test_timers_begin_with_the_record_of_the_creation(any_place: str) -> None:
    repository = jobs(any_place)

    created = repository.create("a", Job(seconds=0.000001))

    assert created.state is not None
    began = repository.history("a")[0].at
    assert created.state.timers == {"waiting.expire": began + timedelta(microseconds=1)}
    assert repository.load("a") == created


def test_due_timers_of_all_names_come_in_the_order_of_their_deadlines(any_place: str) -> None:
    repository = jobs(any_place)
    for name, hours in (("b", 3), ("a", 2), ("c", 1), ("later", 12)):
        repository.create(name, Job(seconds=hours * 3600))
    now = datetime.now(UTC)

    assert list(repository.due(now)) == []
    found = list(repository.due(now + timedelta(hours=6)))
    assert [(name, due.timer, due.event) for name, due in found] == [
        (name, "waiting.expire", "expire") for name in "cab"
    ]
    assert [due.at for _, due in found] == sorted(due.at for _, due in found)


def test_a_timer_is_due_at_its_deadline_to_the_microsecond(any_place: str) -> None:
    repository = jobs(any_place)
    created = repository.create("a", Job())
    assert created.state is not None
    (deadline,) = created.state.timers.values()

    assert list(repository.due(deadline - timedelta(microseconds=1))) == []
    assert [name for name, _ in repository.due(deadline)] == ["a"]


def test_a_state_that_was_left_has_no_timer_and_one_entered_again_begins_anew(any_place: str) -> None:
    repository = jobs(any_place)
    repository.create("a", Job(seconds=10))
    deadlines = []

    for event in ("again", "hold", "release"):
        repository.fire("a", event)
        deadlines.append([due.at for _, due in repository.due(datetime.now(UTC) + LATER)])

    (first,), held, (last,) = deadlines
    assert held == []
    records = {record.event: record.at for record in repository.history("a")}
    assert (first, last) == tuple(records[event] + timedelta(seconds=10) for event in ("again", "release"))


def test_what_is_due_is_fired_once_and_recorded_with_its_deadline(any_place: str) -> None:
    repository = jobs(any_place)
    created = repository.create("a", Job())
    assert created.state is not None
    (deadline,) = created.state.timers.values()

    assert repository.fire_due("a", deadline - timedelta(microseconds=1)) == ()
    (fired,) = repository.fire_due("a", deadline)
    assert repository.fire_due("a", deadline + LATER) == ()

    assert (fired.timer, fired.due, fired.at) == ("waiting.expire", deadline, deadline)
    record = repository.history("a")[-1]
    assert (record.event, record.at, record.data["timer"]) == ("expire", deadline, "waiting.expire")
    assert repository.find("expired") == ["a"]


def test_a_timer_that_nothing_takes_lapses_on_record_and_is_due_no_more(any_place: str) -> None:
    repository = jobs(any_place)
    repository.create("a", Job(is_open=False))
    since = repository.summary("a").since

    (lapsed,) = repository.fire_due("a", datetime.now(UTC) + LATER)

    assert lapsed.lapsed
    assert [record.type for record in repository.history("a")] == ["created", "lapsed"]
    assert list(repository.due(datetime.now(UTC) + LATER)) == []
    assert repository.find("waiting") == ["a"]
    # It changed the value, and entered no state.
    (summary,) = repository.summaries()
    assert (summary.revision, summary.since) == (2, since)  # type: ignore[union-attr]
    assert [change.seq for change in repository.changes()] == [1]
    assert repository.verify("a")[0].intact


def test_a_lapsed_timer_moves_with_its_value(any_place: str, tmp_path: Path) -> None:
    repository = jobs(any_place)
    repository.create("a", Job(is_open=False))
    repository.create("b", Job(seconds=100))
    repository.fire_due("a", datetime.now(UTC) + LATER)
    before = repository.summary("a"), list(repository.due(datetime.now(UTC) + LATER))

    for place in (tmp_path / "files", f"sqlite:///{tmp_path}/moved.db"):
        there = ChartRepository(place, Waiting)
        for name in "ab":
            repository.move(name, there, keep=False)
        assert (there.summary("a"), list(there.due(datetime.now(UTC) + LATER))) == before
        assert all(report.intact for report in there.verify())
        assert list(repository.due(datetime.now(UTC) + LATER)) == []
        repository = there


def test_a_timer_a_hundred_years_ahead_is_kept(any_place: str) -> None:
    repository = jobs(any_place)
    century = timedelta(days=36525)
    repository.create("a", Job(seconds=century.total_seconds()))
    began = repository.history("a")[0].at

    assert list(repository.due()) == []
    ((name, due),) = repository.due(datetime.now(UTC) + 2 * century)
    assert (name, due.at) == ("a", began + century)


def test_a_delay_out_of_the_calendar_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match=r"'a'.*waiting\.expire.*outside of the years"):
        jobs(str(tmp_path)).create("a", Job(seconds=8e11))


def test_a_timer_of_a_state_that_was_removed_needs_a_migration_and_the_others_are_told(
    any_place: str,
) -> None:
    jobs(any_place).create("old", Job())
    repository = ChartRepository(any_place, Renamed)
    repository.create("new", Job())

    with pytest.raises(DamagedNames, match=r"'old' is recorded in a state that needs a migration"):
        list(repository.due(datetime.now(UTC) + LATER))

    damaged = {}
    told = list(repository.due(datetime.now(UTC) + LATER, on_damage=damaged.__setitem__))
    assert ([name for name, _ in told], list(damaged)) == (["new"], ["old"])


def test_a_migration_may_begin_timers(any_place: str) -> None:
    def with_deadline(record):
        state = {"active": ["standing"], "timers": {"standing.expire": "2026-01-01T00:00:00Z"}}
        return record.model_copy(update={"value": {**record.value, "state": state}})

    jobs(any_place).create("old", Job(seconds=1e9))
    migrated = ChartRepository(any_place, Renamed, schema_version=2, migrations={1: with_deadline})

    ((name, due),) = migrated.due()
    assert (name, due.timer, due.at) == ("old", "standing.expire", datetime(2026, 1, 1, tzinfo=UTC))
    migrated.fire_due("old")
    assert migrated.find("expired") == ["old"]


def test_a_damaged_value_is_told_and_the_others_are_due(tmp_path: Path) -> None:
    repository = jobs(str(tmp_path))
    repository.create("a", Job())
    repository.create("b", Job())
    (tmp_path / "a" / "history.jsonl").write_bytes(b"{}\n")
    damaged = {}

    found = list(repository.due(datetime.now(UTC) + LATER, on_damage=damaged.__setitem__))

    assert ([name for name, _ in found], list(damaged)) == (["b"], ["a"])


def test_a_new_beginning_after_damage_keeps_its_timers(tmp_path: Path) -> None:
    repository = jobs(str(tmp_path))
    repository.create("a", Job(seconds=60))
    repository.fire("a", "again")
    before = list(repository.due(datetime.now(UTC) + LATER))
    journal = tmp_path / "a" / "history.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([b"torn\n", *lines[1:]]))

    evidence = repository.store.survey("a")
    repository.store.rebase(evidence, evidence.candidates[0], reason="torn", holder=Holder.current())

    assert list(repository.due(datetime.now(UTC) + LATER)) == before


def test_a_moment_needs_a_time_zone(tmp_path: Path) -> None:
    repository = jobs(str(tmp_path))
    repository.create("a", Job())
    naive = datetime(2026, 1, 1)

    job = repository.load("a")

    asks: tuple[Callable[[], object], ...] = (
        lambda: list(repository.due(naive)),
        lambda: repository.fire_due("a", naive),
        lambda: due(Waiting, job, naive),
        lambda: Waiting(job).fire_due(naive),
    )
    for ask in asks:
        with pytest.raises(ValueError, match="no time zone"):
            ask()


def test_a_chart_without_timers_reads_nothing(tmp_path: Path) -> None:
    counters = ChartRepository(tmp_path, Counting)
    counters.create("a", Counter())
    (tmp_path / "a" / "history.jsonl").write_bytes(b"{}\n")

    assert list(counters.due(datetime.now(UTC) + LATER)) == []


def test_a_configuration_made_for_a_migration_has_no_timers(tmp_path: Path) -> None:
    repository = jobs(str(tmp_path))
    repository.create("a", Job(state=Configuration.of(Waiting, "waiting")))

    assert list(repository.due(datetime.now(UTC) + LATER)) == []
