"""`recover`: resolve a command whose process died."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import click

from environments.cli import loading
from environments.cli.commands.recovery.rebase import begin_new_history
from environments.cli.group import subcommand
from environments.cli.many.choice import Choice, names_arguments
from environments.cli.many.outcomes import Telling
from environments.cli.many.running import run_many
from environments.cli.parameters import yes_option
from environments.cli.settings import Settings
from environments.cli.signals import Interruption
from environments.cli.terminal.narrator import Narrator
from environments.model.errors import UnknownProvider
from environments.presentation.documents import environment_document
from environments.presentation.view import View, look
from environments.recovery.settle import Assumption
from statechart.errors import StorageError
from statechart.holder import who
from statechart.terminal.control_codes import strip_control_codes
from statechart.terminal.output import emit, note, tell_next
from statechart.terminal.refusal import UsageRefused

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.summary import Summary
    from environments.recovery.recover import Recovered
    from environments.recovery.settle import Decide, Doubt
    from environments.storage.stored import StoredRepository
    from environments.workspace import Workspace


@subcommand("recover", waiting=True)
@names_arguments
@click.option("--dry-run", is_flag=True, help="Print what would be done and change nothing.")
@click.option(
    "--assume",
    metavar="done|not-done",
    help="Decide about a step whose outcome can't be determined.",
)
@click.option("--because", metavar="WHY", help="The reason for --assume, which is recorded.")
@click.option("--rebase", is_flag=True, help="Begin a new history in place of a damaged history.")
@yes_option
def recover(
    settings: Settings,
    choice: Choice,
    dry_run: bool,
    assume: str | None,
    because: str | None,
    rebase: bool,
    yes: bool,
) -> None:
    """Recover an interrupted command: stop leftover processes and record what was done.

    --all means every interrupted environment.

    Examples:
        envchart recover web
        envchart recover --all --dry-run
    """
    name = choice.single
    wanted = _RecoverRequest(settings, dry_run=dry_run, assume=_assumed(settings, assume, because, name))
    if rebase:
        if name is None or dry_run or assume:
            raise UsageRefused(
                "--rebase needs NAME, and can only be combined with --yes",
                (settings.spell("recover NAME --rebase", name),),
            )
        begin_new_history(settings, name, yes=yes)
    elif name is not None:
        wanted.one(name)
    else:
        wanted.many(choice)


@dataclass(frozen=True, slots=True)
class _RecoverRequest:
    """A request to recover one environment or all."""

    settings: Settings
    dry_run: bool
    assume: Assumption | None

    def one(self, name: str) -> None:
        """Recover one environment and print the result."""
        found = self._run(name)
        # A dry run leaves the record as it was; its result exists in memory only.
        view = look(loading.storage(self.settings), name) if not self.dry_run else View(found.environment)
        emit(self.settings, self._document(found, view), self._text(found, view))
        if found.undecided is not None:
            note(f"note: {found.undecided}; recover asks on a terminal, or takes --assume")
        tell_next(self.settings, self._next(found, view), name)

    def many(self, choice: Choice) -> None:
        """Recover every chosen environment; an error does not stop the others."""
        storage = loading.storage(self.settings)
        choice = choice.for_use(partial(_is_interrupted, storage), idle="nothing was interrupted")
        asks = self.assume is None and not self.dry_run and sys.stdin.isatty()

        async def recover(workspace: Workspace, name: str) -> Recovered:
            found = await workspace.recover(name, decide=self._decide(note), dry_run=self.dry_run)
            self._note_findings(found, f"{name}: ")
            return found

        telling: Telling[Recovered] = Telling(
            text=lambda found: self._text(found, View(found.environment)),
            document=lambda found: self._document(found, View(found.environment)),
            next=self._next_for_many,
        )
        run_many(self.settings, choice, recover, telling, asks=asks)

    def _run(self, name: str) -> Recovered:
        with Narrator(self.settings) as narrator:
            interruption = Interruption(narrator.note, lambda: narrator.at_work, about=name)
            workspace = loading.workspace(self.settings, (narrator,), interruption.stop)
            work = workspace.recover(name, decide=self._decide(narrator.note), dry_run=self.dry_run)
            found = interruption.run(work)
        self._note_findings(found)
        return found

    def _note_findings(self, found: Recovered, prefix: str = "") -> None:
        if self.dry_run:  # otherwise they are told as they are found
            for finding in found.findings:
                note(f"note: {prefix}{finding}")

    def _decide(self, tell: Callable[[str], None]) -> Decide:
        def decide(doubt: Doubt) -> Assumption | None:
            # A dry run must not ask: its answer would be lost.
            if self.assume is not None or self.dry_run or not sys.stdin.isatty():
                return self.assume
            return _asked(doubt, tell)

        return decide

    def _document(self, found: Recovered, view: View[AnyEnvironment]) -> dict[str, object]:
        directory = loading.storage(self.settings).directory(view.environment.name)
        recovery = {
            "settled": found.settled,
            "dry_run": self.dry_run,
            "findings": list(found.findings),
            "undecided": found.undecided.step if found.undecided else None,
        }
        return {**environment_document(view, self.settings.spell, directory), "recovery": recovery}

    def _text(self, found: Recovered, view: View[AnyEnvironment]) -> str:
        name = view.environment.name
        if not found.settled:
            return f"{name} is {view.condition}: nothing was interrupted, and nothing was done"
        if found.undecided is not None:
            return f"{name} would wait for a decision about {found.undecided.step}"
        return f"{name} {'would be' if self.dry_run else 'is'} {view.condition}"

    def _next_for_many(self, found: Recovered) -> str | None:
        environment = found.environment
        step = self._next(found, View(environment))[0]
        return self.settings.spell(step, environment.name) if environment.is_error or self.dry_run else None

    def _next(self, found: Recovered, view: View[AnyEnvironment]) -> tuple[str, ...]:
        return ("recover NAME",) if self.dry_run and found.settled else view.next_steps


def _is_interrupted(storage: StoredRepository, summary: Summary) -> bool:
    """Return whether a command of an environment was interrupted, or that can't be known."""
    # The summary is cheap; only a record with an open operation is looked at for its process.
    if summary.stored_operation is None or not summary.stored_operation.is_active:
        return False
    try:
        return look(storage, summary.name).interrupted
    except (StorageError, UnknownProvider):
        return True  # recover reports the error


def _assumed(
    settings: Settings, assume: str | None, because: str | None, name: str | None
) -> Assumption | None:
    """Return the assumption made with --assume and --because.

    Raises:
        UsageRefused: The value is neither done nor not-done, or --because is given alone.
    """
    ways = ("recover NAME --assume done --because WHY", "recover NAME --assume not-done --because WHY")
    spelled = tuple(settings.spell(way, name) for way in ways)
    if assume is None and because is None:
        return None
    if assume not in ("done", "not-done"):
        raise UsageRefused("--assume takes done or not-done, and --because gives the reason", spelled)
    return Assumption(done=assume == "done", who=who(), why=because or "assumed on the command line")


def _asked(doubt: Doubt, tell: Callable[[str], None]) -> Assumption | None:
    """Ask on the terminal; return None if the user does not know."""
    tell(f"{doubt.step}: whether the step was done can't be determined: {doubt.reason}")
    sys.stderr.write(
        strip_control_codes(f"Was {doubt.step} of {doubt.name} done? [y]es, [n]o, or Enter if unknown: ")
    )
    sys.stderr.flush()
    answer = sys.stdin.readline().strip().lower()
    if answer not in ("y", "yes", "n", "no"):
        return None
    return Assumption(done=answer[0] == "y", who=who(), why="answered when asked")
