"""`move`: bring environments to another store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from environments.cli import loading
from environments.cli.exits import explained
from environments.cli.group import subcommand
from environments.cli.many.choice import Choice, optional_names_arguments
from environments.cli.many.outcomes import Telling
from environments.cli.many.running import run_many, run_one
from environments.cli.settings import Settings
from environments.model.errors import EnvironmentsError
from statechart.errors import NotFound, StatechartError
from statechart.following.cancellation import in_thread
from statechart.terminal.output import note
from statechart.terminal.refusal import UsageRefused
from statechart.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from environments.storage.moving import Move, MovePlan
    from environments.workspace import Workspace
    from statechart.storage.moving.move import Moved


@subcommand("move")
@optional_names_arguments
@click.option(
    "--to",
    metavar="URL|DIR",
    required=True,
    help="The other store: the URL of a database, or a data directory.",
)
@click.option("--dry-run", is_flag=True, help="Only check, and tell what would come along.")
@click.option("--skip", is_flag=True, help="Leave those where they are that can't be moved.")
@click.option("--remove", is_flag=True, help="Delete the histories here, which are kept aside otherwise.")
def move(settings: Settings, choice: Choice, to: str, dry_run: bool, skip: bool, remove: bool) -> None:
    """Move environments to another store, and back.

    The history comes along byte for byte, with traces, Terraform's state and the copies of files. All
    are checked before the first is moved. A move that was cut off is finished by the same command.

    Examples:
        envchart move web --to postgresql://deploy@db/envchart
        envchart move --all --to postgresql:///envs --dry-run
        envchart move web --to ./data --store postgresql:///envs
    """
    moving = loading.workspace(settings).moving(to)
    _require_other(settings, moving, to)
    left = moving.unfinished() if choice.selection.all else []
    if choice.is_empty and not left:
        choice = choice.required(settings)
    if choice.single is not None:
        name = choice.single
        if dry_run:
            run_one(settings, name, _planned(moving), _PLANNED)
        else:
            run_one(settings, name, _moved(moving, keep=not remove), _telling(moving))
        return
    for name in left if not dry_run else ():
        moving.carry_out(name, keep=not remove)
        note(f"{name}: an earlier move is finished")
    chosen = choice.chosen(settings)
    can_t = _problems(settings, moving, [each.name for each in chosen])
    if can_t and not (skip or dry_run):
        for name, problem in can_t.items():
            note(f"{name}: {problem}")
        raise UsageRefused(
            f"{counted(len(can_t), 'environment')} of {len(chosen)} can't be moved, so none was",
            (f"to move the others: {settings.spell('move --all --skip --to')} {to}",),
        )
    if dry_run:
        run_many(settings, choice, _planned(moving), _PLANNED, chosen=chosen)
        return
    for name, problem in can_t.items():
        note(f"{name} stays: {problem}")
    rest = [each for each in chosen if each.name not in can_t]
    run_many(settings, choice, _moved(moving, keep=not remove), _telling(moving), chosen=rest)


def _require_other(settings: Settings, moving: Move, to: str) -> None:
    if moving.source.where == moving.target.where:
        raise UsageRefused(
            f"{to} is the store that the environments are in already", (settings.spell("move --help"),)
        )


def _problems(settings: Settings, moving: Move, names: Sequence[str]) -> dict[str, str]:
    """Return why environments can't be moved, by name."""
    found: dict[str, str] = {}
    for name in names:
        try:
            moving.plan(name)
        except NotFound:
            continue  # purged meanwhile
        except (EnvironmentsError, StatechartError) as error:
            told = explained(error, settings)
            found[name] = told.message if told is not None else str(error)
    return found


def _planned(moving: Move) -> Callable[[Workspace, str], Coroutine[None, None, MovePlan]]:
    async def plan(_workspace: Workspace, name: str) -> MovePlan:
        return await in_thread(lambda: moving.plan(name))

    return plan


def _moved(moving: Move, *, keep: bool) -> Callable[[Workspace, str], Coroutine[None, None, Moved]]:
    async def carry_out(_workspace: Workspace, name: str) -> Moved:
        return await in_thread(lambda: moving.carry_out(name, keep=keep))

    return carry_out


def _plan_text(plan: MovePlan) -> str:
    if plan.finishes:
        return f"{plan.name}: an earlier move would be finished"
    along = [
        "the history",
        *([counted(plan.traces, "trace")] if plan.traces else []),
        *(["the provider's state"] if plan.carries else []),
        *(f"a copy of the {noun}" for noun in plan.files),
    ]
    return f"{plan.name} ({plan.state}) would be moved with {', '.join(along)}"


def _plan_document(plan: MovePlan) -> dict[str, object]:
    return {
        "name": plan.name,
        "state": plan.state or None,
        "finishes": plan.finishes,
        "traces": plan.traces,
        "provider_state": plan.carries,
        "files": list(plan.files),
    }


_PLANNED: Telling[MovePlan] = Telling(text=_plan_text, document=_plan_document, done="checked")


def _telling(moving: Move) -> Telling[Moved]:
    where = moving.target.where

    def text(moved: Moved) -> str:
        verb = "is moved" if moved.outcome == "moved" else "has arrived"
        return f"{moved.name} {verb}: {counted(moved.records, 'record')} in {where}, verified"

    def document(moved: Moved) -> dict[str, object]:
        return {
            "name": moved.name,
            "outcome": moved.outcome,
            "records": moved.records,
            "bytes": moved.bytes,
            "to": where,
        }

    return Telling(text=text, document=document, done="moved")
