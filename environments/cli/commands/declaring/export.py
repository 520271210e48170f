"""`export`: print the declaration of an environment as a file."""

from __future__ import annotations

from environments.cli import loading
from environments.cli.group import subcommand
from environments.cli.parameters import name_argument
from environments.cli.settings import Settings
from environments.configuration.spec_text import spec_text
from statechart.terminal.output import emit


@subcommand("export")
@name_argument
def export(settings: Settings, name: str) -> None:
    """Print the declaration as a file, for create and update.

    Fields that have their defaults are left out. Secrets stay references, and paths are absolute.

    Examples:
        envchart export web > env.yaml
        envchart export web | diff env.yaml -
    """
    spec = loading.storage(settings).load(name).spec
    text = spec_text(spec)
    document = {"name": name, "spec": spec.model_dump(mode="json"), "file": text}
    emit(settings, document, text, raw=True)
