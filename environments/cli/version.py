"""Version: the version of the distribution, which the build reads from here."""

from __future__ import annotations

# `importlib.metadata` would take longer to find it than `envchart --version` may take.
VERSION = "0.1.0"
