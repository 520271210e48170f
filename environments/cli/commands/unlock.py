"""The subcommand that ends a process which holds an environment and hangs."""

from __future__ import annotations

import getpass
import socket
from datetime import timedelta
from typing import Annotated

import typer

from environments.cli import loading
from environments.cli.arguments import NameArgument, YesOption
from environments.cli.settings import Settings
from environments.cli.terminal.output import emit, note, tell_next
from environments.cli.terminal.prompt import ask
from environments.presentation.view import look


def unlock(
    settings: Settings,
    name: NameArgument,
    yes: YesOption = False,
    grace: Annotated[
        float,
        typer.Option(
            "--grace",
            min=0,
            metavar="SECONDS",
            help="How long it may take to end, before it is killed.",
        ),
    ] = 10.0,
) -> None:
    """End a process that holds the environment and hangs, and put on record who did it.

    It shows what can be seen of that process, and asks first, unless --yes is given.
    """
    import asyncio

    from environments.execution.runtime import Runtime
    from environments.presentation.documents import environment_document
    from environments.recovery.unlock import Unlocking

    storage = loading.storage(settings)
    unlocking = Unlocking(Runtime(storage), name)
    evidence = unlocking.look()
    for line in evidence.lines:
        note(f"  {line}")
    if not yes:
        ask(f"End that process (pid {evidence.holder.pid})?", settings.spell("unlock NAME --yes", name))
    who = f"{getpass.getuser()}@{socket.gethostname()}"
    unlocked = asyncio.run(unlocking.end(evidence.holder, who, timedelta(seconds=grace)))
    view = look(storage, name)
    document = {
        **environment_document(view, settings.spell, storage.directory(name)),
        "unlocked": {"holder": unlocked.holder.model_dump(mode="json"), "how": unlocked.how, "by": who},
    }
    said = f"ended pid {unlocked.holder.pid} ({unlocked.how}): {name} is {view.condition}"
    emit(settings, document, said)
    tell_next(settings, view.next_steps, name)
