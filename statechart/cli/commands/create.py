"""`create`: a new value."""

from __future__ import annotations

from statechart.cli import loading
from statechart.cli.models import read_model, with_configuration
from statechart.cli.parameters import name_argument, payload_argument, subcommand
from statechart.cli.settings import Settings
from statechart.cli.values import print_changed
from statechart.terminal.streams import prints_aside


@subcommand("create")
@name_argument
@payload_argument
def create(settings: Settings, name: str, payload: tuple[str, ...]) -> None:
    """Record a new value.

    Without a state, it begins in the initial state of the chart, and so do its timers.
    States that are active together are typed as 'state=awaiting + packing'; then no timer runs.

    Examples:
        python -m statechart create shop:OrderChart A-1 price=7 --store orders
    """
    repository = loading.repository(settings)
    with prints_aside():
        words = with_configuration(repository.chart, payload)
        repository.create(name, read_model(repository.model, words, settings.spell("create NAME", name)))
    print_changed(settings, repository, name)
