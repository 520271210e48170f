"""`python -m environments`: the command line, for when `envchart` is not on the path."""

import sys

from environments.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
