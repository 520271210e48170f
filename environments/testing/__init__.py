"""For tests of what is built on environments: doubles that are real, and contracts to pass."""

from __future__ import annotations

from environments.testing.children import in_child
from environments.testing.doubles import FixedClock, ScriptedProvider, ScriptedSpec

__all__ = ["FixedClock", "ScriptedProvider", "ScriptedSpec", "in_child"]
