"""`schema`: print the JSON schema of spec files."""

from __future__ import annotations

from environments.cli.settings import Settings
from environments.cli.terminal.output import emit


def schema(settings: Settings) -> None:
    """Print the JSON Schema of an environment's file, for editors."""
    import json

    from environments.configuration.schema import spec_schema

    document = spec_schema()
    emit(settings, document, json.dumps(document, indent=2))
