"""Settings: the values of the options that every subcommand takes."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import ClassVar

from environments.configuration.workspace_file import (
    WorkspaceFile,
    find_workspace_file,
    is_foreign,
    other_owner,
    problem_of_store,
)
from environments.model.fields.actor import checked_actor
from environments.system.inherited import STORE_VARIABLE as STORE_VARIABLE
from statechart.terminal.refusal import UsageRefused
from statechart.terminal.settings import ProgramSettings, shell_word

DATA_DIR_VARIABLE = "ENVCHART_DATA_DIR"
NETWORK_VARIABLE = "ENVCHART_ALLOW_NETWORK_FILESYSTEM"
ACTOR_VARIABLE = "ENVCHART_ACTOR"
OWNER_VARIABLE = "ENVCHART_ALLOW_OTHER_OWNER"


@dataclass
class Settings(ProgramSettings):
    """The settings of a run of the command line.

    Attributes:
        log_file: The file that everything logged is appended to.
        chosen_data_dir: The data directory typed on the command line, if any.
        chosen_store: The URL of a database typed on the command line, if any.
        environment: The variables of the process.
        changing: The environment that is changed where Ctrl-C can come at any moment.
    """

    program: ClassVar[str] = "envchart"

    log_file: Path | None = None
    chosen_data_dir: Path | None = None
    chosen_store: str | None = None
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    changing: str | None = None

    @property
    def store(self) -> str | None:
        """The URL of the database that holds the environments, or None if a data directory does.

        Raises:
            UsageRefused: Both are named in the same place, or the variable is not a URL.
            InvalidConfiguration: The workspace file is not valid.
        """
        if self.chosen_store is not None:
            if self.chosen_data_dir is not None:
                raise UsageRefused(
                    "--store and --data-dir exclude each other: environments are in a database or in files",
                    ("envchart list --store URL", "envchart list --data-dir DIR"),
                )
            return self.chosen_store
        if self.chosen_data_dir is not None:
            return None
        if named := self.environment.get(STORE_VARIABLE):
            if self.environment.get(DATA_DIR_VARIABLE):
                raise UsageRefused(
                    f"{STORE_VARIABLE} and {DATA_DIR_VARIABLE} are both set, and exclude each other",
                    (f"unset {DATA_DIR_VARIABLE}", f"unset {STORE_VARIABLE}"),
                )
            if problem := problem_of_store(named):
                raise UsageRefused(f"{STORE_VARIABLE}: {problem}", (f"unset {STORE_VARIABLE}",))
            return named
        return None if self.environment.get(DATA_DIR_VARIABLE) else self.workspace.store

    @property
    def where(self) -> str:
        """The place of the environments, as messages name it: a directory, or a URL without password.

        Raises:
            UsageRefused: As `store` and `data_dir`.
            InvalidConfiguration: The workspace file is not valid.
        """
        url = self.store
        return str(self.data_dir.absolute()) if url is None else public_url(url)

    @property
    def data_dir(self) -> Path:
        """The directory that holds the environments, unless a database does.

        Raises:
            UsageRefused: The default directory holds the files of something else.
            InvalidConfiguration: The workspace file is not valid.
        """
        if self.chosen_data_dir is not None:
            return self.chosen_data_dir
        if from_variable := self.environment.get(DATA_DIR_VARIABLE):
            return Path(from_variable)
        found = self.workspace.data_dir
        if self.workspace.path is None and is_foreign(found):
            raise UsageRefused(
                f"{found.absolute()} holds other files and no environments, so it is left alone",
                ("envchart init", f"{DATA_DIR_VARIABLE}=DIR envchart list"),
                code="not_ours",
            )
        return found

    @cached_property
    def workspace(self) -> WorkspaceFile:
        """The workspace file of this directory or the nearest above, or the defaults.

        Raises:
            UsageRefused: The file belongs to another user.
            InvalidConfiguration: The file is not valid.
        """
        path = find_workspace_file()
        if path is None:
            return WorkspaceFile()
        # Only where such a file is.
        from environments.configuration.workspace_toml import load_workspace_file

        owner = None if self._is_set(OWNER_VARIABLE) else other_owner(path)
        if owner is not None:
            raise UsageRefused(
                f"{path} belongs to another user (uid {owner}), and may name commands to run",
                (f"if you trust this user: {OWNER_VARIABLE}=1 envchart list",),
                code="other_owner",
            )
        return load_workspace_file(path)

    def _is_set(self, variable: str) -> bool:
        return self.environment.get(variable, "").lower() in ("1", "true", "yes")

    @property
    def actor(self) -> str | None:
        """The author of the changes, if a variable names another than the user.

        Raises:
            UsageRefused: It can't be recorded.
        """
        named = self.environment.get(ACTOR_VARIABLE)
        if not named:
            return None
        try:
            return checked_actor(named)
        except ValueError as error:
            raise UsageRefused(
                f"{ACTOR_VARIABLE}: {error}", (f"unset {ACTOR_VARIABLE}",), code="invalid_actor"
            ) from error

    def names(self) -> list[str]:
        """Return the sorted names in the data directory, or the database, that may be environments.

        Raises:
            OSError: The data directory can't be read; FileNotFoundError if it does not exist.
            StorageError: The database can't be read.
        """
        if (url := self.store) is not None:
            return sorted(import_module("environments.cli.completion.database").names(url))
        with os.scandir(self.data_dir) as entries:
            return sorted(entry.name for entry in entries if not entry.name.startswith("."))

    @property
    def allow_network_filesystem(self) -> bool:
        """Whether the user asserts that no other machine writes to the data directory."""
        return self._is_set(NETWORK_VARIABLE)

    def spell(self, words: str, name: str | None = None) -> str:
        """Return a command ready to be typed, with `NAME` replaced by the environment's name."""
        spelled = words.replace("NAME", name if name is not None else "NAME")
        if any(f" {option} " in spelled for option in ("--store", "--data-dir")):
            return f"{self.program} {spelled}"  # about another store
        if self.chosen_store is not None:
            return f"{self.program} {spelled} --store {shell_word(public_url(self.chosen_store))}"
        if self.chosen_data_dir is not None:
            return f"{self.program} {spelled} --data-dir {shell_word(str(self.chosen_data_dir))}"
        return f"{self.program} {spelled}"


def public_url(url: str) -> str:
    """Return the URL of a database without its password."""
    # Few commands are about a database, and each start of the command line loads this module.
    shown: str = import_module("statechart.storage.sql.urls").shown(url)
    return shown
