"""Nested charts that were thought of: histories of both kinds, regions and done events."""

from __future__ import annotations

from tests.statechart.oracles.declared import (
    CHART,
    MODEL,
    NOBODY,
    Callback,
    Condition,
    Declared,
    Given,
    Itself,
    Named,
    Node,
    Step,
    Way,
)

ORDER = Declared(
    (
        Node("draft"),
        Node(
            "open",
            "compound",
            (
                Node(
                    "work",
                    "parallel",
                    (
                        Node("pay", "compound", (Node("due"), Node("paid", "final"))),
                        Node("ship", "compound", (Node("packing"), Node("packed"), Node("sent", "final"))),
                    ),
                ),
                Node("where", "deep"),
            ),
        ),
        Node("paused"),
        Node("done", "final"),
    ),
    (
        Way("draft", ("open",), ("place",)),
        Way("due", ("paid",), ("settle",)),
        Way("packing", ("packed",), ("pack",)),
        Way("packed", ("sent",), ("ship_it",)),
        Way("open", ("paused",), ("pause",)),
        Way("paused", ("where",), ("resume",)),
        Way("work", ("done",), ("done.state.work",)),
    ),
    (Callback(CHART, "on_enter_done"), Callback(CHART, "after_ship_it"), Callback(CHART, "on_exit_state")),
)
"""An order that is paid and sent side by side."""

TOUR = Declared(
    (
        Node("home"),
        Node(
            "away",
            "compound",
            (
                Node("packed"),
                Node("north", "compound", (Node("oslo"), Node("bergen"))),
                Node("south", "compound", (Node("rome"), Node("bari")), default="bari"),
                Node("last", "shallow", default="south"),
                Node("place", "deep"),
            ),
        ),
    ),
    (
        Way("home", ("north",), ("leave",)),
        Way("oslo", ("bergen",), ("go",)),
        Way("bergen", ("rome",), ("go",)),
        Way("rome", ("bari",), ("go",)),
        Way("away", ("home",), ("fly",)),
        Way("home", ("last",), ("again",)),
        Way("home", ("place",), ("back",)),
        Way("home", ("packed",), ("plan",)),
        Way("away", ("place",), ("stay",)),
        Way("away", ("last",), ("turn",)),
    ),
)
"""A journey that goes on where it was, or near."""

CLASH = Declared(
    (
        Node("idle"),
        Node(
            "work",
            "compound",
            (
                Node(
                    "both",
                    "parallel",
                    (
                        Node("left", "compound", (Node("l1"), Node("l2"))),
                        Node("right", "compound", (Node("r1"), Node("r2"))),
                    ),
                ),
                Node("out"),
                Node("aside"),
            ),
        ),
    ),
    (
        Way("idle", ("both",), ("begin",)),
        Way("l1", ("out",), ("go",)),
        Way("r1", ("aside",), ("go",)),
        Way("both", ("out",), ("run",)),
        Way("r1", ("r2",), ("run",)),
        Way("left", ("l2",), ("slip",), internal=True),
        Way("l1", ("r2",), ("cross",)),
        Way("work", ("idle",), ("end",)),
    ),
)
"""Regions whose transitions are in conflict."""


_ADDS = Given("validators", Callback(NOBODY, "adding", ("model",), adds=True))
_ASKED = Condition(Itself(Callback(NOBODY, "asked")))

