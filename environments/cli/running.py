"""Running: a command of an environment, with its progress on stderr and its signals handled."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from environments.cli import loading
from environments.cli.signals import Interruption
from environments.cli.terminal.narrator import Narrator
from environments.cli.terminal.output import emit, fitting, note, tell_next
from environments.presentation.documents import environment_document
from environments.presentation.view import View
from environments.secrets.references import placed_references

if TYPE_CHECKING:
    from environments.cli.settings import Settings
    from environments.model.environment import AnyEnvironment
    from environments.model.spec import EnvironmentSpec
    from environments.workspace import Workspace
    from statechart.holder import Holder

ResultT = TypeVar("ResultT")
Work = Callable[["Workspace"], Coroutine[Any, Any, ResultT]]


def run_command(settings: Settings, work: Work[AnyEnvironment], *, say: str = "") -> None:
    """Run a command and print the resulting environment.

    Raises:
        Ended: A signal ended the command.
        CommandFailed: A step failed.
    """
    tell_changed(settings, *carry_out(settings, work), say=say)


def carry_out(settings: Settings, work: Work[ResultT]) -> tuple[Workspace, ResultT]:
    """Run a command and return its workspace and its result; raises like `run_command`."""
    with Narrator(settings) as narrator:
        interruption = Interruption(narrator.note, lambda: narrator.at_work)
        workspace = loading.workspace(settings, (narrator,), interruption.stop)
        return workspace, interruption.run(work(workspace))


def tell_changed(
    settings: Settings,
    workspace: Workspace,
    environment: AnyEnvironment,
    *,
    say: str = "",
    first: tuple[str, ...] = (),
    extra: Mapping[str, object] = MappingProxyType({}),
) -> None:
    """Print a changed environment and the commands that can follow.

    Args:
        settings: How to print.
        workspace: Where the environment is.
        environment: The environment.
        say: More words for the line about it.
        first: The commands that should follow first.
        extra: More of the document.
    """
    view = View(environment)
    document = environment_document(view, settings.spell, workspace.directory(environment.name))
    steps = (*first, *(step for step in view.next_steps if step not in first))
    document["next"] = [settings.spell(step, environment.name) for step in steps]
    emit(settings, {**document, **extra}, fitting(f"{changed_text(environment)}{say}"))
    tell_next(settings, steps, environment.name)


def changed_text(environment: AnyEnvironment, holder: Holder | None = None) -> str:
    """Return the line about a changed environment, and the command that the holder runs."""
    return f"{environment.name} is {View(environment, holder).condition}{_where(environment)}"


def tell_missing_secrets(spec: EnvironmentSpec) -> None:
    """Print a note for each secret that is not where the spec says, since a later step would fail."""
    for place, reference in placed_references(spec.provider):
        if reference.missing:
            field = ".".join(str(part) for part in place)
            note(f"note: {field}: {reference.missing}; a command that needs the secret will fail")


def _where(environment: AnyEnvironment) -> str:
    if environment.state.name != "running" or environment.outputs.url is None:
        return ""
    release = f", release {environment.outputs.serving}" if environment.outputs.serving else ""
    return f" at {environment.outputs.url}{release}"
