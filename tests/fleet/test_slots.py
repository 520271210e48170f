"""Slots: takeovers come before new work, and have slots of their own."""

from __future__ import annotations

from contextlib import ExitStack

from environments.fleet.engine.names import QUEUE, TAKEOVERS
from environments.fleet.engine.slots import Slots


def test_takeovers_have_spare_slots_and_may_use_all_others() -> None:
    slots = Slots(4, 1)

    assert (slots.limit(QUEUE), slots.limit(TAKEOVERS)) == (4, 5)
    with ExitStack() as taken:
        for _ in range(4):
            taken.enter_context(slots.taken(QUEUE))
        assert (slots.busy, slots.limit(TAKEOVERS)) == (4, 1)


def test_more_takeovers_than_spare_slots_leave_less_for_new_work() -> None:
    slots = Slots(4, 1)

    with slots.taken(TAKEOVERS):
        assert slots.limit(QUEUE) == 4
        with slots.taken(TAKEOVERS):
            assert slots.limit(QUEUE) == 3


def test_nothing_new_is_begun_while_takeovers_wait() -> None:
    slots = Slots(4, 1)
    slots.waiting = 4

    assert (slots.limit(QUEUE), slots.limit(TAKEOVERS)) == (0, 5)


def test_a_worker_that_drains_takes_nothing() -> None:
    slots = Slots(4, 1)
    slots.is_open = False

    assert (slots.limit(QUEUE), slots.limit(TAKEOVERS)) == (0, 0)


def test_a_queue_in_which_nothing_waits_is_not_asked() -> None:
    slots = Slots(4, 1)
    slots.anything_new = False

    assert (slots.limit_now(QUEUE), slots.limit_now(TAKEOVERS)) == (0, 0)
    slots.anything_new = True
    assert (slots.limit_now(QUEUE), slots.limit_now(TAKEOVERS)) == (4, 0)
    slots.waiting = 1
    assert (slots.limit_now(QUEUE), slots.limit_now(TAKEOVERS)) == (3, 5)
