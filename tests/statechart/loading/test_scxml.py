from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from statechart import Chart, ChartRepository, Configuration, DocumentRefused, StatechartError, load
from statechart.testing import Driver

ORDER = """<?xml version="1.0" encoding="UTF-8"?>
<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" name="order" initial="draft">
  <state id="draft"><transition event="place" target="open"/></state>
  <parallel id="open">
    <history id="where" type="deep"><transition target="awaiting packing"/></history>
    <state id="payment">
      <state id="awaiting">
        <onentry><send event="expire" id="late" delay="90s"/></onentry>
        <onexit><cancel sendid="late"/></onexit>
        <transition event="pay" target="paid"/>
      </state>
      <final id="paid"/>
    </state>
    <state id="shipment">
      <state id="packing"><transition event="ship" cond="In('paid')" target="shipped"/></state>
      <final id="shipped"/>
    </state>
    <transition event="pause" target="paused"/>
    <transition event="expire" target="expired"/>
    <transition event="done.state.open" target="done"/>
  </parallel>
  <state id="paused"><transition event="resume" target="where"/></state>
  <final id="done"/>
  <final id="expired"/>
</scxml>
"""

Order = load(ORDER)


def wrapped(states: str, attributes: str = "") -> str:
    return f'<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" {attributes}>\n{states}\n</scxml>'


LOOPING = wrapped("<state id='a'><history id='h'><transition target='h'/></history><state id='b'/></state>")


def leaves(machine: Chart[Any]) -> tuple[str, ...]:
    state = machine.model.state
    return state.active if isinstance(state, Configuration) else (state,)


def test_a_document_becomes_a_chart_with_regions_history_and_done_events() -> None:
    machine = Order()

    found = []
    for event in ("place", "pay", "pause", "resume", "ship"):
        machine.send(event)
        found.append(" + ".join(leaves(machine)))

    assert found == ["awaiting + packing", "paid + packing", "paused", "paid + packing", "done"]


def test_a_send_with_a_delay_that_the_exit_cancels_becomes_a_timer() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    machine = Order.bound(Order().model, at=at)

    machine.send("place")

    assert machine.model.state.timers == {"awaiting.expire": at + timedelta(seconds=90)}
    machine.send("pay")
    assert machine.model.state.timers == {}


def test_a_chart_of_a_document_can_be_pickled_by_reference() -> None:
    import pickle

    assert pickle.loads(pickle.dumps(Order)) is Order
    assert Order.__name__ == "Order"


def test_values_of_a_loaded_chart_are_stored(tmp_path: Path) -> None:
    from pydantic import BaseModel

    class Model(BaseModel, frozen=True):
        name: str
        state: Configuration | None = None

    chart = load(ORDER, base=Chart[Model])
    repository = ChartRepository(tmp_path, chart)
    repository.create("A-1", Model(name="A-1"))

    assert str(repository.fire("A-1", "place").state) == "awaiting + packing"
    assert str(repository.load("A-1").state) == "awaiting + packing"


def test_guards_and_actions_are_methods_of_the_base_or_given() -> None:
    class Base(Chart[Any]):
        def is_fine(self) -> bool:
            """It is not fine."""
            return True

    document = wrapped(
        "<state id='a'><transition event='go' cond='is_fine &amp;&amp; !is_late' target='b'/></state>"
        "<state id='b'/>"
    )
    chart = load(document, "Given", base=Base, methods={"is_late": lambda self: False})

    machine = chart()
    machine.send("go")

    assert leaves(machine) == ("b",)


def test_patterns_stand_for_the_events_that_the_document_knows() -> None:
    chart = load(
        wrapped(
            "<state id='a'><transition event='pay.*' target='b'/></state>"
            "<state id='b'><transition event='pay.card' target='c'/>"
            "<transition event='*' target='a'/></state>"
            "<state id='c'/>"
        ),
        "Patterns",
        events=["other"],
    )
    machine = chart()

    machine.send("pay.card")
    assert leaves(machine) == ("b",)
    machine.send("other")
    assert leaves(machine) == ("a",)
    assert machine.enabled() == ("pay", "pay.card")


