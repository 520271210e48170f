"""Wishes, as two workers carry them out: in order, cancelled, left to others, handed over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest

from environments.fleet.engine.names import SCHEMA
from environments.fleet.fleet import Fleet
from environments.fleet.wishes import WishStatus
from environments.model.failure import FailureCause
from tests.fleet.harness import Crowd, crowd, wait_for
from tests.fleet.world import read

KEY = "ENVCHART_TEST_KEY"


@pytest.fixture(scope="module")
def pair(fleet_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    """Return a fleet with two workers, of which only the first has a variable."""
    with crowd(fleet_url, tmp_path_factory.mktemp("pair"), seconds=0.02) as made:
        made.start("one", "--slots", "4", **{KEY: "1"})
        made.start("two", "--slots", "4")
        made.ready(2)
        yield made


def ended(people: Crowd, *numbers: str) -> list[WishStatus]:
    """Wait until wishes have ended, and return them in this order."""
    wait_for(lambda: all(each.is_over for each in people.fleet.wishes(numbers)), people.told)
    found = {each.id: each for each in people.fleet.wishes(numbers)}
    return [found[number] for number in numbers]


def test_a_wish_goes_to_the_worker_that_can_do_it(pair: Crowd) -> None:
    names = [f"needy-{number}" for number in range(4)]
    pair.create(*names, needs=KEY)

    wishes = ended(pair, *pair.fleet.submit(names).wishes.values())

    assert [each.condition for each in wishes] == ["reached"] * 4, pair.told()
    assert all((each.worker or "").startswith("one-") for each in wishes)


def test_a_wish_that_no_worker_can_do_fails_with_the_reasons(pair: Crowd) -> None:
    pair.create("hopeless", needs="NOBODY_HAS_THIS")

    (wish,) = ended(pair, *pair.fleet.submit("hopeless").wishes.values())

    assert (wish.condition, wish.ending and wish.ending.code) == ("failed", "unfit")
    assert wish.message.count("NOBODY_HAS_THIS is not set") == 2
    assert pair.workspace.load("hopeless").state.name == "created"  # nothing was begun


def test_wishes_for_an_environment_are_carried_out_in_order(pair: Crowd) -> None:
    pair.create("ordered")
    numbers = [pair.fleet.submit("ordered", to=goal).wishes["ordered"] for goal in ("running", "destroyed")]

    wishes = ended(pair, *numbers)

    assert [each.ending and each.ending.state for each in wishes] == ["running", "destroyed"]
    assert pair.judged("ordered").violations == []


def test_a_cancellation_ends_the_command_after_its_step(pair: Crowd) -> None:
    pair.create("cancelled", seconds=0.8)
    (number,) = pair.fleet.submit("cancelled").wishes.values()
    wait_for(lambda: any(line.what == "begin" for line in read(pair.log, "cancelled")), pair.told)

    pair.fleet.cancel("cancelled", by="ann@lab")

    (wish,) = ended(pair, number)
    environment = pair.workspace.load("cancelled")
    assert (wish.condition, wish.cancelled_by) == ("cancelled", "ann@lab")
    assert environment.state.name != "running"
    if (failure := environment.failure) is not None:  # or it came after the last step of a command
        assert (failure.cause, "cancelled by ann@lab" in failure.summary) == (FailureCause.CANCELLED, True)
    assert {line.step for line in read(pair.log, "cancelled") if line.what == "begin"} == {
        line.step for line in read(pair.log, "cancelled") if line.what == "end"
    }


def test_work_of_older_programs_is_done_and_that_of_newer_ones_waits(fleet_url: str, pair: Crowd) -> None:
    pair.create("older", "newer")
    older = Fleet(fleet_url, workspace=pair.workspace, version="0.0.9")
    newer = Fleet(fleet_url, workspace=pair.workspace, version="99.0")

    asked = newer.submit("newer")
    (wish,) = ended(pair, *older.submit("older").wishes.values())

    assert wish.condition == "reached"
    assert "no worker runs version 99.0" in asked.notes[0]
    (waiting,) = pair.fleet.status(["newer"])
    assert (waiting.condition, waiting.waits_for) == ("queued", "no worker runs version 99.0")
    (cancelled,) = pair.fleet.cancel("newer")
    assert cancelled.condition == "cancelled"


def test_the_rows_of_the_queue_hold_strings_as_json(fleet_url: str, pair: Crowd) -> None:
    pair.create("plain")
    numbers = [pair.fleet.submit("plain", to=goal).wishes["plain"] for goal in ("running", "restart")]
    ended(pair, *numbers)

    with psycopg.connect(fleet_url) as connection:
        kept = [
            row
            for table, column in (
                ("workflow_input", "inputs"),
                ("workflow_output", "output"),
                ("operation_outputs", "output"),
            )
            for row in connection.execute(f"SELECT {column} FROM {SCHEMA}.{table}")  # type: ignore[arg-type]
        ]

    assert len(kept) > 4
    for (text,) in kept:
        found = json.loads(text)
        assert isinstance(found, str) or all(isinstance(each, str) for each in found["args"])


def test_a_worker_that_drains_hands_over_what_it_can_not_finish(pair: Crowd) -> None:
    names = [f"handed-{number}" for number in range(6)]  # more than the slots of one
    pair.create(*names, seconds=0.5)
    numbers = pair.fleet.submit(names).wishes.values()
    wait_for(lambda: all(each.busy for each in pair.fleet.workers()), pair.told)

    leaving = pair.workers.pop("two")
    pair.fleet.drain("two", within=timedelta())

    assert leaving.wait(60) == 0
    assert {each.condition for each in ended(pair, *numbers)} == {"reached"}, pair.told()
    assert {each.state.name for each in pair.workspace.summaries() if each.name in names} == {"running"}
    assert pair.judged(*names).violations == []
