"""Running: a command on an environment or on many, with an outcome each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from environments.cli import loading
from environments.cli.many.display import Display
from environments.cli.many.outcomes import Printer, Telling, Told, report_of
from environments.cli.running import carry_out, run_command
from environments.cli.signals import Ended, Interruption
from environments.cli.telling import changed_text
from environments.model.errors import UnreadableSummary
from environments.presentation.documents import environment_document
from statechart.terminal.output import emit

if TYPE_CHECKING:
    from environments.cli.many.choice import Choice
    from environments.cli.settings import Settings
    from environments.model.environment import AnyEnvironment
    from environments.model.summary import Summary
    from environments.workspace import Workspace

ResultT = TypeVar("ResultT")


def run_each(
    settings: Settings,
    choice: Choice,
    work: Callable[[Workspace, str], Awaitable[AnyEnvironment]],
    *,
    chosen: Iterable[Summary | UnreadableSummary] | None = None,
) -> None:
    """Run a command on the chosen environments and print what became of them.

    A single environment given by its name is told as by `run_command`.

    Raises:
        click.exceptions.Exit: The work on an environment did not succeed.
    """
    if choice.single is not None:
        name = choice.single
        run_command(settings, lambda workspace: _awaited(work(workspace, name)))
        return
    telling = Telling(changed_text, partial(changed_document, settings))
    run_many(settings, choice, work, telling, chosen=chosen)


def changed_document(settings: Settings, environment: AnyEnvironment) -> dict[str, object]:
    """Return the document of a changed environment."""
    directory = loading.directory(settings, environment.name)
    return environment_document(loading.view(settings, environment), settings.spell, directory)


async def _awaited(work: Awaitable[ResultT]) -> ResultT:
    return await work


def run_one(
    settings: Settings,
    name: str,
    work: Callable[[Workspace, str], Awaitable[ResultT]],
    telling: Telling[ResultT],
) -> None:
    """Work on one environment and print the result.

    Raises:
        Ended: A signal ended the work.
    """
    _, result = carry_out(settings, lambda workspace: _awaited(work(workspace, name)))
    emit(settings, telling.document(result), telling.text(result))


def run_many(
    settings: Settings,
    choice: Choice,
    work: Callable[[Workspace, str], Awaitable[ResultT]],
    telling: Telling[ResultT],
    *,
    chosen: Iterable[Summary | UnreadableSummary] | None = None,
    asks: bool = False,
) -> None:
    """Work on several environments, and print an outcome each, as they end, and the counts.

    Args:
        settings: The settings.
        choice: The choice.
        work: Works on one environment.
        telling: How a result is told.
        chosen: The environments, if the choice has been resolved already.
        asks: Whether the work asks on the terminal, so that it takes turns.

    Raises:
        click.exceptions.Exit: The work on an environment did not succeed; the exit code is the worst.
    """
    found = {each.name: each for each in (choice.chosen(settings) if chosen is None else chosen)}
    if not found:
        emit(settings, {"environments": [], "counts": {}}, choice.nothing(settings))
        return
    printer = Printer(settings, telling)
    states = {name: _state(each) for name, each in found.items()}
    with Display(settings, states, redraws=not asks) as display:
        interruption = Interruption(display.note, lambda: display.at_work)
        workspace = loading.workspace(settings, (display,), interruption.stop)

        async def work_on(workspace: Workspace, name: str) -> ResultT:
            display.began(name)
            if isinstance(summary := found[name], UnreadableSummary):
                raise summary.error
            return await work(workspace, name)

        async def work_on_all() -> None:
            async for outcome in workspace.many(found, work_on, parallel=1 if asks else choice.parallel):
                told = Told(outcome, report_of(settings, outcome, interruption.received))
                with display.ended(outcome.name):
                    printer.tell(told)

        try:
            interruption.run(work_on_all())
        except Ended:
            if not printer.told:  # it came before any work
                raise
    printer.conclude(list(found))


def _state(summary: Summary | UnreadableSummary) -> str:
    return "" if isinstance(summary, UnreadableSummary) else summary.state.name
