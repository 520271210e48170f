"""`init`: make a directory a workspace."""

from __future__ import annotations

import os
from pathlib import Path

import click

from environments.cli.group import subcommand
from environments.cli.settings import DATA_DIR_VARIABLE, STORE_VARIABLE, Settings, public_url
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

    --data-dir, --store and their variables win over the file.

    Examples:
        envchart init
        envchart init --data-dir envs
        envchart init --store postgresql://db/envchart
    """
    path = Path(os.path.normpath(Path.cwd() / directory)) / WORKSPACE_FILE
    key, kept_in = _place(settings, path.parent)
    try:
        text = workspace_file_text(kept_in, key).encode()
    except UnicodeEncodeError:
        raise UsageRefused(
            "the name of the data directory is not text in UTF-8", ("envchart init --data-dir DIR",)
        ) from None
    _write(path, text)
    if (outer := find_workspace_file(path.parent.parent)) is not None:
        note(f"note: this workspace lies inside of {outer.parent}, whose environments it does not see")
    for variable in (DATA_DIR_VARIABLE, STORE_VARIABLE):
        if settings.environment.get(variable):
            note(f"note: ${variable} is set, and wins over the file")
    where = kept_in if key == "store" else str(path.parent / kept_in)
    made = "" if directory == Path() else f" {directory}"
    emit(
        settings,
        {"file": str(path), key: where},
        f"made{made} a workspace: its environments are kept in {kept_in}",
    )
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


def _place(settings: Settings, workspace: Path) -> tuple[str, str]:
    """Return the key and the value of the place of the environments."""
    if settings.chosen_store is None:
        return "data_dir", str(_data_dir(settings, workspace))
    typed = settings.store  # raises if a directory was typed as well
    assert typed is not None
    url = public_url(typed)
    if url != typed:
        note("note: a password is left out of the file: keep it in ~/.pgpass or PGPASSWORD")
    return "store", url


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
