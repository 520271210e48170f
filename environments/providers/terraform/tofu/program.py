"""OpenTofu and Terraform, run in a module's directory."""

from __future__ import annotations

import shutil
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.model.steps import StepContext
from environments.providers.common.tool_output import Answer, Lines, Output
from environments.providers.common.tools import Tool, run_tool
from environments.providers.terraform.tofu.answers import document_of, not_understood
from environments.providers.terraform.tofu.messages import SUMMED_UP, Messages, told_to_people
from environments.providers.terraform.tofu.surroundings import surroundings
from environments.providers.terraform.tofu.unsaved_state import UnsavedState
from environments.providers.terraform.tofu.variable_files import variable_files
from environments.system.files import OwnPath, remove_tree
from environments.system.inherited import passed_on
from statechart.following.cancellation import in_thread

CANDIDATES = ("tofu", "terraform")
LOCK = "-lock-timeout=10s"
"""The option to wait a little for the lock of the state: another command may be about to release it."""

_LONGEST = 64 * 1024 * 1024
_GRACE = timedelta(seconds=15)


def find(configured: str | None) -> str | None:
    """Return the path of the configured program, else of OpenTofu, else of Terraform; None if missing."""
    for candidate in (configured,) if configured else CANDIDATES:
        if found := shutil.which(candidate):
            return str(Path(found).absolute())  # the program runs in the directory of the module
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """The program with the module that it runs on.

    Attributes:
        configured: The program's name or path, as configured; None for the first that is found.
        directory: The module's directory.
        secrets: The values of secret variables.
        around: Returns a context to run a subcommand in, which stores the state meanwhile.
        backend: The environment variables of the module's backend, by name.
    """

    configured: str | None
    directory: Path
    secrets: Mapping[str, str] = field(default_factory=dict)
    around: Callable[[StepContext, str], AbstractAsyncContextManager[None]] = lambda *_: nullcontext()
    backend: Mapping[str, str] = field(default_factory=dict)

    @asynccontextmanager
    async def planned(
        self, context: StepContext, path: OwnPath, *words: str
    ) -> AsyncIterator[tuple[Messages, dict[str, Any]]]:  # Any: JSON
        """Make a plan in a file; give its messages and its JSON document, and remove the file at the end.

        Raises:
            StepFailed: The plan failed, or an answer is not understood.
        """
        remove_tree(path)  # the program would write through a link
        try:
            said = await self.run(context, "plan", *words, f"-out={path}")
            yield said, await self.document(context, "show", "-json", str(path))
        finally:
            remove_tree(path)  # it holds the values of variables

    async def run(
        self,
        context: StepContext,
        *words: str,
        plan: OwnPath | None = None,
        keep: Callable[[bytes], None] = lambda _line: None,
    ) -> Messages:
        """Run a subcommand with JSON messages, and return the messages.

        A saved `plan` that is applied holds the variables already. `keep` is called with each line of
        the output as it comes, secrets included.

        Raises:
            StepFailed: The subcommand failed, and the summary is its first error; or its messages
                are not understood.
        """
        messages = Messages(context.progress)
        unsaved = UnsavedState(self.directory)

        def take(line: bytes) -> None:
            unsaved.take(line)
            keep(line)

        lines = Lines(context.redact, messages.take, _LONGEST, take_raw=take)
        try:
            if words[0] not in SUMMED_UP:
                await self._run(context, words, lines)
                return messages
            if plan is not None:
                await self._run(context, (*words, str(plan)), lines)
                messages.require_summary(words[0])
                return messages
            with variable_files(self.directory, self.secrets) as files:
                messages.variables = files.names
                await self._run(context, (*words, *files.options), lines, files.descriptors)
            messages.require_summary(words[0])
        except StepFailed as failed:
            told = messages.failure(failed)
            raise await in_thread(lambda: unsaved.added_to(told)) from failed
        return messages

    async def document(self, context: StepContext, *words: str) -> dict[str, Any]:  # Any: JSON
        """Run a subcommand that prints a JSON document, and return the document.

        The document may hold secrets.

        Raises:
            StepFailed: The subcommand failed, or its answer is not understood.
        """
        answer = Answer(_LONGEST)
        try:
            await self._run(context, words, answer)
            return document_of(answer, words[0])
        except StepFailed as failed:
            told = Messages()
            with suppress(StepFailed):
                told.take_diagnostics(document_of(answer, words[0]))
            told_failure = told.failure(failed)
            summary, detail = context.redact(told_failure.summary), context.redact(told_failure.detail)
            raise StepFailed(told_failure.cause, summary, detail) from failed

    async def raw(self, context: StepContext, *words: str) -> bytes:
        """Run a subcommand whose errors are for people only, and return its output, which may hold secrets.

        Raises:
            StepFailed: The subcommand failed; the summary is its error, which tells the cause.
        """
        answer = Answer(_LONGEST)
        try:
            await self._run(context, words, answer)
        except StepFailed as failed:
            raise told_to_people(failed) from failed
        if not answer.is_whole:
            raise not_understood(" ".join(words[:2]), f"it is longer than {_LONGEST // 1024**2} MiB")
        return bytes(answer.content)

    async def _run(
        self, context: StepContext, words: Sequence[str], stdout: Output, inherited: Sequence[int] = ()
    ) -> None:
        program = find(self.configured)
        if program is None:
            looked_for = self.configured or " or ".join(CANDIDATES)
            summary = f"{looked_for} is not on the path: install it, or name it with 'binary'"
            raise StepFailed(FailureCause.CONFIGURATION, summary)
        tool = Tool(
            command=(program, *words),
            cwd=self.directory,
            env=surroundings(passed_on(), self.secrets, self.backend),
            stdout=stdout,
            inherited=inherited,
            grace=_GRACE,
            on_stop=signal.SIGINT,  # Terraform then completes the current changes and saves its state
        )
        async with self.around(context, words[0]):
            await run_tool(context, tool)
