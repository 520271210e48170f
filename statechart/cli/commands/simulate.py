"""`simulate`: a walk through a chart in the terminal."""

from __future__ import annotations

from pathlib import Path

import click

from statechart.cli import loading
from statechart.cli.models import read_facts, read_model, with_configuration
from statechart.cli.parameters import subcommand
from statechart.cli.scenarios.conversation import Conversation
from statechart.cli.scenarios.scenario import Scenario, require_new, save
from statechart.cli.scenarios.walking import Walk
from statechart.cli.settings import Settings
from statechart.terminal.output import emit
from statechart.terminal.program.parameters import PathType


@subcommand("simulate", stored=False)
@click.option(
    "--set",
    "assign",
    metavar="KEY=VALUE",
    multiple=True,
    help="A field of the model at the beginning; repeatable.",
)
@click.option(
    "--write", "output", metavar="FILE", type=PathType(), help="Write the walk to a file, as a pytest test."
)
def simulate(settings: Settings, assign: tuple[str, ...], output: Path | None) -> None:
    """Walk through a chart without storing anything.

    Type an event, or its number. undo takes it back, help lists the rest.
    Time stands still, except for elapse, which fires the timers that become due.
    From a pipe, line after line is read.

    Examples:
        python -m statechart simulate shop:OrderChart --set price=7
        python -m statechart simulate shop:OrderChart --set price=7 --write test_walk.py
    """
    again = settings.spell("simulate --write OTHER.py")
    if output is not None:
        require_new(output, again)
    walk = _begun(settings, assign)
    if output is not None:
        _scenario(settings, walk).text("walk")  # refuses a model without a source before it is walked
    conversation = Conversation(settings, walk)
    try:
        conversation.hold()
    except KeyboardInterrupt:
        if output is not None and walk.steps:
            _save(settings, walk, output, again)  # the walk is not lost
        raise
    if output is None and walk.steps and conversation.is_typed:
        output = conversation.ask_file()
    if output is not None:
        _save(settings, walk, output, again)
    if settings.json:
        emit(settings, {**walk.document(), "output": str(output) if output else None}, "")


def _save(settings: Settings, walk: Walk, output: Path, again: str) -> None:
    save(_scenario(settings, walk), "walk", output, again)


def _scenario(settings: Settings, walk: Walk) -> Scenario:
    return walk.scenario(f"A walk through {settings.reference}.")


def _begun(settings: Settings, assign: tuple[str, ...]) -> Walk:
    chart = loading.chart(settings)
    kind = loading.model(settings) or chart.model_class()
    again = settings.spell("simulate")
    if kind is not None:
        words = with_configuration(chart, assign)
        return Walk(chart, read_model(kind, words, again, "--set "), kind, {})
    own = chart.new_model()
    return Walk(
        chart,
        None,
        type(own) if own is not None else None,
        read_facts(assign, own, f"{again} --set KEY=VALUE"),
    )
