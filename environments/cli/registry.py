"""Registry: the subcommands, with everything that the group shows without importing their modules."""

from __future__ import annotations

from typing import NamedTuple

LIFECYCLE = "From nothing to running, and back"
CHANGE = "Change"
CRASH = "After a crash"
LOOK = "Look"


class Entry(NamedTuple):
    """A subcommand: its module in `environments.cli.commands`, the attribute there, and its help line."""

    module: str
    attribute: str
    help: str
    section: str


COMMANDS: dict[str, Entry] = {
    "create": Entry("create", "create", "Record a new environment; nothing is created yet.", LIFECYCLE),
    "provision": Entry("lifecycle", "provision", "Create the environment's resources.", LIFECYCLE),
    "register": Entry(
        "lifecycle", "register", "Adopt an existing host instead of creating one.", LIFECYCLE
    ),
    "configure": Entry("lifecycle", "configure", "Configure the resources for the application.", LIFECYCLE),
    "release": Entry(
        "lifecycle", "release", "Install a release; the running service is not restarted.", LIFECYCLE
    ),
    "run": Entry(
        "lifecycle", "run", "Start the installed release and wait until it is healthy.", LIFECYCLE
    ),
    "up": Entry("up", "up", "Run every command needed to bring the environment up.", LIFECYCLE),
    "destroy": Entry("destroy", "destroy", "Remove the resources; the record stays.", LIFECYCLE),
    "purge": Entry(
        "destroy", "purge", "Delete the record of a destroyed environment and free its name.", LIFECYCLE
    ),
    "retry": Entry("lifecycle", "retry", "Resume the failed command at its first unfinished step.", CHANGE),
    "update": Entry("update", "update", "Change the environment's declaration.", CHANGE),
    "recover": Entry(
        "recovery.recover",
        "recover",
        "Recover an interrupted command: stop leftover processes and record what was done.",
        CRASH,
    ),
    "unlock": Entry("recovery.unlock", "unlock", "End a hung process that holds the environment.", CRASH),
    "why": Entry("why", "why", "Explain what happened, what is known, and what to do next.", LOOK),
    "show": Entry("show", "show", "Show an environment: state, problems and next commands.", LOOK),
    "list": Entry("list", "list_", "List all environments.", LOOK),
    "history": Entry("history", "history", "Show the transitions and steps of an environment.", LOOK),
    "logs": Entry("logs", "logs", "Show the end of the service's log.", LOOK),
    "verify": Entry("verify", "verify", "Check histories for tampering and against today's chart.", LOOK),
    "drift": Entry("drift", "drift", "Compare the record with the real infrastructure.", LOOK),
    "diagram": Entry("diagram", "diagram", "Draw the chart of all states and events.", LOOK),
    "docs": Entry("docs", "docs", "Keep the diagrams in documentation up to date.", LOOK),
    "schema": Entry("schema", "schema", "Print the JSON Schema of environment files, for editors.", LOOK),
}
