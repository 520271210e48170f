"""The differences between a declaration, a record and the real infrastructure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from environments.checks.drift import Drift
    from environments.presentation.documents import Spell


def drift_document(found: Drift, spell: Spell) -> dict[str, object]:
    """Return the document of an environment in that of `drift`."""
    environment = found.environment
    return {
        "name": environment.name,
        "state": environment.state.name.value,
        "condition": environment.condition,
        "findings": [
            {
                "kind": finding.kind.value,
                "what": finding.what,
                "event": finding.event,
                "next": spell(f"{finding.then} NAME", environment.name) if finding.then else None,
            }
            for finding in found.findings
        ],
        "unseen": list(found.unseen),
        "applied": found.applied,
    }
