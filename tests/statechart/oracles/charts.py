"""Random flat charts, with the events that are fired on them."""

from __future__ import annotations

from enum import Enum

from hypothesis import strategies as st

from tests.statechart.oracles.declared import (
    CHART,
    LISTENER,
    MODEL,
    NOBODY,
    OWNERS,
    SECOND,
    Attribute,
    Both,
    Callback,
    Compared,
    Condition,
    Declared,
    Either,
    Given,
    Guard,
    In,
    Itself,
    Named,
    Node,
    Not,
    Step,
    Way,
)
from tests.statechart.oracles.naive import Interpreter

STATES = ("red", "amber", "green", "blue")
EVENTS = ("go", "run", "fly")
PAYLOAD = ("amount", "who")
ENGINE = ("event", "source", "target", "state", "model", "machine", "transition", "event_data")
PREPARED = ("zone",)
CONFIGURATIONS = ("previous_configuration", "new_configuration")
QUIT = "leave"
"""The event that leads to the final state from everywhere."""


class Colour(Enum):
    RED, AMBER, GREEN, BLUE = range(4)


VALUES = {
    "names": lambda name: None,
    "numbers": lambda name: STATES.index(name) + 7,
    "members": lambda name: Colour[name.upper()],
    "words": lambda name: f"the {name} one",
}

_METHODS = ("ready", "able", "level")
_ATTRIBUTES = ("open", "size")
_GENERIC = (
    "before_transition",
    "on_transition",
    "after_transition",
    "on_enter_state",
    "on_exit_state",
    "prepare_event",
)
_GIVEN = ("first", "second")


@st.composite
def callbacks(draw: st.DrawFn, owner: str, name: str, adds: bool = True) -> Callback:
    known = [*PAYLOAD, *ENGINE, *ENGINE, *PREPARED]
    if name in ("on_transition", *(f"on_{event}" for event in EVENTS)):
        known += CONFIGURATIONS
    takes = tuple(draw(st.lists(st.sampled_from(known), unique=True, max_size=3)))
    lacking = any(each in (*PAYLOAD, *PREPARED) for each in takes)
    styles = ["optional"] * 8 * lacking + ["plain", "keyword", "rest"]
    style = draw(st.sampled_from(styles))
    reaches = owner in (CHART, MODEL) or (name != "prepare_event" and "model" in takes)
    after = name.startswith("after") or name == "prepare_event"
    return Callback(owner, name, takes, style, adds and reaches and not after and draw(st.booleans()))


@st.composite
def guards(
    draw: st.DrawFn,
    numbers: tuple[str, ...],
    names: tuple[str, ...],
    states: tuple[str, ...],
    depth: int = 2,
) -> Guard:
    kinds = ["named"] * 3 + ["compared", "in"] + ["not", "both", "either"] * (depth > 0)
    inner = guards(numbers, names, states, depth - 1)
    match draw(st.sampled_from(kinds)):
        case "compared" if numbers:
            name = draw(st.sampled_from(numbers))
            return Compared(name, draw(st.sampled_from(("==", "!=", ">", ">=", "<", "<="))), 2)
        case "in":
            return In(draw(st.sampled_from(states)))
        case "not":
            return Not(draw(inner))
        case "both":
            return Both(draw(inner), draw(inner))
        case "either":
            return Either(draw(inner), draw(inner))
        case _:
            return Named(draw(st.sampled_from(names)))


@st.composite
def flat_charts(draw: st.DrawFn) -> Declared:
    owned, attributes = draw(_members())
    names = tuple(dict.fromkeys(each.name for each in (*owned, *attributes)))
    asked = tuple(name for name in names if name in (*_METHODS, *_ATTRIBUTES))
    numbers = tuple(name for name in asked if name in ("level", "size"))
    given_names = tuple(name for name in names if name in _GIVEN)
    count = draw(st.integers(1, len(STATES)))
    states = STATES[:count]
    value = VALUES[draw(st.sampled_from(sorted(VALUES)))]
    has_final = count > 1 and draw(st.booleans())
    live = states[:-1] if has_final else states

    def given(*groups: str) -> tuple[Given, ...]:
        found = []
        for n, group in enumerate(draw(st.lists(st.sampled_from(groups), max_size=2))):
            choices = [*given_names, "(function)"]
            chosen = draw(st.sampled_from(choices))
            if chosen == "(function)":
                function = draw(callbacks(NOBODY, f"function_{group}_{n}", adds=group != "after"))
                found.append(Given(group, function))
            elif Given(group, chosen) not in found and group != "after":
                found.append(Given(group, chosen))
        return tuple(found)

    def decorated(label: str, *groups: str) -> tuple[Given, ...]:
        if draw(st.integers(0, 3)):
            return ()
        group = draw(st.sampled_from(groups))
        return (
            Given(
                group,
                draw(
                    callbacks(
                        CHART, f"decorated_{group}_{label}", adds=group not in ("after", "cond", "unless")
                    )
                ),
            ),
        )

    def conditions() -> tuple[Condition, ...]:
        if draw(st.integers(0, 2)) == 0:
            return ()
        found: list[Condition] = []
        for wanted in draw(st.sampled_from(((True,), (True, False), (False,), (True, True)))):
            guard: Guard
            if draw(st.integers(0, 3)) == 0:
                guard = Itself(draw(callbacks(NOBODY, f"guard_{len(found)}", adds=False)))
            else:
                guard = draw(guards(numbers, asked, states)) if asked else In(draw(st.sampled_from(states)))
            if all(guard != other.guard for other in found):
                found.append(Condition(guard, wanted))
        return tuple(sorted(found, key=lambda each: not each.wanted))

    def way(source: str, target: str) -> Way:
        events = draw(st.lists(st.sampled_from(EVENTS), min_size=1, max_size=2, unique=True))
        internal = source == target and draw(st.integers(0, 3)) == 0
        return Way(
            source,
            (target,),
            tuple(event for event in EVENTS if event in events),
            internal,
            conditions(),
            given("validators", "before", "on", "after"),
        )

    # Every state can be reached, and left.
    ways = [way(draw(st.sampled_from(live[:n])), state) for n, state in enumerate(states) if n]
    ways += [way(source, draw(st.sampled_from(live))) for source in live]
    for _ in range(draw(st.integers(0, 3))):
        ways.append(way(draw(st.sampled_from(live)), draw(st.sampled_from(states))))
    ways = list(draw(st.permutations(ways)))
    if has_final:
        ways += [Way(source, (states[-1],), (QUIT,)) for source in live]
    events = tuple(event for event in (*EVENTS, QUIT) if any(event in each.events for each in ways))
    styles = {event: draw(st.sampled_from(("plain", "Event", "id", "inline"))) for event in events}
    # Those that are given inline come first.
    ways = [_in_order(each, styles, events) for each in ways]
    return Declared(
        tuple(
            Node(
                state,
                "final" if has_final and state == states[-1] else "atomic",
                value=value(state),
                given=(*given("enter", "exit"), *decorated(state, "enter", "exit")),
            )
            for state in states
        ),
        tuple(ways),
        tuple(each for each in owned if not _is_lost(each.name, states, events)),
        attributes,
        {
            event: decorated(event, "before", "on", "after", "cond", "unless", "validators")
            for event in events
            if styles[event] != "inline"
        },
        styles,
    )


