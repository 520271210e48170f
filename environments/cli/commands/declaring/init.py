"""`init`: make a directory a workspace."""

from __future__ import annotations

import os
from pathlib import Path

import click

from environments.cli.group import subcommand
from environments.cli.settings import DATA_DIR_VARIABLE, Settings
from environments.configuration.workspace_file import (
    DEFAULT_DATA_DIR,
    WORKSPACE_FILE,
    find_workspace_file,
    is_foreign,
)
from environments.configuration.workspace_toml import workspace_file_text
from statechart.terminal.output import emit, note
from statechart.terminal.program.parameters import PathType
from statechart.terminal.refusal import UsageRefused
from statechart.terminal.report import ExitCode

_OTHERS = ("environments", "envchart-data")


@subcommand("init")
@click.argument(
    "directory",
    metavar="[DIR]",
    default=".",
    type=PathType(file_okay=False),
    help="The directory; by default this one.",
)
def init(settings: Settings, directory: Path) -> None:
    """Make this directory, or DIR, a workspace; DIR is made if it is missing.

    Writes the file .envchart.toml, which is found from every directory below. It names the data
    directory, and has comments on the other settings: defaults of list, how many environments are
    worked on at once, and a command for notifications.

    --data-dir and $ENVCHART_DATA_DIR win over the file.

    Examples:
        envchart init
        envchart init --data-dir envs
    """
    path = Path(os.path.normpath(Path.cwd() / directory)) / WORKSPACE_FILE
    data_dir = _data_dir(settings, path.parent)
    try:
        text = workspace_file_text(str(data_dir)).encode()
    except UnicodeEncodeError:
        raise UsageRefused(
            "the name of the data directory is not text in UTF-8", ("envchart init --data-dir DIR",)
        ) from None
    _write(path, text)
    if (outer := find_workspace_file(path.parent.parent)) is not None:
        note(f"note: this workspace lies inside of {outer.parent}, whose environments it does not see")
    if settings.environment.get(DATA_DIR_VARIABLE):
        note(f"note: ${DATA_DIR_VARIABLE} is set, and wins over the file")
    document = {"file": str(path), "data_dir": str(path.parent / data_dir)}
    made = "" if directory == Path() else f" {directory}"
    emit(settings, document, f"made{made} a workspace: its environments are kept in {data_dir}")
    if not settings.json:
        note("next: envchart create NAME --app DIR")


def _write(path: Path, text: bytes) -> None:
    """Write the file of a workspace, which must not exist yet, and make its directory."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(text)
    except OSError as error:
        if isinstance(error, FileExistsError) and path.parent.is_dir():
            raise UsageRefused(
                f"{path} exists: this directory is a workspace already",
                ("envchart list", f"to change its settings, edit {WORKSPACE_FILE}, then envchart list"),
                code="already_exists",
                exit_code=ExitCode.CONFLICT,
            ) from None
        reason = "its directory is a file" if path.parent.is_file() else error.strerror
        raise UsageRefused(f"{path} can't be written: {reason}", ("envchart init DIR",)) from error


def _data_dir(settings: Settings, workspace: Path) -> Path:
    """Return the data directory, relative to the workspace if it lies below."""
    if (chosen := settings.chosen_data_dir) is not None:
        # As text: a symbolic link stays what the user typed.
        below = Path(os.path.normpath(workspace / chosen))
        return below.relative_to(workspace) if below.is_relative_to(workspace) else below
    if not is_foreign(workspace / DEFAULT_DATA_DIR):
        return Path(DEFAULT_DATA_DIR)
    other = next((name for name in _OTHERS if not is_foreign(workspace / name)), ".envchart")
    note(f"note: {DEFAULT_DATA_DIR} holds files of something else, and is left alone")
    return Path(other)