CHAINS = Declared(
    (
        Node("idle"),
        Node(
            "both",
            "parallel",
            (
                Node("one", "compound", (Node("a"), Node("b"), Node("c"), Node("d", "final"))),
                Node("two", "compound", (Node("x"), Node("y"), Node("z", "final"))),
                Node("three", "compound", (Node("m"), Node("n", "final"))),
            ),
        ),
        Node("over"),
    ),
    (
        Way("idle", ("both",), ("begin", "start")),
        Way("a", ("b",), ("go",)),
        Way("b", ("c",), (), False, (Condition(Named("ready")),)),
        Way("b", ("a",), ("tick",)),
        Way("c", ("d",), ("tock",)),
        Way("two", (), ("tick",)),
        Way("x", ("y",), ("tock",)),
        Way("y", ("z",), ("tick",)),
        Way("both", ("idle",), ("ring",), False, (Condition(Named("ready")),)),
        Way("x", ("x",), ("ring",)),
        Way("m", ("n",), ("tock",)),
        Way("both", ("over",), ("done.state.both",)),
        Way("both", ("idle",), ("leave",), False, (Condition(Named("ready")), Condition(Named("able")))),
        Way("over", ("idle",), ("leave",), False, (_ASKED, Condition(Named("able"))), (_ADDS,)),
        Way("over", ("over",), ("go",)),
    ),
    (
        Callback(CHART, "on_go", raises="tick"),
        Callback(CHART, "before_go", raises="tock"),
        Callback(CHART, "on_tick", ("amount",), "optional"),
        Callback(MODEL, "on_enter_c", ("event_data",), adds=True),
        Callback(CHART, "on_enter_z", gives=True),
        Callback(CHART, "on_enter_over", ("who",), "optional"),
        Callback(CHART, "after_go"),
        Callback(CHART, "after_tick"),
        Callback(CHART, "on_ring", ("new_configuration", "previous_configuration")),
        Callback(CHART, "on_tock", ("new_configuration", "previous_configuration")),
        Callback(CHART, "prepare_event", ("event",)),
        Callback(CHART, "ready"),
        Callback(CHART, "able"),
    ),
)
"""Regions that raise events for each other, with guards, data of done events, and hooks that add."""

REPEATS = Declared(
    (
        Node(
            "both",
            "parallel",
            (
                Node("one", "compound", (Node("a"), Node("b"))),
                Node("two", "compound", (Node("x"),)),
            ),
        ),
    ),
    (Way("a", ("b",), ("tick",)), Way("x", (), ("tick",)), Way("b", ("a",), ("back",))),
    (
        Callback(CHART, "on_enter_b", ("event_data",), adds=True, raises="tick"),
        Callback(CHART, "before_tick", ("amount", "target"), "optional"),
    ),
)
"""An event that is raised again within itself, with another payload."""


HOOKED = Declared(
    (Node("top", "compound", (Node("a"), Node("b"))),),
    (Way("a", ("b",), ("go",)), Way("b", ("a",), ("go",))),
    (Callback(MODEL, "on_enter_b", adds=True), Callback(MODEL, "on_exit_state", adds=True)),
)
"""Hooks of states alone."""


def failing(event: str, label: str, *, interrupts: bool = False) -> Step:
    return Step(event, raises=label, interrupts=interrupts)


def events(*names: str) -> list[Step]:
    return [Step(name) for name in ("__initial__", *names)]


_NO = frozenset({f"{CHART}.ready"})
_NEITHER = frozenset({f"{CHART}.able"})

SCENES = [
    (
        CHAINS,
        [
            *events("start"),
            Step("ring", refuses=_NO),
            failing("go", "model.on_enter_c"),
            failing("go", "chart.on_tick", interrupts=True),
            Step("go", refuses=_NO),
            Step("leave", refuses=_NEITHER),
            Step("leave", refuses=_NO | _NEITHER),
            failing("leave", "commit"),
            *events("leave", "begin")[1:],
            failing("go", "chart.after_go"),
            *events("tick", "leave")[1:],
        ],
    ),
    (
        CHAINS,
        [
            *events("start", "go", "tick"),
            Step("leave", refuses=frozenset({"nobody.asked"})),
            Step("leave", refuses=_NEITHER),
            *events("go", "leave", "leave")[1:],
        ],
    ),
    (
        HOOKED,
        [*events(), failing("go", "model.on_enter_b"), failing("go", "commit"), *events("go", "go")[1:]],
    ),
    (
        REPEATS,
        [*events(), Step("tick", {"amount": 1}), failing("back", "commit"), *events("back", "tick")[1:]],
    ),
    (ORDER, events("place", "pack", "pause", "resume", "settle", "pause", "resume", "ship_it")),
    (ORDER, events("place", "settle", "pause", "resume", "pack", "ship_it")),
    (TOUR, events("again", "fly", "leave", "go", "fly", "back", "fly", "again", "go", "go", "fly", "back")),
    (
        CLASH,
        events("begin", "go", "end", "begin", "run", "run", "end", "begin", "cross", "slip", "slip", "go"),
    ),
    (TOUR, events("leave", "fly", "leave", "go", "stay", "go", "stay", "turn")),
    (TOUR, events("back", "fly", "leave", "go", "go", "fly", "again", "fly", "back", "go", "fly", "back")),
]
"""Charts with the events that are fired on them."""
