"""`schema`: print the JSON Schema of environment files."""

from __future__ import annotations

import json

from environments.cli.group import subcommand
from environments.cli.settings import Settings
from environments.configuration.schema import spec_schema
from statechart.terminal.output import emit, note


@subcommand("schema")
def schema(settings: Settings) -> None:
    """Print the JSON Schema of environment files, for editors.

    Examples:
        envchart schema > envchart.schema.json
    """
    document = spec_schema(lambda error: note(f"note: {error}; the schema leaves it out"))
    emit(settings, document, json.dumps(document, indent=2))
