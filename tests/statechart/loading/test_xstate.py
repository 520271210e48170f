from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from statechart import Chart, Configuration, DocumentRefused, InternalEvent, load
from statechart.diagram import render

REVIEW = """
id: review
initial: draft
states:
  draft:
    on: {submit: {target: open, guard: is_whole, actions: notify}}
  open:
    type: parallel
    states:
      legal:
        initial: reading
        states:
          reading: {on: {sign: signed}, after: {86400000: {target: late, actions: notify}}}
          late: {on: {sign: signed}}
          signed: {type: final}
      sales:
        initial: asking
        states:
          asking: {on: {agree: agreed, sign: {}}}
          agreed: {type: final, output: {amount: 3}}
          memory: {type: history, history: deep}
    on:
      hold: held
      "*": .legal
    onDone: {target: accepted}
  held: {on: {go: "#sales.memory"}}
  accepted: {type: final}
"""


class Hooks(Chart[Any]):
    def is_whole(self) -> bool:
        """It is not whole."""
        return True

    def notify(self) -> None:
        pass


def leaves(machine: Chart[Any]) -> str:
    state = machine.model.state
    return " + ".join(state.active) if isinstance(state, Configuration) else str(state)


def test_yaml_like_xstates_becomes_a_chart() -> None:
    document = REVIEW.replace('      "*": .legal\n', "")
    chart = load(document, base=Hooks)
    machine = chart()

    found = []
    for event in ("submit", "agree", "hold", "go", "sign"):
        machine.send(event)
        found.append(leaves(machine))

    assert chart.__name__ == "Review"
    assert found == ["reading + asking", "reading + agreed", "held", "reading + agreed", "accepted"]


def test_a_delay_becomes_a_timer_whose_event_nobody_else_can_fire() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    chart = load(REVIEW.replace('      "*": .legal\n', ""), base=Hooks)
    machine = chart.bound(chart().model, at=at)
    machine.send("submit")

    (timer,) = machine.model.state.timers

    assert machine.model.state.timers[timer] == at + timedelta(days=1)
    with pytest.raises(InternalEvent):
        machine.send("after_86400000_reading")
    machine.fire_due(at + timedelta(days=1))
    assert leaves(machine) == "late + asking"


def test_a_delay_is_drawn_without_a_name_of_its_event() -> None:
    chart = load('{"initial": "a", "states": {"a": {"after": {"60000": "b"}}, "b": {"type": "final"}}}')

    assert " : after 1 min\n" in render(chart, "mermaid")


def test_json_and_yaml_of_the_same_document_are_the_same_chart(tmp_path: Path) -> None:
    document = {"id": "door", "initial": "shut", "states": {"shut": {"on": {"pull": "ajar"}}, "ajar": {}}}
    path = tmp_path / "door.json"
    path.write_text(json.dumps(document))

    charts = [load(path), load(json.dumps(document)), load("id: door\ninitial: shut\nstates: {shut: {on: {pull: ajar}}, ajar: {}}")]  # fmt: skip  # noqa: E501

    for chart in charts:
        machine = chart()
        machine.send("pull")
        assert (chart.__name__, leaves(machine)) == ("Door", "ajar")


def test_a_transition_leaves_its_own_state_only_if_it_enters_it_again() -> None:
    document = json.dumps(
        {
            "initial": "a",
            "states": {
                "a": {
                    "initial": "x",
                    "states": {"x": {"on": {"on": "y"}}, "y": {}},
                    "on": {"again": "a", "anew": {"target": "a", "reenter": True}, "stay": {}},
                }
            },
        }
    )
    machine = load(document, "Again")()

    steps = []
    for event in ("on", "stay", "again", "on", "anew"):
        step = machine.send(event).steps[0]
        steps.append((step.exited, step.entered))

    assert steps == [
        (("x",), ("y",)),
        ((), ()),
        (("y",), ("x",)),
        (("x",), ("y",)),
        (("y", "a"), ("a", "x")),
    ]


def test_a_machine_with_transitions_of_its_own_becomes_a_state_around_all() -> None:
    document = json.dumps(
        {
            "id": "job",
            "initial": "idle",
            "states": {"idle": {"on": {"go": "busy"}}, "busy": {}},
            "on": {"reset": ".idle"},
        }
    )
    machine = load(document)()

    machine.send("go")
    machine.send("reset")

    assert leaves(machine) == "idle"
    assert machine.active("job")


def test_patterns_are_tried_last_wherever_they_stand() -> None:
    document = json.dumps(
        {"initial": "a", "states": {"a": {"on": {"*": "c", "go.*": "c", "go.on": "b"}}, "b": {}, "c": {}}}
    )
    machine = load(document, "Ordered")()

    machine.send("go.on")

    assert leaves(machine) == "b"


