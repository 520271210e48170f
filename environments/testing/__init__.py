"""Test doubles and contracts for code that is built on environments."""

from __future__ import annotations

from environments.testing.children import in_child
from environments.testing.doubles import FixedClock, ScriptedProvider, ScriptedSpec

__all__ = ["FixedClock", "ScriptedProvider", "ScriptedSpec", "in_child"]
