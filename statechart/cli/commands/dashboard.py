"""`dashboard`: look at all values in a browser, live."""

from __future__ import annotations

from typing import Any

from statechart.cli import loading
from statechart.cli.parameters import subcommand
from statechart.cli.settings import Settings
from statechart.dashboard.serving.options import Wanted, dashboard_options, load_web


@subcommand("dashboard")
@dashboard_options
def dashboard(settings: Settings, **options: Any) -> None:  # Any: the fields of `Wanted`
    """Look at all values in a browser, live.

    The dashboard only reads, takes no lock and changes nothing.

    Examples:
        python -m statechart dashboard shop:OrderChart --store orders --open
        python -m statechart dashboard shop:OrderChart --store orders --port 0 --json | jq -r .url
    """
    wanted = Wanted(**options).checked(settings)
    web = load_web("statechart.dashboard.charts.app")
    launch = load_web("statechart.dashboard.serving.launch")
    repository = loading.repository(settings)
    spelling = loading.lasting_spelling(settings, repository)
    launch.launch(
        settings,
        wanted,
        f"dashboard of {repository.chart.__name__} in {repository.store.where}",
        lambda access: web.site_of(repository, spelling, access=access),
    )
