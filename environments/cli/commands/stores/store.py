"""`store`: check or migrate the tables of a store in a database."""

from __future__ import annotations

import click

from environments.cli.completion.values import one_of
from environments.cli.group import subcommand
from environments.cli.settings import Settings
from statechart.cli.schema import grant_option, sql_option, tend


@subcommand("store")
@click.argument(
    "action",
    metavar="migrate|check",
    shell_complete=one_of(("check", "migrate")),
    help="Bring the tables up to date, or only look.",
)
@grant_option
@sql_option
def store(settings: Settings, action: str, granted: tuple[str, ...], *, sql: bool) -> None:
    """Check or migrate the tables of a store in a database.

    check shows the revision of the tables, the rights of the role, and what lies in between.
    The exit code of check is 8 if the store can't be used.

    Examples:
        envchart store check --store postgresql:///envs
        envchart store migrate --store postgresql:///e --grant app
        envchart store migrate --sql --grant deploy > tables.sql
    """
    tend(
        settings,
        action,
        settings.store,
        "environments.storage.sql.schema:ENVIRONMENTS",
        granted=granted,
        sql=sql,
    )
