"""Settings: the values of the options that every subcommand takes."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from environments.configuration.workspace_file import (
    WorkspaceFile,
    find_workspace_file,
    is_foreign,
    other_owner,
)
from environments.model.fields.actor import checked_actor
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
        environment: The variables of the process.
        changing: The environment that is changed where Ctrl-C can come at any moment.
    """

    program: ClassVar[str] = "envchart"

    log_file: Path | None = None
    chosen_data_dir: Path | None = None
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    changing: str | None = None

    @property
    def data_dir(self) -> Path:
        """The directory that holds the environments.

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
        """Return the sorted names in the data directory that may be environments.

        Raises:
            OSError: The data directory can't be read; FileNotFoundError if it does not exist.
        """
        with os.scandir(self.data_dir) as entries:
            return sorted(entry.name for entry in entries if not entry.name.startswith("."))

    @property
    def allow_network_filesystem(self) -> bool:
        """Whether the user asserts that no other machine writes to the data directory."""
        return self._is_set(NETWORK_VARIABLE)

    def spell(self, words: str, name: str | None = None) -> str:
        """Return a command ready to be typed, with `NAME` replaced by the environment's name."""
        spelled = words.replace("NAME", name if name is not None else "NAME")
        where = (
            f" --data-dir {shell_word(str(self.chosen_data_dir))}"
            if self.chosen_data_dir is not None
            else ""
        )
        return f"{self.program} {spelled}{where}"
