"""`fleet worker`."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING

import click

from environments.cli import loading
from environments.cli.commands.fleet.opening import store_of
from environments.cli.group import subcommand
from environments.cli.many.display import Display
from environments.cli.settings import Settings
from environments.fleet.carrying import Carrier
from environments.fleet.fleet import require_fleet
from environments.fleet.schedules import wishes_of
from environments.fleet.worker_status import DEAD_AFTER
from environments.workspace import Workspace
from statechart.terminal.signals import heeded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from environments.execution.stop import StopRequest
    from environments.fleet.wishes import Wish


@subcommand("worker")
@click.option(
    "--slots",
    metavar="N",
    type=click.IntRange(min=1, max=1000),
    default=8,
    show_default=True,
    help="How many environments it works on at the same time.",
)
@click.option("--name", metavar="NAME", help="The name of the worker; by default that of the machine.")
@click.option(
    "--grace",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=60,
    show_default=True,
    help="After SIGTERM or Ctrl-C, how long it may work on before the rest is handed over.",
)
@click.option(
    "--dead-after",
    metavar="SECONDS",
    type=click.FloatRange(min=1, max=3600),
    default=DEAD_AFTER.total_seconds(),
    show_default=True,
    help="How long it may be silent before others take its work up.",
)
def worker(settings: Settings, *, slots: int, name: str | None, grace: float, dead_after: float) -> None:
    """Work for the fleet until drained.

    Beside its slots, a worker keeps a quarter of them for the work of workers that died. SIGTERM and
    Ctrl-C drain it; a second Ctrl-C hands over at once. If the database does not hear of a busy worker for
    two thirds of --dead-after, it ends with its tools, and others take its work up; its exit code is then
    75, and a service manager should start it again. A longer time is for machines and networks that are
    slow at times.

    Examples:
        envchart fleet worker
        envchart fleet worker --slots 16 --name lab1
        envchart fleet worker --dead-after 20
    """
    store = store_of(settings)
    require_fleet(store)
    engine = import_module("environments.fleet.engine.worker")
    database = import_module("statechart.storage.sql.database").Database.of(store)
    repository = import_module("environments.storage.sql.repository").SqlRepository
    loading.storage(settings)  # sets the logs up
    with Display(settings, {}, redraws=False) as display:
        observers = loading.with_notifier(settings, (display,))

        @contextmanager
        def opened(stop: StopRequest, wish: Wish | None) -> Iterator[Workspace]:
            environments = repository(
                # Each with its author. The lease is as long as a silent worker counts as alive.
                store,
                actor=settings.actor if wish is None else wish.by,
                ttl=dead_after,
                keeps=True,
            )
            try:
                yield Workspace(
                    repository=environments,
                    observers=observers,
                    lock_timeout=0.0 if wish is None else wish.patience.total_seconds(),
                    stop=stop,
                    refreshes=False,  # a wish means the files of the machine that submitted it
                )
            finally:
                environments.let_go()

        made = engine.Worker(
            database,
            Carrier(opened, display),
            lambda kind: wishes_of(kind, loading.workspace(settings)),
            name=name,
            slots=slots,
            tell=display.note,
            dead_after=timedelta(seconds=dead_after),
        )
        _drain_on_signals(made.drain, timedelta(seconds=grace))
        made.run()


def _drain_on_signals(drain: Callable[[timedelta], None], grace: timedelta) -> None:
    """Drain at the first signal, within a time, and hand over at once at the second."""
    times = iter((grace,))

    def heed(_number: int, _frame: object) -> None:
        drain(next(times, timedelta()))

    for number in heeded():
        signal.signal(number, heed)