def test_raised_events_and_data_of_done_events_stay_within_the_macrostep() -> None:
    seen: list[object] = []
    chart = load(
        wrapped(
            "<state id='a'><onentry><raise event='go'/></onentry>"
            "<state id='a1'><transition event='go' target='a2'/></state>"
            "<final id='a2'><donedata><param name='amount' expr='[1, 2]'/></donedata></final>"
            "<transition event='done.state.a' cond='is_seen' target='b'/></state><state id='b'/>"
        ),
        "Raising",
        methods={"is_seen": lambda self, amount: seen.append(amount) or True},
    )

    assert leaves(chart()) == ("b",)
    assert seen == [[1, 2]]


def test_a_chart_begins_in_several_states_deep_within_it() -> None:
    chart = load(
        wrapped(
            "<parallel id='p'><state id='x'><state id='x1'/><state id='x2'/></state>"
            "<state id='y'><state id='y1'/><state id='y2'/></state></parallel>",
            "initial='x2 y2'",
        ),
        "Deep",
    )

    assert leaves(chart()) == ("x2", "y2")
    assert Configuration.of(chart).active == ("x2", "y2")
    assert chart.initial().active == ("x2", "y2")


def test_the_default_content_of_a_history_runs_when_a_chart_begins_in_it() -> None:
    chart = load(
        wrapped(
            "<state id='a'><initial><transition target='h'/></initial>"
            "<history id='h'><transition target='a1'><raise event='go'/></transition></history>"
            "<state id='a1'><transition event='go' target='a2'/></state><state id='a2'/></state>"
        ),
        "Begins",
    )

    assert leaves(chart()) == ("a2",)


def test_document_order_of_nested_children_is_kept() -> None:
    chart = load(
        wrapped(
            "<parallel id='p'><parallel id='q'><state id='q1'/><state id='q2'/></parallel>"
            "<state id='s'/></parallel>"
        ),
        "Ordered",
    )

    assert leaves(chart()) == ("q1", "q2", "s")


def test_internal_transitions_of_compound_states_do_not_leave_them() -> None:
    chart = load(
        wrapped(
            "<state id='a'><state id='a1'/><state id='a2'/>"
            "<transition event='in' type='internal' target='a2'/>"
            "<transition event='out' target='a2'/></state>"
        ),
        "Internal",
    )
    machine = chart()

    assert [machine.send(event).steps[0].exited for event in ("in", "out")] == [("a1",), ("a2", "a")]


@pytest.mark.parametrize(
    ("document", "line", "told"),
    [
        (wrapped("<state id='a'>\n<transition event='go' target='b'/></state>"), 3, "no such state"),
        (wrapped("<state id='ab'><transition event='g' target='abb'/></state>"), 2, "did you mean 'ab'?"),
        (wrapped("<state id='a'/>\n<state id='a'/>"), 3, "is taken by the state at line 2"),
        (wrapped("<datamodel><data id='x' expr='1'/></datamodel><state id='a'/>"), 2, "that of its model"),
        (wrapped("<script>import os</script><state id='a'/>"), 2, "never run"),
        (wrapped("<state id='a'><invoke src='x'/></state>"), 2, "invokes nothing"),
        (wrapped("<state id='a'><onentry><assign location='x' expr='1'/></onentry></state>"), 2, "method"),
        (wrapped("<state id='a'><onentry><send event='e'/></onentry></state>"), 2, "write <raise>"),
        (wrapped("<state id='a'><onentry><send event='e' delay='1s'/></onentry></state>"), 2, "<cancel"),
        (wrapped("<state id='a'><onentry><log expr='_event.x'/></onentry></state>"), 2, "no literal"),
        (wrapped("<state id='a'><transition event='e' cond='f(1)'/></state>"), 2, "calls a function"),
        (wrapped("<state id='a'><transition event='e' cond='x.y'/></state>"), 2, "reads data"),
        (wrapped("<state id='a'><transition event='e' cond='is_paid'/></state>"), 2, "methods={...}"),
        (wrapped("<state id='a'><transition event='error.execution'/></state>"), 2, "never comes"),
        (wrapped("<state id='a'><transition event='a*b'/></state>"), 2, "write it at the end"),
        (wrapped("<state id='a'><transition event='*'/></state>"), 2, "stands for no event"),
        (wrapped("<state id='a' intial='b'><state id='b'/></state>"), 2, "did you mean 'initial'?"),
        (wrapped("<stat id='a'/>"), 2, "did you mean <state>?"),
        (wrapped("<state/>"), 2, "has no id"),
        (wrapped(""), 1, "no state"),
        (wrapped("<parallel id='a'/>"), 2, "add its regions"),
        (wrapped("<state id='a'/><state id='c' initial='a'><state id='d'/></state>"), 2, "is not within"),
        (wrapped("<state id='a'><transition event='fire' target='a'/></state>"), None, "rename it"),
        (wrapped("<state id='a'/>\n<state id='b'/>", "initial='a b'"), 3, "regions"),
        (LOOPING, None, "leads to itself"),
        (wrapped("<state id='a' initial='h'><history id='h'/><state id='b'/></state>"), 2, "give it one"),
        (ORDER.replace("90s", "99999999999999999s"), 8, "too long"),
        ("<html>\n</html>", 1, "<scxml>"),
        ("<scxml>\n<state>", 2, "well-formed"),
        ("<!DOCTYPE scxml [<!ENTITY a 'b'>]>\n<scxml>&a;</scxml>", 1, "document type"),
    ],
)
def test_what_charts_have_not_is_refused_with_the_line(document: str, line: int | None, told: str) -> None:
    with pytest.raises(DocumentRefused) as refused:
        load(document)

    assert told in str(refused.value)
    assert refused.value.line == line


