"""`logs`: the output of a service, or the trace of a failure."""

from __future__ import annotations

from typing import Annotated

import typer

from environments.cli.arguments import NameArgument
from environments.cli.settings import Settings


def logs(
    settings: Settings,
    name: NameArgument,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, metavar="N", help="How many lines.")] = 50,
    follow: Annotated[
        bool, typer.Option("--follow", "-F", metavar="", help="Go on as the log grows, until Ctrl-C.")
    ] = False,
    trace: Annotated[
        bool, typer.Option("--trace", metavar="", help="Show the trace of the last failed command instead.")
    ] = False,
) -> None:
    """Show the end of what the environment's service said."""
    from environments.cli.refusal import UsageRefused
    from environments.presentation.log_files import print_log, print_trace

    if follow and (trace or settings.json):
        other = "--trace" if trace else "--json"
        raise UsageRefused(
            f"--follow has no end, and {other} needs one", (settings.spell("logs NAME --follow", name),)
        )
    if trace:
        print_trace(settings, name)
    else:
        print_log(settings, name, lines, follow=follow)
