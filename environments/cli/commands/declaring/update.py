"""`update`: change the spec of an environment."""

from __future__ import annotations

from pathlib import Path

from environments.cli import loading
from environments.cli.declared_spec import SpecChange, declared_amendment
from environments.cli.group import subcommand
from environments.cli.parameters import TypedChanges, amending_options, file_option, name_argument
from environments.cli.running import carry_out, tell_missing_secrets
from environments.cli.settings import Settings
from environments.cli.telling import tell_changed
from environments.configuration.spec_file import load_spec
from environments.presentation.artifacts import copied_lines
from environments.presentation.spec_changes import change_lines, spec_changes
from statechart.terminal.output import note
from statechart.terminal.refusal import UsageRefused


@subcommand("update", waiting=True)
@name_argument
@file_option
@amending_options
def update(settings: Settings, name: str, file: Path | None, typed: TypedChanges) -> None:
    """Change the environment's declaration.

    The options change the recorded declaration, or with --file, the declaration in the file. The
    commands that apply the change are run separately, or by up.

    In a database, the module, the playbook and the application are copied to the store. With --file,
    or without any option, they are copied anew from this machine.

    Examples:
        envchart update web --file env.yaml
        envchart update web --env LEVEL=debug
        envchart update web --env TOKEN=@file:./token
        envchart update web --set labels.team=web
        envchart update web --unset provider.env.LEVEL
    """
    if file is None and not typed and settings.store is None:  # files have no copies in a directory
        raise UsageRefused(
            "nothing to change: give --file FILE, --app DIR, --env K=V, --set KEY=VALUE or --unset KEY",
            (settings.spell("update NAME --set labels.team=web", name), settings.spell("update --help")),
        )
    before = loading.workspace(settings).load(name)
    change = SpecChange(None if file is None else load_spec(file, name=name), declared_amendment(typed))
    refresh = change.refresh if change else True
    workspace, environment = carry_out(settings, lambda opened: opened.amend(name, change, refresh=refresh))
    tell_missing_secrets(environment.spec)
    changes = spec_changes(change.before or environment.spec, environment.spec)
    copied = copied_lines(before, environment)
    for line in (*change_lines(changes), *copied):
        note(f"  {line}")
    if not changes and not copied:
        note(f"{name} is already declared like that: nothing was changed")
    # Labels and the like hold at once.
    unapplied = bool(copied) or any(change["field"].startswith("provider.") for change in changes)
    first = ("up NAME",) if unapplied and environment.state.name != "created" else ()
    tell_changed(settings, workspace, environment, first=first, extra={"changes": changes})
