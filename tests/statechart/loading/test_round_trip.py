"""A chart that is written as SCXML and loaded again is the same chart."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from statemachine.io.scxml.reader import SCXMLReader

from environments.lifecycle import Lifecycle
from statechart import Chart, Event, HistoryState, State, Timer, load
from statechart.diagram import render
from statechart.engine.table import Table
from statechart.errors import DiagramUnavailable


class Base(Chart[Any]):
    def is_paid(self) -> bool:
        """It is not paid."""
        return True

    def notify(self) -> None:
        pass

    def check(self) -> None:
        pass

    @staticmethod
    def patience(model: object) -> timedelta:
        return timedelta(hours=1)


class Order(Base):
    draft = State(value="Draft!", initial=True)

    class open(State.Parallel):
        class payment(State.Compound):
            awaiting = State(initial=True, enter="notify", exit="notify")
            paid = State(final=True)
            pay = awaiting.to(paid, validators="check", before="notify", after="notify")

        class shipment(State.Compound):
            packing = State(initial=True)
            packed = State()
            shipped = State(final=True)
            pack = packing.to(packed, unless="is_paid")
            ship = packed.to(shipped, cond=["is_paid", "In('paid')"])

        where_it_was = HistoryState(type="deep")

    paused = State()
    done = State(final=True)
    place = draft.to(open)
    pause = open.to(paused)
    resume = paused.to(open.where_it_was)
    done_state_open = open.to(done)
    expire = Event(open.payment.awaiting.to(done) | paused.to(done), internal=True)
    timers = (
        Timer(open.payment.awaiting, after=timedelta(seconds=90, milliseconds=5), event=expire),
        Timer(paused, after=Base.patience, event=expire),
    )


def outline(chart: type[Chart[Any]]) -> list[object]:
    """Return all that a chart's table holds, with names in the place of numbers and objects."""
    table = Table(chart)
    ids = [node.state.id for node in table.nodes]
    found: list[object] = [[ids[number] for number in table.starts], sorted(chart._alarms)]
    for node in table.nodes:
        ways = [
            (
                sorted(event.id for event in chart._events if way.transition.match(event.id)),
                way.transition.is_eventless,
                [ids[target] for target in way.targets],
                way.transition.internal,
                bool(list(way.transition.cond)),
            )
            for way in node.ways
        ]
        default = [ids[target] for target in table.default(node)] if node.remembers else ways
        initial = [ids[number] for number in node.initial]
        found.append((node.state.id, str(node.state.value), node.kind, node.ancestors, initial, default))
    return found


@pytest.mark.parametrize("chart", [Order, Lifecycle])
def test_a_chart_in_python_comes_back(chart: type[Chart[Any]]) -> None:
    written = render(chart, "scxml")

    if chart is Lifecycle:
        names = ("intact", "not_adopted", "retry_allowed", "run_attempted")
        again = load(written, methods=dict.fromkeys(names, Base.is_paid))
    else:
        again = load(written, base=Base)

    expected = {event.id for event in chart._events if not event.id.startswith("done_state_")}
    assert {event.id for event in again._events} == expected
    assert render(again, "scxml") == written


def test_what_scxml_has_no_word_for_comes_back_too() -> None:
    again = load(render(Order, "scxml"), base=Base)

    assert again._declared["expire"].internal
    assert {name: alarm.after for name, alarm in again._alarms.items()} == {
        name: alarm.after for name, alarm in Order._alarms.items()
    }
    assert again.initial().active == ("Draft!",)


def test_actions_of_documents_come_back() -> None:
    document = (
        "<scxml><state id='a'><initial><transition target='b'><raise event='go'/></transition></initial>"
        "<onentry><log label='entered' expr='1'/><raise event='go'/></onentry>"
        "<state id='b'><transition event='go' cond='false' target='c'/></state>"
        "<final id='c'><donedata><param name='n' expr='[1]'/></donedata></final></state></scxml>"
    )
    written = render(load(document, "Acting"), "scxml")

    for part in (
        '<raise event="go"/>',
        '<log label="entered: 1"/>',
        'cond="false"',
        '<param name="n" expr="[1]"/>',
    ):
        assert part in written
    assert render(load(written), "scxml") == written


def test_a_transition_that_scxml_can_not_say_is_refused() -> None:
    class Again(Chart[Any]):
        class a(State.Compound):
            b = State(initial=True)

        again = a.to(a, internal=True)

    with pytest.raises(DiagramUnavailable, match="without leaving it"):
        render(Again, "scxml")


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Draw an SCXML document of nested states."""
    numbers = count()
    states: list[str] = []
    events = st.sampled_from(["e", "f", "f.g", "*", "f.*"])

    def tree(depth: int) -> tuple[str, str, list[Any]]:
        name = f"s{next(numbers)}"
        kinds = ["state"] if depth == 0 else ["state", "state", "parallel", "compound", "final"]
        kind = draw(st.sampled_from(kinds if depth else ["state"]))
        if kind in ("compound", "parallel"):
            inside = [tree(depth - 1) for _ in range(draw(st.integers(1, 3)))]
            if kind == "parallel":
                inside = [("state" if tag == "final" else tag, name, rest) for tag, name, rest in inside]
            found = (kind, name, inside)
        else:
            found = (kind, name, [])
        states.append(name)
        return found

    tops = [tree(3) for _ in range(draw(st.integers(1, 3)))]

    def below(node: tuple[str, str, list[Any]]) -> Iterator[str]:
        for child in node[2]:
            yield child[1]
            yield from below(child)

    def written(node: tuple[str, str, list[Any]]) -> str:
        kind, name, inside = node
        tag = "state" if kind == "compound" else kind
        parts = []
        for _ in range(0 if kind == "final" else draw(st.integers(0, 2))):
            targets = [draw(st.sampled_from(states))] if draw(st.booleans()) else []
            event = draw(st.lists(events, min_size=1, max_size=2, unique=True))
            how = draw(st.sampled_from(["internal", "external"]))
            target = f" target={quoteattr(' '.join(targets))}" if targets else ""
            parts.append(f"<transition event={quoteattr(' '.join(event))}{target} type={quoteattr(how)}/>")
        if inside and draw(st.booleans()):
            deep = draw(st.sampled_from(["deep", "shallow"]))
            default = draw(st.sampled_from([child[1] for child in inside]))
            parts.append(f"<history id='h{name}' type='{deep}'><transition target='{default}'/></history>")
        initial = ""
        if kind == "compound" and draw(st.booleans()):
            initial = f" initial={quoteattr(draw(st.sampled_from(list(below(node)))))}"
        return f"<{tag} id='{name}'{initial}>{''.join(parts)}{''.join(map(written, inside))}</{tag}>"

    body = "".join(map(written, tops))
    first = f" initial='{draw(st.sampled_from(states))}'" if draw(st.booleans()) else ""
    return f"<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0'{first}>{body}</scxml>"


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(documents())
def test_random_nested_charts_come_back_with_the_same_table(document: str) -> None:
    chart = load(document, "Random", events=["e"])
    written = render(chart, "scxml")

    again = load(written, events=["e"])

    assert outline(again) == outline(chart)
    SCXMLReader().read(written)
