"""`store`: check or migrate the tables of a store in a database."""

from __future__ import annotations

import click

from statechart.cli.parameters import subcommand
from statechart.cli.schema import grant_option, sql_option, tend
from statechart.cli.settings import Settings


@subcommand("store", charted=False)
@click.argument("action", metavar="migrate|check", help="Bring the tables up to date, or only look.")
@grant_option
@sql_option
def store(settings: Settings, action: str, granted: tuple[str, ...], *, sql: bool) -> None:
    """Check or migrate the tables of a store in a database.

    check shows the revision of the tables, the rights of the role, and what lies in between.
    The exit code of check is 8 if the store can't be used.

    Examples:
        python -m statechart store check --store postgresql://shop@db/orders
        python -m statechart store migrate --store sqlite:///orders.db
        python -m statechart store migrate --grant shop --store postgresql://admin@db/orders
    """
    tend(settings, action, settings.store, "statechart.storage.sql.schema:ENGINE", granted=granted, sql=sql)
