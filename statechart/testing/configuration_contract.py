"""The contract of stores whose values have configurations as their states, and timers.

Inherit from `ConfigurationContract` in a test module, and pytest runs the contract over your store.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel

from statechart.configuration import Configuration
from statechart.holder import Holder
from statechart.storage.chain import LAPSED

_ANN = Holder.current("ann's command")


class Clocked(BaseModel, frozen=True):
    """A value whose state is a configuration with timers."""

    state: Configuration = Configuration(active=("idle",))


CLOCKED = Clocked(
    state=Configuration(
        active=("packing", "awaiting"),  # in document order, which no store may change
        history={"where_it_was": ("packing", "paid")},
        timers={
            "b.expire": datetime(2026, 1, 1, 12, 0, 0, 1, UTC),
            "a.expire": datetime(9999, 12, 31, 23, 59, 59, 999999, UTC),
        },
    )
)


class ConfigurationContract:
    """The tests of configurations and their timers. Override the fixture `clocked` to run them."""

    @pytest.fixture
    def clocked(self) -> Any:  # Any: a store, as `statechart.stored.store.Store`
        """Return an empty store of `Clocked`."""
        raise NotImplementedError(f"{type(self).__name__} has to override the fixture `clocked`")

    def test_a_configuration_is_read_as_it_was_written(self, clocked: Any) -> None:
        clocked.create("a", CLOCKED)

        read = clocked.load("a").value.state
        assert read == CLOCKED.state
        assert [*read.timers] == ["b.expire", "a.expire"]
        with clocked.open("a", holder=_ANN) as session:
            assert session.value.state == read

    def test_a_record_has_the_time_that_it_was_given(self, clocked: Any) -> None:
        began, changed = datetime(2026, 1, 1, 0, 0, 0, 123456, UTC), datetime(2025, 1, 1, tzinfo=UTC)
        clocked.create("a", CLOCKED, at=began)

        with clocked.open("a", holder=_ANN) as session:
            session.commit("changed", Clocked(), expected=1, at=changed)

        assert [record.at for record in clocked.history("a")] == [began, changed]

    def test_a_record_without_a_time_has_the_present(self, clocked: Any) -> None:
        before = datetime.now(UTC)
        clocked.create("a", CLOCKED)

        assert before <= clocked.history("a")[0].at <= datetime.now(UTC)

    def test_a_timer_that_lapses_raises_the_revision(self, clocked: Any) -> None:
        clocked.create("a", CLOCKED)
        left = CLOCKED.state.model_copy(update={"timers": {}})
        due = CLOCKED.state.timers["b.expire"]
        said = {"event": "expire", "from_state": "x", "to_state": "x", "timer": "b.expire", "due": due}

        with clocked.open("a", holder=_ANN) as session:
            session.commit(LAPSED, Clocked(state=left), expected=1, data=said)

        lapsed = clocked.history("a")[-1]
        assert (lapsed.type, lapsed.revision, lapsed.data["timer"]) == (LAPSED, 2, "b.expire")
        assert datetime.fromisoformat(lapsed.data["due"]) == due
        assert (lapsed.event, lapsed.to_state) == (None, None)  # it is no transition
        assert clocked.load("a").value.state == left
