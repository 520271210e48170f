"""The command line, with the provider of the tests."""

from __future__ import annotations

import sys

import tests.fleet.world  # noqa: F401 (registers the provider)
from environments.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
