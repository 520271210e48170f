"""`fire`: an event on a value."""

from __future__ import annotations

import click

from statechart.cli import loading
from statechart.cli.parameters import name_argument, payload_argument, subcommand
from statechart.cli.payload import PayloadRefused, read_payload
from statechart.cli.settings import Settings
from statechart.cli.values import print_changed
from statechart.terminal.streams import prints_aside


@subcommand("fire", waiting=True)
@name_argument
@click.argument("event", help="The event.")
@payload_argument
def fire(settings: Settings, name: str, event: str, payload: tuple[str, ...]) -> None:
    """Fire an event on a value, and commit the transition.

    The payload is read by the annotations of the chart's guards and hooks.
    A refused event leaves the value as it is, and the exit code is 4.

    Examples:
        python -m statechart fire shop:OrderChart A-1 ship --store orders
        python -m statechart fire shop:OrderChart A-1 pay amount=7 --store orders
    """
    repository = loading.repository(settings)
    declared = repository.chart.event(event)
    with prints_aside(), repository.open(name, command=f"fire {event}") as session:
        before = repository.summary(name).state
        try:
            given = read_payload(repository.chart, repository.model, event, payload, before)
        except PayloadRefused as refused:
            refused.next = (settings.spell(" ".join(["fire NAME", event, *refused.words]), name),)
            raise
        session.fire(declared, **given)
    print_changed(settings, repository, name, event=event, before=before)