def bad_files() -> Iterator[tuple[str, bytes, str]]:
    secret = Path("/etc/hostname").as_uri()
    entity = f'<!DOCTYPE scxml [<!ENTITY x SYSTEM "{secret}">]>\n<scxml><state id="a">&x;</state></scxml>'
    yield "entity", entity.encode(), "document type"
    bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    yield "bomb", f'<!DOCTYPE s [<!ENTITY e0 "x">{bomb}]><s>&e9;</s>'.encode(), "document type"
    yield "large", wrapped("<state id='a'/>" + " " * 10_000_000).encode(), "larger than"
    deep = "".join(f"<state id='s{n}'>" for n in range(1_000)) + "</state>" * 1_000
    yield "deep", wrapped(deep).encode(), "nested more than"
    many = "".join(f"<state id='s{n}'/>" for n in range(6_000))
    yield "many", wrapped(many).encode(), "more than 5,000 states"
    yield "latin", b"<?xml version='1.0' encoding='UTF-8'?>\n<scxml><!-- \xe9 --></scxml>", "UTF-8"
    yield "unknown", b"<?xml version='1.0' encoding='klingon'?>\n<scxml/>", "UTF-8"
    yield "empty", b"", "well-formed"
    yield "zeros", b"\0" * 100, "well-formed"


@pytest.mark.parametrize(("name", "content", "told"), list(bad_files()), ids=lambda each: str(each)[:12])
def test_a_file_that_is_no_document_is_refused(
    tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    path = tmp_path / f"{name}.scxml"
    path.write_bytes(content)

    with pytest.raises(DocumentRefused, match=told) as refused:
        load(path)

    assert refused.value.where == str(path)
    assert len(str(refused.value)) < 500


def test_a_file_in_another_encoding_is_read_as_it_says(tmp_path: Path) -> None:
    path = tmp_path / "umlauts.scxml"
    declared = "<?xml version='1.0' encoding='latin-1'?>" + wrapped("<state id='prüfung'/>")
    path.write_bytes(declared.encode("latin-1"))

    assert leaves(load(path)()) == ("prüfung",)


@pytest.mark.parametrize("path", ["missing.scxml", "chart.txt", "no-suffix"])
def test_a_path_that_leads_to_no_document_is_refused(path: str) -> None:
    with pytest.raises(DocumentRefused, match=r"can't be read|rename the file"):
        load(path)


def test_a_loaded_chart_is_driven_by_the_testing_tools() -> None:
    driver = Driver(Order)

    driver.fire("place")

    assert driver.state == "awaiting + packing"


def test_all_refusals_are_errors_of_the_library() -> None:
    with pytest.raises(StatechartError):
        load("<scxml/>")
