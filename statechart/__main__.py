"""`python -m statechart`: the command line for any chart."""

from __future__ import annotations

import sys

from statechart.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
