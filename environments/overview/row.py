"""The row of an environment: its summary, what is known beside it, and where it belongs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from environments.model.condition import PARTLY
from environments.model.summary import Summary, UnreadableSummary
from environments.presentation.documents import summary_document
from environments.presentation.listing import UNREADABLE
from environments.presentation.view import is_interrupted, note_of
from environments.selection import FAILED, INTERRUPTED, UNDER_WAY, class_by

if TYPE_CHECKING:
    from environments.model.stored import StoredOperation

    Spell: TypeAlias = Callable[[str, str], str]

STUCK: Final = "stuck"
DRIFTED: Final = "drifted"
IDLE: Final = "idle"
RUNNING: Final = "running"
DESTROYED: Final = "destroyed"
GROUPS: Final[tuple[str, ...]] = (
    FAILED, INTERRUPTED, UNREADABLE, STUCK, DRIFTED, UNDER_WAY, IDLE, RUNNING, DESTROYED
)  # fmt: skip
"""The groups of environments, those that need a person first. Each environment is in one."""

ATTENTION: Final = GROUPS[: GROUPS.index(UNDER_WAY)]
"""The groups of environments that need a person."""

_RANKS: Mapping[str, int] = {group: rank for rank, group in enumerate(GROUPS)}


@dataclass(frozen=True, slots=True)
class EnvironmentRow:
    """An environment in an overview. See `statechart.overview.Row`.

    Attributes:
        name: The name.
        group: The group of `GROUPS`.
        rank: The place by attention.
        since: The time since which the environment is in its condition, in seconds since 1970.
        words: The text that a search looks in.
        facets: The class, the provider and the labels.
        summary: The summary; None if the environment can't be read.
        error: The reason, if the environment can't be read.
        held: Whether a process works on the environment.
        stuck: A sentence if the step under way takes far longer than it usually does.
    """

    name: str
    group: str
    rank: tuple[int, int]
    since: float
    words: str = field(repr=False)
    facets: Mapping[str, str] = field(repr=False)
    summary: Summary | None = field(default=None, repr=False)
    error: Exception | None = field(default=None, compare=False)
    held: bool = False
    stuck: str | None = None

    @classmethod
    def of(cls, summary: Summary, *, held: bool, stuck: str | None = None) -> EnvironmentRow:
        """Return the row of an environment that can be read.

        Args:
            summary: The summary.
            held: Whether a process works on the environment, which only matters during a command.
            stuck: A sentence if the step under way takes far longer than it usually does.
        """
        operation = summary.stored_operation
        kind = class_by(summary.state.name, operation, held=held)
        drift = _drift(summary)
        group = _group(kind, stuck=stuck is not None, drifts=drift is not None)
        labels = summary.labels
        facets = {"class": kind, "provider": summary.spec.provider.kind}
        facets |= {f"label:{key}": value for key, value in labels.items()}
        interrupted = is_interrupted(operation, held=held)
        words = [
            summary.name, summary.state.name, kind, kind.replace("-", " "), group,
            note_of(operation, summary.state.failure, interrupted=interrupted), stuck, drift,
            summary.outputs.release, summary.outputs.serving, summary.actor, summary.spec.provider.kind,
            *(f"{key}={value}" for key, value in labels.items()),
        ]  # fmt: skip
        return cls(
            name=summary.name,
            group=group,
            # What is half taken away comes first in its group.
            rank=(_RANKS[group], 0 if _is_partly_gone(operation) else 1),
            since=_since(summary, operation).timestamp(),
            words="\n".join(filter(None, words)).casefold(),
            facets=facets,
            summary=summary,
            held=held,
            stuck=stuck,
        )

    @classmethod
    def unreadable(cls, found: UnreadableSummary, since: float = 0.0) -> EnvironmentRow:
        """Return the row of an environment that can't be read."""
        words = f"{found.name}\n{UNREADABLE}\n{found.error}".casefold()
        facets = {"class": UNREADABLE}
        return cls(found.name, UNREADABLE, (_RANKS[UNREADABLE], 1), since, words, facets, error=found.error)

    @property
    def kind(self) -> str:
        """The class of `environments.selection`, or `unreadable`."""
        return self.facets["class"]

    @property
    def state(self) -> str:
        """The state, or `unreadable`."""
        return self.summary.state.name if self.summary is not None else UNREADABLE

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels."""
        return self.summary.labels if self.summary is not None else {}

    @property
    def actor(self) -> str | None:
        """The author of the last record, if that is known."""
        return self.summary.actor if self.summary is not None else None

    @property
    def drift(self) -> str | None:
        """A sentence if `drift` found differences when it last looked, and no command came after."""
        return _drift(self.summary) if self.summary is not None else None

    def document(self, spell: Spell) -> dict[str, Any]:  # Any: JSON
        """Return the environment as `list --json` prints it, with its group and whether it is stuck.

        An environment that can't be read has the keys that are known.
        """
        if self.summary is None:
            known: dict[str, Any] = {"name": self.name, "class": UNREADABLE, "error": str(self.error)}
        else:
            known = summary_document(self.summary, spell, held=self.held)
        return {**known, "group": self.group, "stuck": self.stuck}


def _group(kind: str, *, stuck: bool, drifts: bool) -> str:
    if kind == UNDER_WAY and stuck:
        return STUCK
    if kind in (FAILED, INTERRUPTED, UNDER_WAY, DESTROYED):
        return kind
    if drifts:
        return DRIFTED
    return kind if kind == RUNNING else IDLE


def _drift(summary: Summary) -> str | None:
    look = summary.last_look
    if look is None or not look.drifts(summary.revision):
        return None
    first, *more = look.findings
    return f"{first.words} and {len(more)} more" if more else first.words


def _is_partly_gone(operation: StoredOperation | None) -> bool:
    return operation is not None and operation.command in PARTLY and operation.effects_begun


def _since(summary: Summary, operation: StoredOperation | None) -> datetime:
    """Return since when the condition holds: a stop or destroy that failed has not changed the state."""
    if operation is None or summary.state.failure is not None:
        return summary.since if operation is None or not operation.is_active else operation.started_at
    return operation.started_at if operation.is_active else summary.updated_at
