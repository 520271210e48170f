"""Registry: the subcommands, with everything that the group shows without importing their modules."""

from __future__ import annotations

from statechart.terminal.program.registry import Entry, Way

LOOK = "Look"
CHANGE = "Change"
CHECK = "Check and try out"
DOCUMENT = "Document"

_CREATE = Way("a value is created by create", ("create NAME key=value",))
_FIRE = Way("a value is changed by events", ("fire NAME EVENT", "allowed NAME"))
_SHOW = Way("the state is shown by show, and the way there by why", ("show NAME", "why NAME", "list"))

WAYS: dict[str, Way] = {
    **dict.fromkeys(("new", "add", "init"), _CREATE),
    **dict.fromkeys(("send", "trigger", "set", "update", "run"), _FIRE),
    **dict.fromkeys(("status", "state", "info", "describe", "inspect", "get", "cat"), _SHOW),
    **dict.fromkeys(("ls", "ps", "find"), Way("all values are shown by list", ("list",))),
    **dict.fromkeys(
        ("log", "logs", "tail"), Way("records are shown by history", ("history NAME", "events"))
    ),
    **dict.fromkeys(("follow", "watch"), Way("changes are followed by events", ("events --follow",))),
    **dict.fromkeys(("draw", "graph", "dot"), Way("a chart is drawn by diagram", ("diagram",))),
    **dict.fromkeys(("walk", "play", "try"), Way("a chart is tried out by simulate", ("simulate",))),
    **dict.fromkeys(
        ("due", "outbox", "jobs", "retry", "work"), Way("effects are run by effects", ("effects --run",))
    ),
    **dict.fromkeys(
        ("timer", "cron", "schedule", "deadlines"),
        Way("timers are fired by timers", ("timers run", "timers list")),
    ),
    **dict.fromkeys(("check", "fsck"), Way("histories are checked by verify", ("verify", "docs check"))),
    **dict.fromkeys(
        ("serve", "web", "ui", "top"), Way("all values are shown live by dashboard", ("dashboard --open",))
    ),
    **dict.fromkeys(
        ("migrate", "migrations", "db", "schema", "grant"),
        Way("the tables of a database are made by store", ("store migrate", "store check")),
    ),
    **dict.fromkeys(
        ("mv", "export", "import", "transfer", "copy"),
        Way("values are brought to another store by move", ("move --all --to DIR|URL",)),
    ),
    "help": Way("each command explains itself with --help", ("--help",)),
}
"""The words that users of other tools type."""

COMMANDS: dict[str, Entry] = {
    "list": Entry("list", "list_", "List values with their states: all, or those that are selected.", LOOK),
    "show": Entry("show", "show", "Show a value: its state, its fields and the allowed events.", LOOK),
    "history": Entry("history", "history", "Show the records of a value, or write them as a test.", LOOK),
    "why": Entry("why", "why", "Explain how a value came to its state, and which events may follow.", LOOK),
    "events": Entry("events", "events", "Tell the transitions of all values as they happened.", LOOK),
    "allowed": Entry(
        "allowed", "allowed", "Show the events that a value allows, and why not the others.", LOOK
    ),
    "dashboard": Entry("dashboard", "dashboard", "Look at all values in a browser, live.", LOOK),
    "create": Entry("create", "create", "Record a new value.", CHANGE),
    "fire": Entry("fire", "fire", "Fire an event on a value, and commit the transition.", CHANGE),
    "effects": Entry("effects", "effects", "List the effects that are due, or run them.", CHANGE),
    "timers": Entry(
        "timers", "timers", "List the timers that run, or fire them when they are due.", CHANGE
    ),
    "move": Entry("stores.move", "move", "Bring values to another store, and back.", CHANGE),
    "verify": Entry("verify", "verify", "Check histories for damage, and against today's chart.", CHECK),
    "store": Entry("stores.store", "store", "Check or migrate the tables of a store in a database.", CHECK),
    "simulate": Entry("simulate", "simulate", "Walk through a chart without storing anything.", CHECK),
    "diagram": Entry("diagram", "diagram", "Draw a chart.", DOCUMENT),
    "docs": Entry("docs", "docs", "Keep the diagrams in documentation up to date.", DOCUMENT),
}
