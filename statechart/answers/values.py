"""Values: a value of a chart, and those of a store, as documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from statechart.answers.configurations import configured, is_failed, timers_document, timers_of
from statechart.answers.errors import report
from statechart.answers.secrecy import without_secrets
from statechart.answers.ways import Ways, fire_steps, ways_document, ways_of
from statechart.configuration import Configuration
from statechart.storage.sql.urls import is_url
from statechart.terminal.text import when
from statechart.wording import counted, state_text

if TYPE_CHECKING:
    from pathlib import Path

    from statechart.engine.declaration.timers import Due
    from statechart.errors import StatechartError
    from statechart.holder import Holder
    from statechart.stored.damage import Damaged
    from statechart.stored.effects import DueEffect
    from statechart.stored.reading.listing import Summary
    from statechart.stored.repository import ChartRepository
    from statechart.stored.verifying import Report
    from statechart.terminal.settings import Spells


@dataclass(frozen=True, slots=True)
class Shown:
    """A value as `show` prints it.

    Attributes:
        store: The place of the store.
        directory: The directory of the value's files, or None for a value in a database.
        configuration: The state with its history and timers, or None for a chart with plain states.
        timers: The timers that run, the earliest first.
    """

    summary: Summary
    value: Mapping[str, Any]  # Any: JSON
    ways: Ways
    failed: bool
    final: bool
    store: str
    directory: Path | None = None
    holder: Holder | None = None
    due: tuple[str, ...] = ()
    configuration: Configuration | None = None
    timers: tuple[Due, ...] = ()

    @property
    def steps(self) -> list[str]:
        """The commands that can follow."""
        effects = ["effects NAME --run"] if self.due else []
        timers = ["timers run --once"] if self.overdue else []
        return [*effects, *timers, *fire_steps(self.ways), "history NAME"]

    @property
    def overdue(self) -> tuple[Due, ...]:
        """The timers that are due, and that no runner has fired yet."""
        now = datetime.now(UTC)
        return tuple(each for each in self.timers if each.at <= now)


def look(repository: ChartRepository[Any], name: str) -> Shown:
    """Read a value, without taking its lock.

    Raises:
        StorageError: The value can't be read.
    """
    loaded = repository.store.load(name)
    chart = repository.chart
    summary = repository.summary(name)
    allowed = repository.allowed(name)
    held = getattr(loaded.value, "state", None)
    configuration = held if isinstance(held, Configuration) else None
    finals = [state_text(state.value) for state in chart.states if state.final]
    return Shown(
        summary,
        without_secrets(loaded.value),
        ways_of(chart, repository.model, configuration or summary.state, allowed),
        failed=is_failed(chart, summary.state),
        final=summary.state in finals,
        store=repository.store.where,
        directory=directory_of(repository, name),
        holder=repository.store.holder(name),
        due=tuple(map(_due, repository.due_effects(name))),
        configuration=configuration,
        timers=timers_of(chart, configuration) if configuration is not None else (),
    )


def directory_of(repository: ChartRepository[Any], name: str) -> Path | None:
    """Return the directory of a value's files, or None for a value in a database."""
    return None if is_url(repository.store.where) else repository.files.directory(name)


def _due(effect: DueEffect) -> str:
    failed = f", failed {counted(effect.attempts, 'time')}: {effect.error}" if effect.attempts else ""
    return f"{effect.effect}, after {effect.event} at {when(effect.at)}{failed}"


def document_of(shown: Shown, spelling: Spells) -> dict[str, object]:
    """Return a value as JSON."""
    summary = shown.summary
    return {
        "name": summary.name,
        "state": summary.state,
        **_configuration_members(shown),
        "since": iso(summary.since),
        "is_error": shown.failed,
        "revision": summary.revision,
        "updated_at": iso(summary.at),
        "value": dict(shown.value),
        **ways_document(shown.ways),
        "due": list(shown.due),
        "holder": shown.holder.model_dump(mode="json") if shown.holder else None,
        "next": [spelling.spell(step, summary.name) for step in shown.steps],
        **({"store": shown.store} if shown.directory is None else {"directory": str(shown.directory)}),
    }


def _configuration_members(shown: Shown) -> dict[str, object]:
    if shown.configuration is None:
        return {}
    document = configured(shown.configuration)
    return {"configuration": document["configuration"], "timers": timers_document(shown.timers)}


def iso(moment: datetime) -> str:
    """Return a moment as records write it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def list_document(
    shown: Iterable[Summary], damaged: Iterable[Damaged], spelling: Spells
) -> dict[str, object]:
    """Return a list of values as JSON, with the errors of those that can't be read."""
    return {
        "values": [summary_document(each) for each in shown],
        "unreadable": unreadable_documents(damaged, spelling),
    }


def summary_document(summary: Summary) -> dict[str, object]:
    """Return a value of a list as JSON."""
    return {
        "name": summary.name,
        "state": summary.state,
        "since": iso(summary.since),
        "revision": summary.revision,
        "updated_at": iso(summary.at),
    }


def due_document(
    due: Iterable[DueEffect], damaged: Iterable[Damaged], spelling: Spells
) -> dict[str, object]:
    """Return effects that are due as JSON, with the errors of the values that can't be read."""
    return {
        "due": [each.model_dump(mode="json") for each in due],
        "unreadable": unreadable_documents(damaged, spelling),
    }


def unreadable_documents(damaged: Iterable[Damaged], spelling: Spells) -> list[dict[str, object]]:
    """Return the values that can't be read as JSON, each with its error."""
    return [{"name": each.name, **_error(each.error, spelling)} for each in damaged]


def _error(error: StatechartError, spelling: Spells) -> dict[str, object]:
    found = report(error, spelling)
    assert found is not None, "every error of the storage has a report"
    return found.document()


def allowed_document(shown: Shown) -> dict[str, object]:
    """Return the events that a value allows, and the reasons of the others, as JSON."""
    return {
        "name": shown.summary.name,
        "state": shown.summary.state,
        **_configuration_members(shown),
        **ways_document(shown.ways),
    }


def verified_document(reports: Iterable[Report]) -> dict[str, object]:
    """Return the findings of a verification as JSON."""
    values = [{**each.model_dump(mode="json"), "intact": each.intact} for each in reports]
    return {"values": values, "intact": all(each["intact"] for each in values)}
