"""Running: a command of an environment, with its progress on stderr and its signals handled."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from environments.cli import loading
from environments.cli.signals import Interruption
from environments.cli.telling import tell_changed
from environments.cli.terminal.narrator import Narrator
from environments.ports import WarnsOfStore
from environments.secrets.references import placed_references
from statechart.terminal.output import note

if TYPE_CHECKING:
    from environments.cli.settings import Settings
    from environments.model.environment import AnyEnvironment
    from environments.model.spec import EnvironmentSpec
    from environments.workspace import Workspace

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


def tell_missing_secrets(spec: EnvironmentSpec) -> None:
    """Print a note for each secret that is not where the spec says, since a later step would fail."""
    for place, reference in placed_references(spec.provider):
        if reference.missing:
            field = ".".join(str(part) for part in place)
            note(f"note: {field}: {reference.missing}; a command that needs the secret will fail")


def tell_readable_secrets(settings: Settings, spec: EnvironmentSpec) -> None:
    """Print a note if secrets will be stored in a database as they are."""
    provider = spec.provider
    warning = provider.readable_in_store() if isinstance(provider, WarnsOfStore) else ""
    if settings.store is not None and warning:
        note(f"note: {warning}")
