"""Commands: the subcommands by name, each loaded when it is asked for.

A group of typer's builds all its subcommands first, which takes longer than listing an empty
directory. This one builds the subcommand that was typed, and all of them only for the help.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer

from environments.cli.fast_options import PlainCommand, PlainGroup
from environments.cli.settings import with_settings

_PATH = "From nothing to running, and back"
_MORE = "Change"
_SAFETY = "After a crash"
_LOOK = "Look"


@dataclass(frozen=True, slots=True)
class _Entry:
    module: str
    panel: str


COMMANDS: dict[str, _Entry] = {
    "create": _Entry("create", _PATH),
    **{
        name: _Entry("lifecycle", _PATH)
        for name in ("provision", "register", "configure", "release", "run")
    },
    "up": _Entry("up", _PATH),
    **{name: _Entry("destroy", _PATH) for name in ("destroy", "purge")},
    "retry": _Entry("lifecycle", _MORE),
    "update": _Entry("update", _MORE),
    **{name: _Entry(name, _SAFETY) for name in ("recover", "unlock")},
    **{name: _Entry(name, _LOOK) for name in ("why", "show", "list", "history", "logs", "verify")},
    **{name: _Entry(name, _LOOK) for name in ("drift", "diagram", "docs", "schema")},
}


_WAITING = {
    *("provision", "register", "configure", "release", "run", "up", "destroy", "retry", "update", "purge"),
    *("recover", "drift"),
}


class CommandGroup(PlainGroup):
    """The group of all subcommands."""

    def list_commands(self, ctx: Any) -> list[str]:  # Any: typer's own class, which it does not export
        """Return the names, as the help shows them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # Any: likewise
        """Return a subcommand, building it at its first use; None if there is none of that name."""
        del ctx
        if cmd_name not in self.commands and cmd_name in COMMANDS:
            self.commands[cmd_name] = _build(cmd_name)
        return self.commands.get(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the subcommand that was typed; for a typo, name those that are near."""
        if args[0] not in COMMANDS:
            for name in COMMANDS:
                self.get_command(ctx, name)
        return super().resolve_command(ctx, args)


def _build(name: str) -> Any:
    entry = COMMANDS[name]
    module = import_module(f"environments.cli.commands.{entry.module}")
    handler = getattr(module, "list_" if name == "list" else name)
    app = typer.Typer(add_completion=False)
    register = app.command(
        name, cls=PlainCommand, help=_help(name, handler.__doc__ or ""), rich_help_panel=entry.panel
    )
    register(with_settings(handler, waiting=name in _WAITING))
    return typer.main.get_command(app)


def _help(name: str, said: str) -> str:
    from environments.presentation import guidance

    if name in guidance.COMMANDS:
        return f"{said.strip()}\n\n{guidance.sources_in_words(name)}"
    return said.strip()
