"""OpenTofu and Terraform, run in a module's directory."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.model.steps import StepContext
from environments.providers.common.tools import Tool, run_tool
from environments.providers.terraform.tofu.messages import Diagnostic, Messages

CANDIDATES = ("tofu", "terraform")
_LONGEST = 64 * 1024 * 1024
_GRACE = timedelta(seconds=15)
# Variables by which a user changes where and how the program works by hand: not wanted here.
_MISLEADING = ("TF_DATA_DIR", "TF_WORKSPACE", "TF_CLI_ARGS", "TF_INPUT", "TF_IN_AUTOMATION")


def find(configured: str | None) -> str | None:
    """Return the path of the configured program, else of OpenTofu, else of Terraform; None if missing."""
    for candidate in (configured,) if configured else CANDIDATES:
        if found := shutil.which(candidate):
            return found
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """The program with the module that it runs on.

    Attributes:
        configured: The program's name or path, as configured; None for the first that is found.
        directory: The module's directory.
        secrets: The values of secret variables.
    """

    configured: str | None
    directory: Path
    secrets: Mapping[str, str] = field(default_factory=dict)

    async def run(self, context: StepContext, *words: str) -> Messages:
        """Run a subcommand with JSON messages, and return the messages.

        Raises:
            StepFailed: The subcommand failed; the summary is its first error.
        """
        messages = Messages(context.progress)
        try:
            await self._run(context, words, messages.take)
        except StepFailed as failed:
            raise messages.failure(failed) from failed
        return messages

    async def document(self, context: StepContext, *words: str) -> Any:  # Any: JSON
        """Run a subcommand that prints a JSON document, and return the document.

        Raises:
            StepFailed: The subcommand failed, or printed no JSON.
        """
        lines: list[str] = []
        try:
            await self._run(context, words, lines.append)
        except StepFailed as failed:
            found = parsed(lines)
            if not isinstance(found, dict) or not found.get("diagnostics"):
                raise
            told = Messages(diagnostics=[Diagnostic.of(each) for each in found["diagnostics"]])
            raise told.failure(failed) from failed
        found = parsed(lines)
        if found is None:
            summary = f"{self._name} {words[0]} printed no JSON"
            raise StepFailed(FailureCause.INFRASTRUCTURE, summary, "\n".join(lines))
        return found

    @property
    def _name(self) -> str:
        return Path(find(self.configured) or self.configured or CANDIDATES[0]).name

    async def _run(self, context: StepContext, words: Sequence[str], on_line: Any) -> None:
        program = find(self.configured)
        if program is None:
            looked_for = self.configured or " or ".join(CANDIDATES)
            summary = f"{looked_for} is not on the path: install it, or name it with 'binary'"
            raise StepFailed(FailureCause.CONFIGURATION, summary)
        tool = Tool(
            command=(program, *words),
            cwd=self.directory,
            env=self._environment(),
            on_line=on_line,
            longest_line=_LONGEST,
            grace=_GRACE,
            on_stop=signal.SIGINT,  # Terraform then completes the current changes and saves its state
        )
        await run_tool(context, tool)

    def _environment(self) -> dict[str, str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(_MISLEADING) and not name.startswith("TF_VAR_")
        }
        # Not in the file of variables, so that no secret is written to the disk.
        variables = {f"TF_VAR_{name}": value for name, value in self.secrets.items()}
        settled = {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}
        return {**inherited, **variables, **settled}


def parsed(lines: Sequence[str]) -> Any:  # Any: JSON
    """Return the first JSON document in the lines, or None."""
    # Warnings may come before it, and other output after it.
    for number, line in enumerate(lines):
        if line.startswith("{"):
            try:
                return json.JSONDecoder().raw_decode("\n".join(lines[number:]))[0]
            except ValueError:
                continue
    return None
