"""`timers`: act on environments whose time has passed, as they expire."""

from __future__ import annotations

import asyncio
import json
import signal
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING

import click

from environments.cli import loading
from environments.cli.completion.values import one_of
from environments.cli.group import subcommand
from environments.cli.running import carry_out
from environments.cli.settings import Settings
from environments.cli.signals import Ended
from environments.presentation.listing import expiry_text
from statechart.terminal.output import emit, fitting, write
from statechart.terminal.refusal import UsageRefused
from statechart.terminal.report import ExitCode
from statechart.terminal.text import columns

if TYPE_CHECKING:
    from environments.timers.runner import Expiry, ExpiryRunner, Fired
    from environments.workspace import Workspace

_ACTIONS = ("list", "run")


@subcommand("timers")
@click.argument(
    "action", metavar="list|run", shell_complete=one_of(_ACTIONS), help="Show what expires, or act on it."
)
@click.option("--once", is_flag=True, help="Act on what has expired by now, and end; for cron.")
def timers(settings: Settings, action: str, once: bool) -> None:
    """Act on environments whose time has passed, as they expire.

    An environment with `expires` is proposed for teardown when its time has passed; one whose file says
    `on_expiry: destroy` is destroyed. A teardown that fails is tried again after a pause that doubles.
    run goes on until a signal ends it. Several may run: each environment is destroyed once. With --once,
    the exit code is 6 if a teardown failed.

    Examples:
        envchart timers list
        envchart timers run
        envchart timers run --once  # in cron
    """
    if action not in _ACTIONS:
        raise UsageRefused(
            f"{action!r} is no action of timers",
            (settings.spell("timers list"), settings.spell("timers run")),
        )
    if action == "list":
        if once:
            raise UsageRefused("--once belongs to run", (settings.spell("timers run --once"),))
        _list(settings)
    elif once:
        _once(settings)
    else:
        _run(settings)


def _list(settings: Settings) -> None:
    runner = import_module("environments.timers.runner")
    found: list[Expiry] = runner.expiries(loading.workspace(settings))
    now = datetime.now(UTC)
    rows = [(each.name, expiry_text(each.at.isoformat(), now), _action(each)) for each in found]
    lines = columns([("NAME", "WHEN", "THEN"), *rows]) if rows else ["no environment expires"]
    emit(settings, [each.document() for each in found], "\n".join(map(fitting, lines)))


def _action(expiry: Expiry) -> str:
    return "destroy" if expiry.destroys else "propose"


def _once(settings: Settings) -> None:
    _, fired = carry_out(
        settings, lambda workspace: _runner(settings, workspace, quiet=settings.json).once()
    )
    if settings.json:
        emit(settings, [each.document() for each in fired], "")
    elif not fired:
        emit(settings, None, "no environment has expired")
    if any(each.outcome == "failed" for each in fired):
        raise click.exceptions.Exit(ExitCode.STEP_FAILED)


def _run(settings: Settings) -> None:
    try:
        carry_out(settings, lambda workspace: _runner(settings, workspace).run())
    except (KeyboardInterrupt, asyncio.CancelledError, Ended) as stopped:
        # The usual end is no error.
        code = stopped.exit_code if isinstance(stopped, Ended) else 128 + signal.SIGINT
        raise click.exceptions.Exit(code) from None


def _runner(settings: Settings, workspace: Workspace, *, quiet: bool = False) -> ExpiryRunner:
    def tell(fired: Fired) -> None:
        if not quiet:
            _tell(settings, fired)

    runner: ExpiryRunner = import_module("environments.timers.runner").ExpiryRunner(workspace, tell)
    return runner


def _tell(settings: Settings, fired: Fired) -> None:
    if settings.json:
        write(f"{json.dumps(fired.document())}\n")
        return
    write(f"{fitting(_told(settings, fired))}\n")


def _told(settings: Settings, fired: Fired) -> str:
    name = fired.expiry.name
    if fired.outcome == "destroyed":
        return f"{name} expired, and is destroyed"
    if fired.outcome == "proposed":
        return f"{name} expired: {settings.spell('destroy NAME', name)}"
    return f"{name} expired, and is tried again at {fired.again:%H:%M:%SZ}: {fired.problem}"
