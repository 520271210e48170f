"""The payload keywords of events that are taken within states, and of the states that they pass."""

from __future__ import annotations

from statechart import Chart, State, effect
from statechart.engine.keywords import keywords_of


class Parcel(Chart):
    draft = State(initial=True)

    class work(State.Parallel):
        class packing(State.Compound):
            open = State(initial=True)
            closed = State(final=True)
            close_ = open.to(closed, cond="fits")

        class paper(State.Compound):
            blank = State(initial=True)
            printed = State(final=True)
            print_ = blank.to(printed)

    lost = State(final=True)

    begin = draft.to(work)
    lose = draft.to(lost) | work.to(lost)

    def fits(self, size: int) -> bool:
        """It does not fit."""
        return size < 3

    def on_enter_open(self, box: str) -> None:
        """A state that is entered with those around it."""

    def on_exit_blank(self, pen: str = "") -> None:
        """A state that is left with those around it."""

    @effect("lose")
    def tell(self, whom: str) -> None:
        """An effect."""

    @effect(work.paper.printed)
    def file(self, folder: str) -> None:
        """An effect of a state within others."""


def named(event: str, state: str | None = None, *, guards: bool = False) -> dict[str, bool]:
    found = keywords_of(Parcel, None, event, state, guards=guards)
    return {each.name: each.required for each in found}


def test_keywords_are_those_of_what_an_event_leaves_and_enters_at_any_depth() -> None:
    assert named("begin", "draft") == {"box": True}
    assert named("close_", "open + blank") == {"size": True}
    assert named("close_", "open + blank", guards=True) == {"size": True}
    assert named("print_", "open + blank") == {"pen": False, "folder": True}
    assert named("lose", "open + blank") == {"pen": False, "whom": True}
    assert named("lose", "open + printed") == {"whom": True}
    assert named("lose", "draft") == {"whom": True}


def test_an_event_has_no_keywords_where_nothing_takes_it() -> None:
    assert named("close_", "closed + blank") == {}
    assert named("print_", "draft") == {}


def test_without_a_state_keywords_are_those_of_any() -> None:
    assert set(named("begin")) >= {"box"}
    assert set(named("close_")) >= {"size"}
    assert named("close_", guards=True) == {"size": True}
