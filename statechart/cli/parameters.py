"""Parameters: the arguments and options that several subcommands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from statechart.cli.settings import STORE_VARIABLE
from statechart.storage.sql.urls import is_url
from statechart.terminal.program.group import Subcommand, declare
from statechart.terminal.program.help_page import EverywhereOption
from statechart.terminal.program.parameters import JSON, Decorator, PathType, lock_timeout


class StoreType(PathType):
    """The path of a directory as typed, completed by the shell, or the URL of a database."""

    def convert(
        self,
        value: Any,  # Any: the base class takes whatever a default may be
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:  # Any: a Path, or a string
        """Return the path or the URL; a path would not keep the slashes of a URL."""
        return value if is_url(value) else super().convert(value, param, ctx)


def _take_chart(ctx: click.Context, param: click.Parameter, value: str) -> None:
    del param
    ctx.obj.reference = value


def _take_store(ctx: click.Context, param: click.Parameter, value: Path | str | None) -> None:
    del param
    ctx.obj.chosen_store = value or ctx.obj.chosen_store


def _take_model(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    del param
    ctx.obj.model_reference = value or ctx.obj.model_reference


_CHART = click.Argument(
    ["chart"],
    metavar="MODULE:CHART",
    expose_value=False,
    callback=_take_chart,
    help="The chart, as shop.orders:OrderChart or orders.py:OrderChart; a ChartRepository, which knows its "
    "store; or a document, as order.scxml or order.yaml.",
)
_STORE = EverywhereOption(
    ["--store"],
    metavar="DIR|URL",
    type=StoreType(),
    expose_value=False,
    callback=_take_store,
    help=f"The directory or database of the values; by default ${STORE_VARIABLE}.",
)
_MODEL = EverywhereOption(
    ["--model"],
    metavar="MODULE:MODEL",
    expose_value=False,
    callback=_take_model,
    help="The class of the values; by default the one that the chart names.",
)
_LOCK_TIMEOUT = lock_timeout("Wait this long while another process changes the value.")

EVERYWHERE = (_STORE, _MODEL, JSON)

name_argument: Decorator = click.argument("name", help="The name of the value.")
payload_argument: Decorator = click.argument(
    "payload", metavar="[KEY=VALUE]...", nargs=-1, help="Fields, as plain words, numbers or JSON."
)


def subcommand(
    name: str, *, stored: bool = True, charted: bool = True, waiting: bool = False
) -> Callable[[Callable[..., Any]], Subcommand]:
    """Declare a handler as the subcommand `name`; its first argument is the `Settings`.

    Args:
        name: The name of the subcommand.
        stored: Whether it takes `--store`.
        charted: Whether its first argument is a chart, of which it takes `--model`.
        waiting: Whether it takes `--lock-timeout`.
    """
    shared = [*([_LOCK_TIMEOUT] if waiting else []), *([_STORE] if stored else [])]
    shared += [*([_MODEL] if charted else []), JSON]

    def declared(handler: Callable[..., Any]) -> Subcommand:  # Any: click calls it with the parameters
        found = declare(name, handler, shared)
        if charted:
            # Behind an action, as in `timers run`.
            found.params.insert(sum(each.name == "action" for each in found.params[:1]), _CHART)
        return found

    return declared
