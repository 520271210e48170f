"""`unlock`: end a hung process that holds an environment."""

from __future__ import annotations

import click

from environments.cli import loading
from environments.cli.group import subcommand
from environments.cli.parameters import duration_of, name_argument, yes_option
from environments.cli.settings import Settings
from environments.cli.signals import Interruption
from environments.execution.runtime import Runtime
from environments.presentation.documents import environment_document
from environments.presentation.view import look
from environments.recovery.unlock import Unlocking
from statechart.holder import who
from statechart.terminal.output import emit, note, tell_next
from statechart.terminal.program.parameters import NotNegative
from statechart.terminal.prompt import ask


@subcommand("unlock")
@name_argument
@yes_option
@click.option(
    "--grace",
    metavar="SECONDS",
    type=NotNegative(float),
    default=10,
    show_default=True,
    help="The time that the process has to end before it is killed.",
)
def unlock(settings: Settings, name: str, yes: bool, grace: float) -> None:
    """End a hung process that holds the environment.

    Shows the evidence about the process, asks for confirmation, unless --yes is given, and
    records who ended it.

    Examples:
        envchart unlock web
    """
    storage = loading.storage(settings)
    unlocking = Unlocking(Runtime(storage), name)
    evidence = unlocking.look()
    for line in evidence.lines:
        note(f"  {line}")
    if not yes:
        ask(f"End that process (pid {evidence.holder.pid})?", settings.spell("unlock NAME --yes", name))
    by = who()
    ending = unlocking.end(evidence.holder, by, duration_of(grace))
    unlocked = Interruption(note, about=name).run(ending)
    view = look(storage, name)
    document = {
        **environment_document(view, settings.spell, storage.directory(name)),
        "unlocked": {"holder": unlocked.holder.model_dump(mode="json"), "how": unlocked.how, "by": by},
    }
    said = f"ended pid {unlocked.holder.pid} ({unlocked.how}): {name} is {view.condition}"
    emit(settings, document, said)
    tell_next(settings, view.next_steps, name)
