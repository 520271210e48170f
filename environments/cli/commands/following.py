"""`wait` and `watch`: follow an environment that another process works on."""

from __future__ import annotations

import asyncio
import json
import math
import signal
import time
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from environments.cli import loading
from environments.cli.completion.values import one_of
from environments.cli.group import subcommand
from environments.cli.parameters import duration_of, name_argument
from environments.cli.settings import Settings
from environments.cli.signals import Ended, Interruption
from environments.cli.telling import changed_text
from environments.cli.terminal.narrator import Narrator
from environments.errors import CommandFailed, OperationInterrupted
from environments.model.states import EnvironmentState
from environments.presentation.documents import environment_document
from environments.presentation.guidance import states
from environments.presentation.progress import progress_document
from environments.presentation.view import Reader, View, look
from statechart.errors import NotFound, UnknownState
from statechart.terminal.output import emit, fitting, tell_next, write
from statechart.terminal.program.parameters import NotNegative
from statechart.terminal.refusal import UsageRefused
from statechart.terminal.report import ExitCode

if TYPE_CHECKING:
    from environments.execution.progress import Progress
    from environments.model.environment import AnyEnvironment

_GONE = "gone"


@subcommand("wait")
@name_argument
@click.option(
    "--for",
    "wanted",
    metavar="STATE,...",
    required=True,
    shell_complete=one_of((*states(), _GONE)),
    help="The state to wait for, or several; gone stands for a purged record.",
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=NotNegative(float),
    help="Give up after so many seconds. By default, there is no limit.",
)
def wait(settings: Settings, name: str, wanted: str, timeout: float | None) -> None:
    """Wait until an environment has reached a state.

    It does not matter which process works on the environment. The wait ends at once if the state can't
    be reached any more (exit code 4), a command fails in the meantime (6), or a command was interrupted
    (9). If time is up, the exit code is 8.

    Examples:
    envchart wait web --for running --timeout 300
    envchart wait web --for running,run_failed  # either
    envchart wait web --for gone  # purged
    """
    chosen = [word.strip() for word in wanted.split(",") if word.strip()]
    known = (*states(), _GONE)
    for word in chosen:
        if word not in known:
            raise UnknownState("Lifecycle", word, known)
    if not chosen:
        raise UsageRefused("--for names no state", (settings.spell("wait NAME --for running", name),))
    targets = [EnvironmentState(word) for word in chosen if word != _GONE]
    with Narrator(settings) as narrator:
        limit = None if timeout is None or timeout == math.inf else duration_of(timeout)
        narrator.wait_for(f"waiting for {name} to be {' or '.join(chosen)}", limit)
        begun = time.monotonic()
        interruption = Interruption(lambda _text: None, about=name)  # no command is ended
        workspace = loading.workspace(settings, (narrator,))
        reached = interruption.run(workspace.wait(name, *targets, gone=_GONE in chosen, timeout=timeout))
        narrator.reached(timedelta(seconds=time.monotonic() - begun))
    if reached is None:
        emit(settings, {"name": name, "state": None}, f"{name} is gone")
        return
    _print(settings, reached)


@subcommand("watch")
@name_argument
def watch(settings: Settings, name: str) -> None:
    """Show the progress of the command that is under way.

    It may be a command of another process. The exit code is that of the command: 0, 6 if it fails, 9 if
    its process dies. Ctrl-C ends only the watching. With --json each event is a document on a line of
    its own.

    Examples:
    envchart watch web
    envchart watch web --json | jq -r .event
    """
    try:
        ended = _watched_lines(settings, name) if settings.json else _watched(settings, name)
    except (KeyboardInterrupt, Ended) as stopped:
        # The usual end of watching is no error.
        code = stopped.exit_code if isinstance(stopped, Ended) else 128 + signal.SIGINT
        raise click.exceptions.Exit(code) from None
    if not settings.json:
        if ended is None:
            view = look(loading.storage(settings), name)
            emit(settings, None, fitting(f"{name} is {view.condition}; no command is under way"))
            tell_next(settings, view.next_steps, name)
        else:
            _print(settings, ended)


def _watched(settings: Settings, name: str) -> AnyEnvironment | None:
    with Narrator(settings) as narrator:
        workspace = loading.workspace(settings, (narrator,))
        return Interruption(lambda _text: None, about=name).run(workspace.watch(name))


def _watched_lines(settings: Settings, name: str) -> AnyEnvironment | None:
    """Print each event as a line of JSON."""
    unwritten: list[Exception] = []

    def tell(progress: Progress) -> None:
        try:
            _write_line(progress_document(progress))
        except (UsageRefused, click.exceptions.Exit) as error:  # nobody reads on
            unwritten.append(error)
            if (task := asyncio.current_task()) is not None:
                task.cancel()

    workspace = loading.workspace(settings, (tell,))
    try:
        ended = Interruption(lambda _text: None, about=name).run(workspace.watch(name))
    except CommandFailed as error:
        raise click.exceptions.Exit(ExitCode.STEP_FAILED) from error
    except OperationInterrupted as error:
        _write_line({"event": "interrupted", "name": name, "command": error.operation.command.value})
        raise click.exceptions.Exit(ExitCode.INTERRUPTED) from error
    except asyncio.CancelledError:
        raise unwritten[0] from None
    if ended is None:
        environment = workspace.load(name)
        _write_line({"event": "idle", "name": name, "state": environment.state.name.value})
    return ended


def _write_line(document: dict[str, object]) -> None:
    write(f"{json.dumps(document)}\n")


def _print(settings: Settings, environment: AnyEnvironment) -> None:
    storage = loading.storage(settings)
    view = _seen(storage, environment)
    document = environment_document(view, settings.spell, storage.directory(environment.name))
    emit(settings, document, fitting(changed_text(view.environment, view.holder)))
    tell_next(settings, view.next_steps, environment.name)


def _seen(storage: Reader, environment: AnyEnvironment) -> View[AnyEnvironment]:
    """Return the present view of an environment, or a past view if the environment has changed."""
    with suppress(NotFound):
        now = look(storage, environment.name)
        if (now.environment.lineage, now.environment.revision) == (
            environment.lineage,
            environment.revision,
        ):
            return now
    # The process of a command that was under way then may have ended by now.
    operation = environment.operation
    return View(environment, None if operation is None else operation.holder)