def test_guards_are_combined_and_states_asked() -> None:
    document = json.dumps(
        {
            "initial": "a",
            "states": {
                "a": {
                    "on": {
                        "go": {
                            "target": "b",
                            "guard": {
                                "type": "and",
                                "guards": ["is_whole", {"type": "stateIn", "stateId": "a"}],
                            },
                        },
                        "no": {"target": "b", "guard": {"type": "not", "guards": [{"type": "is_whole"}]}},
                    }
                },
                "b": {},
            },
        }
    )
    machine = load(document, "Combined", base=Hooks)()

    assert machine.enabled() == ("go",)


def test_named_delays_are_functions_of_the_model() -> None:
    document = json.dumps(
        {"initial": "a", "states": {"a": {"after": {"patience": "b"}, "entry": "notify"}, "b": {}}}
    )

    class Waiting(Hooks):
        @staticmethod
        def patience(model: object) -> timedelta:
            return timedelta(hours=2)

    at = datetime(2026, 1, 1, tzinfo=UTC)
    chart = load(document, "Waits", base=Waiting)

    assert list(chart.initial(at).timers.values()) == [at + timedelta(hours=2)]


@pytest.mark.parametrize(
    ("body", "place", "told"),
    [
        ({"initial": "a"}, None, "mapping of states"),
        ({"initial": "b", "states": {"a": {}, "c": {}}}, "initial", "no state 'b'"),
        ({"states": {"a": {"on": {"go": "bb"}}, "b": {}}}, "states.a.on.go", "did you mean 'b'?"),
        ({"states": {"a": {"onn": {}}}}, "states.a.onn", "did you mean 'on'?"),
        ({"states": {"a": {"invoke": {"src": "x"}}}}, "states.a.invoke", "invokes nothing"),
        ({"context": {"n": 1}, "states": {"a": {}}}, "context", "its model"),
        ({"states": {"a": {"on": {"go": {"guard": "is_hole"}}}}}, "states.a.on.go", "mean 'is_whole'"),
        ({"states": {"a": {"entry": {"type": "xstate.assign"}}}}, "states.a.entry", "no code"),
        ({"states": {"a": {"entry": {"type": "notify", "params": [1]}}}}, "states.a.entry", "parameter"),
        ({"states": {"a": {"type": "atomik"}}}, "states.a", "write one of"),
        ({"states": {"a": {"states": {"b": {}}}}}, "states.a", "no initial state"),
        ({"states": {"a": {"initial": "a", "states": {"a": {}}}}}, "states.a.states.a", "is taken"),
        ({"states": {"a": {"after": {"soon!": "a"}}}}, "states.a.after.soon!", "milliseconds"),
        ({"states": {"a": {"after": {"later": "a"}}}}, "states.a.after.later", "it names 'later'"),
        ({"states": {"a": {"on": ["go"]}}}, "states.a.on", "give a mapping"),
        ({"states": {"a": {"on": {"": "a"}}}}, "states.a.on.", "as always"),
        ({"states": {"a": ["x"]}}, "states.a", "give a mapping"),
    ],
)  # fmt: skip
def test_what_charts_have_not_is_refused_with_the_place(
    body: dict[str, Any], place: str | None, told: str
) -> None:
    with pytest.raises(DocumentRefused) as refused:
        load(json.dumps(body), base=Hooks)

    assert told in str(refused.value)
    assert (refused.value.place or "").rstrip(".") == (place or "").rstrip(".")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"states": {"a": 1,}}', "line 1: it is not valid JSON"),
        ('{"a": 1, "a": 2}', "twice"),
        ('{"states": ' + "[" * 100_000, "nested too deeply"),
        ('{"states": {"a": ' * 300 + "{}" + "}}" * 300, "nested more than 200 deep"),
        ("states:\n  a: [", "line 2: it is not valid YAML"),
        ("- a\n- b", "it is a list"),
        ("a: !!python/object:os.system {}\nb: 1", "it is not valid YAML"),
        ("states:\n" + "".join(f"  {' ' * n}s{n}:\n" for n in range(300)), "not valid YAML"),
        (
            "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
            + "".join(f"{c}: &{c} [{', '.join([f'*{b}'] * 10)}]\n" for b, c in pairwise("abcdef")),
            "100,000 values",
        ),
    ],
    ids=["comma", "twice", "brackets", "deep", "open", "list", "tag", "deepyaml", "bomb"],
)  # fmt: skip
def test_text_that_is_no_document_is_refused(text: str, told: str) -> None:
    with pytest.raises(DocumentRefused) as refused:
        load(text)

    assert told in str(refused.value)
    assert len(str(refused.value)) < 300
