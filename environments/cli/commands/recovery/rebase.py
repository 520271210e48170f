"""`recover --rebase`: begin a new history from the readable part of a damaged history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from environments.cli import loading
from environments.model.records import RebasedRecord
from environments.ports import KeepsFiles
from environments.presentation.documents import environment_document
from environments.presentation.view import look
from statechart.errors import CorruptHistory
from statechart.holder import Holder, who
from statechart.terminal.output import emit, note, tell_next
from statechart.terminal.prompt import ask

if TYPE_CHECKING:
    from environments.cli.settings import Settings
    from environments.model.environment import AnyEnvironment
    from environments.storage.stored import StoredRepository
    from statechart.storage.rebase import Candidate, Evidence


def begin_new_history(settings: Settings, name: str, *, yes: bool) -> None:
    """Show the damage and the readable states, ask for confirmation, and begin a new history.

    Raises:
        CorruptHistory: No state can be read.
        UsageRefused: The user did not confirm.
    """
    storage = loading.storage(settings)
    evidence = storage.survey(name)
    _show(evidence)
    if not evidence.candidates:
        problem = f"{evidence.problem.problem}, and no state can be read"
        raise CorruptHistory(name, evidence.problem.where, problem, evidence.problem.line)
    best = evidence.candidates[0]  # they are sorted, the latest state first
    if not yes:
        ask(
            f"Begin a new history with {_described(best)}?",
            settings.spell("recover NAME --rebase --yes", name),
        )
    settings.changing = name
    by = who()
    reason = f"begun by {by} from {best.source}: {evidence.problem.problem}"
    storage.rebase(evidence, best, reason=reason, holder=Holder.current("envchart recover --rebase"))
    view = look(storage, name)
    document = environment_document(view, settings.spell, storage.directory(name))
    kept = _kept(storage, name)
    said = f"; kept: {', '.join(kept)}" if kept else ""  # all files may have been lost
    text = f"{name} is {view.condition}, with a new history{said}"
    emit(settings, {**document, "rebased": {"from": best.source, "record": best.seq, "kept": kept}}, text)
    tell_next(settings, view.next_steps, name)


def _kept(storage: StoredRepository, name: str) -> list[str]:
    """Return the names of the damaged files that were kept, or of the damaged history in a database."""
    if isinstance(storage, KeepsFiles):
        return [path.name for path in sorted(storage.directory(name).glob("*.damaged-*"))]
    begun = next(storage.entries(name)).record
    return [begun.damaged] if isinstance(begun, RebasedRecord) and begun.damaged else []


def _show(evidence: Evidence[AnyEnvironment]) -> None:
    note(f"  {evidence.problem.where}: {evidence.problem.problem}")
    note(f"  sound records at the beginning: {evidence.sound}")
    for candidate in evidence.candidates:
        note(f"  readable from {candidate.source}: {_described(candidate)}")


def _described(candidate: Candidate[AnyEnvironment]) -> str:
    return f"record {candidate.seq}: {candidate.value.condition}"
