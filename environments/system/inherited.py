"""The environment variables that tools inherit from this process."""

from __future__ import annotations

import os
from collections.abc import Iterable

STORE_VARIABLE = "ENVCHART_STORE"

LIBPQ = ("PGPASSWORD", "PGPASSFILE", "PGSERVICE", "PGSERVICEFILE", "PGSSLKEY")
"""The variables that lead to a password or a key for PostgreSQL."""

# A provisioner or a playbook that can read the store's password could rewrite every record.
_withheld: set[str] = {STORE_VARIABLE}


def withhold(names: Iterable[str]) -> None:
    """Keep variables from the tools of this process from now on: they are for its own use."""
    _withheld.update(names)


def passed_on() -> dict[str, str]:
    """Return the variables of this process without those that are for its own use."""
    return {name: value for name, value in os.environ.items() if name not in _withheld}
