"""Rebasing: a new history is begun from what is left of a damaged one, after it was shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from environments.cli import loading
from environments.cli.terminal.output import emit, note, tell_next
from environments.cli.terminal.prompt import ask
from environments.presentation.documents import environment_document
from environments.presentation.view import look
from statechart.errors import CorruptHistory
from statechart.holder import Holder, who

if TYPE_CHECKING:
    from environments.cli.settings import Settings
    from environments.model.environment import AnyEnvironment
    from statechart.storage.rebase import Candidate, Evidence


def begin_new_history(settings: Settings, name: str, *, yes: bool) -> None:
    """Show what is damaged and what can be read, ask, and begin a new history.

    Raises:
        CorruptHistory: Nothing of it can be read any more.
        Refusal: Nobody agreed.
    """
    storage = loading.storage(settings)
    evidence = storage.survey(name)
    _show(evidence)
    if not evidence.candidates:
        problem = f"{evidence.problem.problem}, and no state of it can be read"
        raise CorruptHistory(name, evidence.problem.path, problem, evidence.problem.line)
    best = evidence.candidates[0]
    if not yes:
        ask(f"Go on with {_said(best)}?", settings.spell("recover NAME --rebase --yes", name))
    by = who()
    reason = f"begun by {by} from {best.source}: {evidence.problem.problem}"
    storage.rebase(evidence, best, reason=reason, holder=Holder.current("envchart recover --rebase"))
    view = look(storage, name)
    document = environment_document(view, settings.spell, storage.directory(name))
    kept = [path.name for path in sorted(storage.directory(name).glob("*.damaged-*"))]
    text = f"{name} is {view.condition}, with a new history; kept: {', '.join(kept)}"
    emit(settings, {**document, "rebased": {"from": best.source, "record": best.seq, "kept": kept}}, text)
    tell_next(settings, view.next_steps, name)


def _show(evidence: Evidence[AnyEnvironment]) -> None:
    note(f"  {evidence.problem.path}: {evidence.problem.problem}")
    note(f"  {evidence.sound} records from the beginning are sound")
    for candidate in evidence.candidates:
        note(f"  {candidate.source} end with {_said(candidate)}")


def _said(candidate: Candidate[AnyEnvironment]) -> str:
    return f"record {candidate.seq}: {candidate.value.condition}"