def _is_lost(name: str, states: tuple[str, ...], events: tuple[str, ...]) -> bool:
    """Return whether a hook is named after a state or event that the chart has not."""
    last = name.rpartition("_")[2]
    return (last in STATES and last not in states) or (last in EVENTS and last not in events)


def _in_order(way: Way, styles: dict[str, str], events: tuple[str, ...]) -> Way:
    inline = [event for event in way.events if styles[event] == "inline"]
    others = [event for event in events if event in way.events and event not in inline]
    return Way(way.source, way.targets, (*inline, *others), way.internal, way.conditions, way.given)


@st.composite
def _members(draw: st.DrawFn) -> tuple[tuple[Callback, ...], tuple[Attribute, ...]]:
    """Return the methods and attributes of all owners."""
    conventional = [
        *_GENERIC,
        *(f"{group}_{event}" for group in ("before", "on", "after") for event in EVENTS),
        *(f"on_{group}_{state}" for group in ("enter", "exit") for state in STATES),
    ]
    hooks = st.tuples(st.sampled_from(OWNERS), st.sampled_from(conventional))
    places = draw(st.lists(hooks, unique=True, max_size=8))
    others = st.tuples(st.sampled_from(OWNERS), st.sampled_from((*_METHODS, *_GIVEN)))
    places += draw(st.lists(others, unique=True, max_size=5))
    owned = tuple(draw(callbacks(owner, name, adds=name not in _METHODS)) for owner, name in places)
    where = st.tuples(
        st.sampled_from((CHART, MODEL, MODEL, LISTENER, SECOND)), st.sampled_from(_ATTRIBUTES)
    )
    held = draw(st.lists(where, unique=True, max_size=3))
    return owned, tuple(Attribute(owner, name) for owner, name in held)


@st.composite
def steps(draw: st.DrawFn, chart: Declared) -> list[Step]:
    """Return events, most of which the chart has a transition for when they are fired."""
    naive = Interpreter(chart)
    naive.start()
    labels = sorted({each.label for each in (*chart.callbacks, *chart.attributes, *functions(chart))})
    found = []
    for _ in range(draw(st.integers(1, 8))):
        names = draw(st.lists(st.sampled_from(PAYLOAD), unique=True))
        refuses = draw(st.lists(st.sampled_from(labels), max_size=3)) if labels else []
        raises = draw(st.sampled_from((*labels, "commit"))) if draw(st.integers(0, 3)) == 0 else None
        ways = [way for way in chart.ways if way.source in naive.leaves and way.events]
        likely = sorted({event for way in ways for event in way.events})
        events = likely if likely and draw(st.integers(0, 5)) else sorted(chart.events)
        found.append(
            Step(
                draw(st.sampled_from(events)),
                {name: n + 1 for n, name in enumerate(names)},
                frozenset(refuses),
                raises,
                raises is not None and draw(st.integers(0, 3)) == 0,
            )
        )
        naive.fire(found[-1])
    return found


def functions(chart: Declared) -> list[Callback]:
    """Return the functions of a chart that are given themselves, or by decorators."""
    given = [each for part in (*chart.ways, *chart.nodes) for each in part.given]
    given += [each for group in chart.decorated.values() for each in group]
    found = [each.what for each in given if isinstance(each.what, Callback)]
    guards = [condition.guard for way in chart.ways for condition in way.conditions]
    return found + [guard.function for guard in guards if isinstance(guard, Itself)]


@st.composite
def flat_runs(draw: st.DrawFn) -> tuple[Declared, list[Step]]:
    chart = draw(flat_charts())
    return chart, draw(steps(chart))
