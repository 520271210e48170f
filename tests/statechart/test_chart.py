"""Events that are fired or refused, the texts of refusals, and the machine of a thread."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Iterator, Mapping
from copy import copy, deepcopy
from dataclasses import dataclass, field
from typing import Any

import pytest
from statemachine.exceptions import TransitionNotAllowed

from statechart import Chart, ChartDefinitionError, Event, State, Transition
from statechart.errors import (
    InvalidTransition,
    NestedFire,
    NotCopyable,
    ReservedPayload,
    UnknownEvent,
    UnknownState,
)


@dataclass
class Loan:
    name: str = "dune"
    state: str | None = "shelved"
    overdue: bool = False
    raises: BaseException | None = None
    inside: Callable[[Any], object] | None = None


class Library(Chart):
    shelved = State("shelved", initial=True)
    lent = State("lent")
    lost = State("lost", final=True)

    lend = Event(shelved.to(lent, cond="in_good_standing"))
    renew = Event(lent.to.itself(cond=["in_good_standing", "is_on_time"]))
    extend = Event(lent.to.itself(cond="is_short", unless="is_late"))
    give_back = Event(lent.to(shelved))
    write_off = Event(shelved.to(lost) | lent.to(lost))

    def in_good_standing(self, fine: int = 0) -> bool:
        """The reader owes a fine.

        Only the first paragraph is the reason.
        """
        return fine == 0

    def is_on_time(self, model: Loan) -> bool:
        """It is overdue
        and has to come back."""
        return not model.overdue

    def is_short(self, weeks: int) -> bool:
        """Nobody may keep it that long."""
        return weeks < 4

    def is_late(self, model: Loan) -> bool:
        return model.overdue

    def on_renew(self, model: Loan) -> None:
        inside, model.inside = model.inside, None
        if inside is not None:
            inside(self)

    def after_give_back(self, model: Loan) -> None:
        if model.raises is not None:
            raise model.raises


@dataclass
class Ledger:
    """A commit that remembers."""

    written: list[Transition] = field(default_factory=list)

    @property
    def committed(self) -> bool:
        return bool(self.written)

    def __call__(self, transition: Transition) -> Mapping[str, object]:
        self.written.append(transition)
        return {}


def test_firing_takes_the_transition_and_tells_it() -> None:
    loan, ledger = Loan(), Ledger()

    transition = Library(loan, commit=ledger).fire(Library.lend, fine=0)

    assert transition == Transition("Library", "lend", "shelved", "lent", "dune", {"fine": 0})
    assert ledger.written == [transition]
    assert loan.state == "lent"


def test_a_transition_to_the_same_state_is_committed_too() -> None:
    loan, ledger = Loan(state="lent"), Ledger()

    Library(loan, commit=ledger).fire(Library.renew)

    assert [(done.from_state, done.to_state) for done in ledger.written] == [("lent", "lent")]


def test_a_chart_needs_neither_model_nor_commit() -> None:
    library = Library()

    assert library.fire(Library.lend) == Transition("Library", "lend", "shelved", "lent")
    assert library.model.state == "lent"


def test_the_payload_reaches_guards_by_its_names() -> None:
    with pytest.raises(InvalidTransition, match="the reader owes a fine"):
        Library(Loan()).fire(Library.lend, fine=3)


def test_an_event_is_found_by_its_name() -> None:
    assert Library.event("give_back") is Library.give_back
    assert [Library.event(event.id) for event in Library._events] == list(Library._events)


def test_an_unknown_event_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownEvent, match="Library has no event 'give_bakc': did you mean 'give_back'"):
        Library.event("give_bakc")


def test_an_event_of_another_chart_is_unknown() -> None:
    loan = Loan()

    with pytest.raises(UnknownEvent, match="Library has no event 'lease': known are lend, renew") as caught:
        Library(loan).fire(Event(id="lease"))

    assert pickle.loads(pickle.dumps(caught.value)).name == "lease"
    assert loan.state == "shelved"


def test_send_fires_by_name() -> None:
    loan, ledger = Loan(), Ledger()

    transition = Library(loan, commit=ledger).send("lend", fine=0)

    assert (ledger.written, loan.state) == ([transition], "lent")


def test_send_with_an_unknown_name_is_refused() -> None:
    with pytest.raises(UnknownEvent):
        Library(Loan()).send("lned")


def test_payload_by_position_is_refused() -> None:
    ledger = Ledger()
    library = Library(Loan(), commit=ledger)

    with pytest.raises(TypeError, match="give the payload as keyword arguments"):
        library.send("lend", 3)
    with pytest.raises(TypeError):
        library.fire(Library.lend, 3)  # type: ignore[call-arg]  # the mistake

    assert ledger.written == []


@pytest.mark.parametrize(
    "name",
    [
        "model",
        "source",
        "target",
        "state",
        "event",
        "machine",
        "event_data",
        "transition",
        "delay",
        "send_id",
    ],
)
def test_a_payload_name_that_the_engine_would_drop_is_refused(name: str) -> None:
    loan, ledger = Loan(), Ledger()

    with pytest.raises(ReservedPayload, match=f"reserved payload names: {name}; choose others"):
        Library(loan, commit=ledger).fire(Library.lend, **{name: 1})

    assert (loan.state, ledger.written) == ("shelved", [])


def test_a_refusal_carries_the_facts_and_reads_like_a_sentence() -> None:
    with pytest.raises(InvalidTransition) as caught:
        Library(Loan()).fire(Library.give_back)

    refused = caught.value
    assert str(refused) == "cannot give_back 'dune' in state shelved: allowed now are lend, write_off"
    assert (refused.chart, refused.event, refused.subject) == ("Library", "give_back", "dune")
    assert (refused.state, refused.allowed, refused.reason) == ("shelved", ("lend", "write_off"), None)
    assert isinstance(refused.__cause__, TransitionNotAllowed)
    assert vars(pickle.loads(pickle.dumps(refused))) == vars(refused)


def test_the_docstring_of_the_guard_that_refuses_is_the_reason() -> None:
    with pytest.raises(InvalidTransition) as caught:
        Library(Loan(state="lent", overdue=True)).fire(Library.renew)

    assert caught.value.reason == "it is overdue and has to come back"
    assert str(caught.value) == (
        "cannot renew 'dune' in state lent: it is overdue and has to come back; "
        "allowed now are give_back, write_off"
    )


def test_a_guard_without_a_docstring_refuses_by_its_name() -> None:
    with pytest.raises(InvalidTransition, match="guard is_late refuses"):
        Library(Loan(state="lent", overdue=True)).fire(Library.extend, weeks=1)


def test_the_allowed_events_depend_on_the_guards() -> None:
    assert Library(Loan()).enabled() == ("lend", "write_off")
    assert Library(Loan()).enabled(fine=2) == ("write_off",)
    assert Library(Loan(state="lent")).enabled(weeks=1) == ("renew", "extend", "give_back", "write_off")
    assert Library(Loan(state="lost")).enabled() == ()


def test_a_guard_that_lacks_its_payload_spoils_no_refusal_of_another_event() -> None:
    with pytest.raises(InvalidTransition) as caught:
        Library(Loan(state="lent")).fire(Library.lend)

    assert caught.value.allowed == ("renew", "give_back", "write_off")


def test_a_guard_that_lacks_its_payload_is_an_error_of_its_own_event() -> None:
    loan, ledger = Loan(state="lent"), Ledger()

    with pytest.raises(TypeError, match="weeks"):
        Library(loan, commit=ledger).fire(Library.extend)

    assert (loan.state, ledger.written) == ("lent", [])


def test_a_final_state_allows_no_event() -> None:
    with pytest.raises(InvalidTransition, match="cannot lend 'dune' in state lost: allowed now is nothing"):
        Library(Loan(state="lost")).fire(Library.lend)


def test_a_refusal_leaves_the_machine_as_good_as_new() -> None:
    loan, ledger = Loan(), Ledger()
    library = Library(loan, commit=ledger)

    with pytest.raises(InvalidTransition):
        library.fire(Library.renew)
    library.fire(Library.lend)

    assert (loan.state, [done.event for done in ledger.written]) == ("lent", ["lend"])


def test_requiring_an_allowed_event_keeps_the_state() -> None:
    loan, ledger = Loan(), Ledger()

    Library(loan, commit=ledger).require(Library.lend, fine=0)

    assert (loan.state, ledger.written) == ("shelved", [])


def test_requiring_raises_the_error_of_firing() -> None:
    library = Library(Loan())

    with pytest.raises(InvalidTransition) as required:
        library.require(Library.lend, fine=1)
    with pytest.raises(InvalidTransition) as fired:
        library.fire(Library.lend, fine=1)

    assert vars(required.value) == vars(fired.value)


def test_the_subject_is_the_given_name_or_the_models_name() -> None:
    assert Library(Loan(), subject="copy 7").fire(Library.lend).subject == "copy 7"
    assert Library(Loan("solaris")).fire(Library.lend).subject == "solaris"
    assert Library().fire(Library.lend).subject is None


NESTED: dict[str, Callable[[Library], object]] = {
    "fire": lambda library: library.fire(Library.give_back),
    "fire the same": lambda library: library.fire(Library.renew),
    "send": lambda library: library.send("give_back"),
    "bound event": lambda library: library.give_back(),
    "the same bound event": lambda library: library.renew(),
    "raise_": lambda library: library.raise_("give_back"),
    "raise_ the same": lambda library: library.raise_("renew"),
}


@pytest.mark.parametrize("way", NESTED)
def test_firing_from_inside_a_hook_raises_and_undoes_the_event(way: str) -> None:
    loan, ledger = Loan(state="lent", inside=NESTED[way]), Ledger()
    library = Library(loan, commit=ledger)

    with pytest.raises(NestedFire):
        library.fire(Library.renew)

    assert (loan.state, ledger.written) == ("lent", [])
    assert library.fire(Library.give_back).to_state == "shelved"
    assert [done.event for done in ledger.written] == ["give_back"]


@pytest.mark.parametrize("way", NESTED)
def test_a_hook_that_swallows_the_refusal_of_firing_inside_it_has_its_event_committed_once(
    way: str,
) -> None:
    def swallow(library: Library) -> None:
        with pytest.raises(NestedFire):
            NESTED[way](library)

    loan, ledger = Loan(state="lent", inside=swallow), Ledger()

    Library(loan, commit=ledger).fire(Library.renew)

    assert (loan.state, [done.event for done in ledger.written]) == ("lent", ["renew"])


def test_binding_this_threads_machine_from_inside_its_hook_raises() -> None:
    def bind(_library: Library) -> None:
        Library.bound(Loan("solaris"))

    with pytest.raises(NestedFire):
        Library.bound(Loan(state="lent", inside=bind)).fire(Library.renew)


def test_another_machine_may_be_fired_from_inside_a_hook() -> None:
    other = Loan("solaris")
    loan = Loan(state="lent", inside=lambda _library: Library(other).fire(Library.lend))

    Library(loan).fire(Library.renew)

    assert other.state == "lent"


def test_calling_an_event_of_a_machine_is_refused() -> None:
    loan, ledger = Loan(), Ledger()

    with pytest.raises(NestedFire, match="lend was sent to Library past fire"):
        Library(loan, commit=ledger).lend()

    assert (loan.state, ledger.written) == ("shelved", [])


def test_an_engines_refusal_out_of_a_hook_after_the_commit_is_an_error_like_others() -> None:
    raises = TransitionNotAllowed(Library.give_back, set())
    loan, ledger = Loan(state="lent", raises=raises), Ledger()

    transition = Library(loan, commit=ledger).fire(Library.give_back)

    assert (loan.state, ledger.written) == ("shelved", [transition])


def test_a_listener_cannot_be_added_to_a_machine() -> None:
    with pytest.raises(ChartDefinitionError, match="listeners are declared on the class"):
        Library(Loan()).add_listener(object())


def test_a_model_in_a_state_that_the_chart_lacks_is_refused() -> None:
    with pytest.raises(UnknownState, match="Library has no state 'shelvd': did you mean 'shelved'"):
        Library(Loan(state="shelvd"))


class AsyncLoan(Loan):
    async def on_enter_lent(self) -> None: ...


class YieldingLoan(Loan):
    def on_enter_lent(self) -> Iterator[None]:
        yield


@pytest.mark.parametrize("build", [Library, Library.bound])
def test_a_model_with_hooks_that_would_not_run_is_refused(build: Callable[[object], Library]) -> None:
    with pytest.raises(ChartDefinitionError, match="chart Library: callback 'on_enter_lent' is async"):
        build(AsyncLoan())
    with pytest.raises(
        ChartDefinitionError, match="chart Library: callback 'on_enter_lent' is a generator"
    ):
        build(YieldingLoan())


def test_a_threads_machine_is_built_once_for_a_class_of_models() -> None:
    first = Library.bound(Loan())

    assert Library.bound(Loan("solaris")) is first
    assert Library.bound(AnotherLoan()) is not first
    assert type(Library.bound(AnotherLoan())) is Library


class AnotherLoan(Loan):
    pass


@pytest.mark.parametrize("time", ["that builds the machine", "that finds it built"])
def test_the_models_own_state_is_left_to_the_caller(time: str) -> None:
    class FreshLoan(Loan):
        pass

    if time == "that finds it built":
        Library.bound(FreshLoan())
    loan = FreshLoan()

    transition = Library.bound(loan).fire(Library.lend)

    assert (transition.to_state, loan.state) == ("lent", "shelved")


def test_each_binding_replaces_subject_commit_and_state() -> None:
    first, second = Ledger(), Ledger()

    Library.bound(Loan(), subject="copy 7", commit=first).fire(Library.lend)
    Library.bound(Loan("solaris", state="lent"), commit=second).fire(Library.give_back)

    assert [(done.event, done.subject) for done in first.written] == [("lend", "copy 7")]
    assert [(done.event, done.subject) for done in second.written] == [("give_back", "solaris")]


def test_attributes_of_one_model_never_reach_the_next() -> None:
    late = Loan(state="lent", overdue=True)
    late.marked = True  # type: ignore[attr-defined]  # an attribute that the next one lacks
    Library.bound(late)

    machine = Library.bound(Loan("solaris", state="lent"))

    assert vars(machine.model) == vars(Loan("solaris", state="lent"))
    assert machine.fire(Library.renew).subject == "solaris"


@pytest.mark.parametrize("state", [None, "lent"])
def test_a_model_without_a_state_is_bound_in_the_initial_one(state: str | None) -> None:
    Library.bound(Loan(state=state))

    assert Library.bound(Loan(state=None)).fire(Library.lend).from_state == "shelved"


def test_binding_works_after_a_refusal_an_error_and_a_final_state() -> None:
    with pytest.raises(InvalidTransition):
        Library.bound(Loan()).fire(Library.renew)
    with pytest.raises(TypeError):
        Library.bound(Loan(state="lent")).fire(Library.extend)
    Library.bound(Loan()).fire(Library.write_off)

    assert Library.bound(Loan()).fire(Library.lend).to_state == "lent"


def test_binding_an_unknown_state_is_refused_and_the_machine_goes_on() -> None:
    for _ in range(2):
        with pytest.raises(UnknownState):
            Library.bound(Loan(state="burnt"))
        assert Library.bound(Loan()).fire(Library.lend).to_state == "lent"


class Slip:
    __slots__ = ("state",)

    def __init__(self, state: str) -> None:
        self.state = state


def test_a_model_with_slots_can_be_bound_again_and_again() -> None:
    assert Library.bound(Slip("shelved")).fire(Library.lend).to_state == "lent"
    assert Library.bound(Slip("lent")).fire(Library.give_back).to_state == "shelved"


def test_threads_have_machines_of_their_own() -> None:
    machines: set[int] = set()
    done: dict[int, list[str]] = {}
    together = threading.Barrier(4)

    def work(number: int) -> None:
        together.wait()
        for _ in range(25):
            machine = Library.bound(Loan(f"copy {number}"))
            machines.add(id(machine))
            done.setdefault(number, []).append(str(machine.fire(Library.lend).subject))
        together.wait()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(machines) == 4
    assert done == {number: [f"copy {number}"] * 25 for number in range(4)}


class Remembering:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def on_enter_state(self, target: State) -> None:
        self.seen.append(target.id)


class Lamp(Chart):
    listeners = [Remembering]  # noqa: RUF012  # as a chart's author writes it

    off = State("off", initial=True)
    on = State("on", final=True)
    light = Event(off.to(on), name="light")


COPIES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "copy": (copy, "on"),
    "deepcopy": (deepcopy, "off"),
    "pickle": (lambda machine: pickle.loads(pickle.dumps(machine)), "off"),
}


@pytest.mark.parametrize("way", COPIES)
def test_a_machine_can_be_copied(way: str) -> None:
    copied, state = COPIES[way]
    lamp = Lamp(Loan(state="off"), subject="lamp 1")

    other = copied(lamp)

    assert other.fire(Lamp.light).subject == "lamp 1"
    assert (lamp.model.state, other.model.state) == (state, "on")  # a shallow copy shares the model
    assert [listener.seen for listener in other.active_listeners if hasattr(listener, "seen")] == [["on"]]
    assert copied(Lamp()).fire(Lamp.light).to_state == "on"


class Busy(Chart):
    off = State(initial=True)
    on = State(final=True)
    light = Event(off.to(on))
    act: Callable[[Any], object] = repr

    def on_light(self) -> None:
        type(self).act(self)


@pytest.mark.parametrize("way", [copy, deepcopy, pickle.dumps])
def test_a_machine_that_fires_cannot_be_copied(
    way: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Busy, "act", way)

    with pytest.raises(
        NotCopyable, match="while it fires light, as its model is a draft: copy the machine after"
    ):
        Busy(Loan(state="off")).fire(Busy.light)


def test_a_hook_cannot_replace_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Busy, "act", lambda machine: setattr(machine, "model", Loan(state="off")))

    with pytest.raises(
        AttributeError, match="Busy: a hook can't replace the model: assign to its fields, or"
    ):
        Busy(Loan(state="off")).fire(Busy.light)


def test_the_model_of_a_machine_may_be_replaced_by_one_of_its_class() -> None:
    machine = Busy(Loan(state="on"))

    machine.model = Loan(state="off")
    assert machine.fire(Busy.light).to_state == "on"
    with pytest.raises(UnknownState, match="no state 'dim'"):
        machine.model = Loan(state="dim")
    with pytest.raises(
        AttributeError, match=r"of the class Loan, and stays so: build another machine: Busy\(m"
    ):
        machine.model = object()


@pytest.mark.parametrize(("name", "kind"), [("off", "a state"), ("light", "an event")])
def test_a_state_or_an_event_of_a_machine_cannot_be_replaced(name: str, kind: str) -> None:
    with pytest.raises(AttributeError, match=f"Busy: {name} is {kind}, and can't be replaced"):
        setattr(Busy(Loan(state="off")), name, 3)


@pytest.mark.parametrize("way", [copy, deepcopy, pickle.dumps])
def test_a_machine_that_commits_cannot_be_copied_and_says_what_to_do(way: Callable[[Any], Any]) -> None:
    with pytest.raises(NotCopyable, match="copy its model, and build another machine: Lamp\\(model\\)"):
        way(Lamp(commit=Ledger()))
