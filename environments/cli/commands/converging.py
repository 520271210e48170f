"""Make environments what is declared: `up`, where there may be something to do."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from environments.checks.drift import Drift
from environments.cli import loading
from environments.cli.declared_spec import SpecChange, declared_amendment, declared_spec
from environments.cli.exits import explained
from environments.cli.many.choice import Choice
from environments.cli.many.outcomes import Telling
from environments.cli.many.running import changed_document, run_many
from environments.cli.parameters import TypedChanges
from environments.cli.running import carry_out, tell_missing_secrets
from environments.cli.settings import Settings
from environments.cli.signals import Interruption
from environments.cli.telling import changed_text, tell_changed, tell_unchanged
from environments.cli.terminal.narrator import Narrator
from environments.configuration.spec_file import load_spec
from environments.convergence.plan import make_plan
from environments.errors import EnvironmentsError
from environments.execution.plan import plan as forward_plan
from environments.execution.spec_changes import usable
from environments.model.command_name import CommandName
from environments.model.environment import Environment
from environments.model.states import EnvironmentState
from environments.presentation.artifacts import copied_lines
from environments.presentation.plans import PlanView
from environments.presentation.spec_changes import change_lines, spec_changes
from environments.system.clock import SystemClock
from statechart.errors import NotFound
from statechart.terminal.output import emit, note
from statechart.terminal.refusal import UsageRefused
from statechart.terminal.report import ExitCode, Report
from statechart.wording import nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    from environments.configuration.amendments import Amendment
    from environments.model.environment import AnyEnvironment
    from environments.model.spec import EnvironmentSpec
    from environments.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Declared:
    """The options of `up` that change the declaration."""

    file: Path | None
    typed: TypedChanges


@dataclass(frozen=True, slots=True)
class Up:
    """The other options of `up`."""

    target: EnvironmentState
    look: bool
    deep: bool
    recreate: bool
    allow_replace: bool


def bring_up(settings: Settings, choice: Choice, given: Declared, options: Up, *, plan: bool) -> None:
    """Make the chosen environments what is declared, or print their plans."""
    name, file = choice.single, given.file
    amendment = declared_amendment(given.typed)
    if choice.is_several:
        _up_many(settings, choice, file, amendment, options, plan=plan)
        return
    declared = load_spec(file, name=name) if file is not None else None
    wanted = _name(settings, name, declared)
    if not loading.workspace(settings).exists(wanted):
        if declared is None:
            declared = declared_spec(wanted, None, given.typed.app)
        if declared is not None and amendment is not None:
            declared = amendment(declared)
        _create(settings, wanted, declared, options, plan=plan)
        if not plan:
            _converge(settings, wanted, SpecChange(None, None), options)
    elif plan:
        _preview(settings, wanted, SpecChange(declared, amendment), options)
    else:
        _converge(settings, wanted, SpecChange(declared, amendment), options)


def _name(settings: Settings, name: str | None, declared: EnvironmentSpec | None) -> str:
    wanted = declared.name if declared is not None else name
    if wanted is None:
        raise UsageRefused(
            "the name of an environment is missing", (settings.spell("list"), settings.spell("up NAME"))
        )
    return wanted


def _create(
    settings: Settings, name: str, spec: EnvironmentSpec | None, options: Up, *, plan: bool
) -> None:
    """Create a missing environment, or print its plan."""
    workspace = loading.workspace(settings)
    if spec is None:
        try:
            workspace.load(name)
        except NotFound as error:
            raise _missing(settings, error) from None
        return  # it was created meanwhile
    if plan:
        created = Environment.new(usable(spec), SystemClock().now())
        planned = make_plan(Drift(created), options.target)
        _tell_plan(settings, PlanView.of(planned, missing=True))
        return
    settings.changing = name
    workspace.create(spec)
    note(f"created {name}")


def _missing(settings: Settings, error: NotFound) -> UsageRefused:
    """Return the error for an environment that does not exist and was not declared either."""
    steps = (
        f"to create it: {settings.spell('up NAME --app DIR', error.name)}",
        f"from a file: {settings.spell('up NAME --file FILE', error.name)}",
        settings.spell("list"),
    )
    try:
        near = nearest(error.name, [name for name in settings.names() if name != error.name])
    except OSError:  # there is no data directory yet
        near = None
    hint = f"; did you mean {near!r}?" if near is not None else ""
    return UsageRefused(f"{error}{hint}", steps, code="not_found", exit_code=ExitCode.NOT_FOUND)


def _preview(settings: Settings, name: str, change: SpecChange, options: Up) -> None:
    """Print the plan of an environment, and change nothing."""
    with Narrator(settings) as narrator:
        interruption = Interruption(narrator.note, about=name)
        workspace = loading.workspace(settings, (narrator,), interruption.stop)
        looking = workspace.preview(
            name,
            to=options.target,
            change=change if change else None,
            refresh=change.refresh is True,
            look=options.look,
            deep=options.deep,
        )
        plan = interruption.run(looking)
    _tell_changes(change, plan.environment, note)
    _tell_plan(settings, PlanView.of(plan, recreate=options.recreate))


def _tell_plan(settings: Settings, view: PlanView) -> None:
    emit(settings, view.document(), view.text())
    for line in view.plan.unseen:
        note(f"note: not inspected: {line}")
    told = _refusal(settings, view)
    if told is not None:
        for number, step in enumerate(told.next):
            note(f"{'  or:' if number else 'next:'} {step}")
        raise click.exceptions.Exit(told.exit_code)


def _refusal(settings: Settings, view: PlanView) -> Report | None:
    """Return the report of the error with which `up` would refuse a plan, or None."""
    if not view.obstacles:
        return None
    try:
        view.plan.require_feasible()
    except EnvironmentsError as error:
        return explained(error, settings)
    return None


def _converge(settings: Settings, name: str, change: SpecChange, options: Up) -> None:
    """Make an environment what is declared, and print it."""
    before = loading.workspace(settings).load(name)
    if before.state.name != options.target.name:
        tell_missing_secrets(before.spec)
    workspace, reached = carry_out(settings, lambda opened: _bring(opened, before, change, options, note))
    if reached.is_unchanged:
        tell_unchanged(settings, workspace, reached.environment)
        return
    tell_changed(settings, workspace, reached.environment, extra={"changes": reached.changes})


def _up_many(
    settings: Settings,
    choice: Choice,
    file: Path | None,
    amendment: Amendment | None,
    options: Up,
    *,
    plan: bool,
) -> None:
    """Make several environments what is declared, or print their plans."""
    if file is not None:
        raise UsageRefused("--file declares a single environment", (settings.spell("up --file FILE"),))
    choice = choice.for_use(lambda summary: summary.state.name != "destroyed")

    async def preview(workspace: Workspace, name: str) -> PlanView:
        change = SpecChange(None, amendment) if amendment is not None else None
        found = await workspace.preview(
            name, to=options.target, change=change, look=options.look, deep=options.deep
        )
        for line in found.unseen:
            note(f"note: {name}: not inspected: {line}")
        return PlanView.of(found, recreate=options.recreate)

    async def converge(workspace: Workspace, name: str) -> _Reached:
        def tell(text: str) -> None:
            note(f"{name}: {text.strip()}")

        return await _bring(workspace, workspace.load(name), SpecChange(None, amendment), options, tell)

    def code(view: PlanView) -> int:
        told = _refusal(settings, view)
        return told.exit_code if told is not None else 0

    def step(view: PlanView) -> str | None:
        told = _refusal(settings, view)
        return told.next[0] if told is not None else None

    if plan:
        planned = Telling(PlanView.text, PlanView.document, code, "planned", step)
        run_many(settings, choice, preview, planned)
    else:
        run_many(settings, choice, converge, Telling(_Reached.text, partial(_reached_document, settings)))


@dataclass(frozen=True, slots=True)
class _Reached:
    """An environment that is what is declared.

    Attributes:
        environment: The environment.
        changes: The changes of the declaration that were made before.
        is_unchanged: Whether there was nothing to do.
    """

    environment: AnyEnvironment
    changes: list[dict[str, str]]
    is_unchanged: bool

    def text(self) -> str:
        """Return a line about the environment."""
        return f"{changed_text(self.environment)}{': nothing to do' if self.is_unchanged else ''}"


def _reached_document(settings: Settings, reached: _Reached) -> dict[str, object]:
    return {**changed_document(settings, reached.environment), "changes": reached.changes}


async def _bring(
    workspace: Workspace,
    before: AnyEnvironment,
    change: SpecChange,
    options: Up,
    tell: Callable[[str], None],
) -> _Reached:
    again = options.recreate and before.state.name == "destroyed"
    if not again and (before.operation is None or not before.operation.is_active):
        forward_plan(before, options.target)  # a refusal comes before the declaration is changed
    revision, provisioned = before.revision, before.applied.get(CommandName.PROVISION)
    if change:
        amended = await workspace.amend(before.name, change, refresh=change.refresh)
        revision = amended.revision
        _tell_changes(change, amended, tell)
        for line in copied_lines(before, amended):
            tell(f"  {line}")
    environment = await workspace.converge(
        before.name,
        to=options.target,
        look=options.look,
        deep=options.deep,
        recreate=options.recreate,
        allow_replace=options.allow_replace,
    )
    if options.allow_replace and environment.applied.get(CommandName.PROVISION) == provisioned:
        tell("note: --allow-replace was not needed: nothing was provisioned")
    changes = spec_changes(change.before or environment.spec, environment.spec)
    return _Reached(
        environment, changes, environment.revision == revision and environment.lineage == before.lineage
    )


def _tell_changes(change: SpecChange, environment: AnyEnvironment, tell: Callable[[str], None]) -> None:
    """Print the changes of the declaration."""
    if change.before is not None:
        for line in change_lines(spec_changes(change.before, environment.spec)):
            tell(f"  {line}")
