"""Nested charts that were thought of: histories of both kinds, regions and done events."""

from __future__ import annotations

from tests.statechart.oracles.declared import CHART, Callback, Declared, Node, Step, Way

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
        Way("due", ("paid",), ("pay",)),
        Way("packing", ("packed",), ("pack",)),
        Way("packed", ("sent",), ("send",)),
        Way("open", ("paused",), ("pause",)),
        Way("paused", ("where",), ("resume",)),
        Way("work", ("done",), ("done.state.work",)),
    ),
    (Callback(CHART, "on_enter_done"), Callback(CHART, "after_send"), Callback(CHART, "on_exit_state")),
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


def events(*names: str) -> list[Step]:
    return [Step(name) for name in ("__initial__", *names)]


SCENES = [
    (ORDER, events("place", "pack", "pause", "resume", "pay", "pause", "resume", "send")),
    (ORDER, events("place", "pay", "pause", "resume", "pack", "send")),
    (TOUR, events("again", "fly", "leave", "go", "fly", "back", "fly", "again", "go", "go", "fly", "back")),
    (
        CLASH,
        events("begin", "go", "end", "begin", "run", "run", "end", "begin", "cross", "slip", "slip", "go"),
    ),
    (TOUR, events("leave", "fly", "leave", "go", "stay", "go", "stay", "turn")),
    (TOUR, events("back", "fly", "leave", "go", "go", "fly", "again", "fly", "back", "go", "fly", "back")),
]
"""Charts with the events that are fired on them."""
