"""Loading: the chart, the model and the store that the typed words name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from statechart.answers.spelling import Spelling
from statechart.reference import find_attribute, find_chart, is_document
from statechart.storage.sql.urls import lasting
from statechart.stored.repository import ChartRepository
from statechart.terminal.refusal import UsageRefused
from statechart.terminal.streams import prints_aside

if TYPE_CHECKING:
    from statechart.chart import Chart
    from statechart.cli.settings import Settings


@prints_aside()
def chart(settings: Settings) -> type[Chart]:
    """Return the chart.

    Raises:
        ChartNotFound: The reference leads to none.
    """
    named = find_attribute(settings.reference)
    return named.chart if isinstance(named, ChartRepository) else find_chart(settings.reference)


@prints_aside()
def model(settings: Settings) -> Any:  # Any: the class of the values, or None
    """Return the class of the values, or None for that of the chart.

    Raises:
        ChartNotFound: The module of the class can't be imported.
        UsageRefused: It has no such class.
    """
    named = find_attribute(settings.reference)
    if isinstance(named, ChartRepository):
        _leave_away(settings)
        return named.model
    if settings.model_reference is None:
        return None
    found = find_attribute(settings.model_reference)
    if not isinstance(found, type):
        settings.model_reference, typed = None, settings.model_reference
        raise UsageRefused(
            f"--model {typed!r} leads to no class: name one as module:Model",
            (settings.spell("list --model MODULE:MODEL"),),
        )
    return found


def _leave_away(settings: Settings) -> None:
    """Raise UsageRefused if an option contradicts what a repository knows."""
    option = "store" if settings.chosen_store else "model" if settings.model_reference else None
    settings.chosen_store = settings.model_reference = None
    if option is not None:
        raise UsageRefused(
            f"{settings.reference} is a repository, and knows its {option}: leave --{option} away",
            (settings.spell("list"),),
        )


@prints_aside()
def repository(settings: Settings) -> ChartRepository[Any]:
    """Return the store of the chart's values.

    Raises:
        ChartNotFound: The reference leads to no chart.
        ChartDefinitionError: The chart does not name the class of its values.
        UsageRefused: No store is named.
    """
    named = find_attribute(settings.reference)
    if isinstance(named, ChartRepository):
        _leave_away(settings)
        named.timeout = settings.lock_timeout
        return named
    found, values = chart(settings), model(settings)
    if values is None and found.model_class() is None:
        declared = f"declare class {found.__name__}(Chart[YourModel]), or give the class with --model"
        hint = declared if ":" in settings.reference else "give the class with --model"  # of a document
        raise UsageRefused(
            f"{settings.reference} does not name the class of its values: {hint}",
            (settings.spell("list --model MODULE:MODEL"),),
            code="chart_definition",
        )
    if settings.store is None:
        raise UsageRefused(
            "no store is named: say where the values are",
            (
                settings.spell("list --store DIR"),
                "for all commands: export STATECHART_STORE=DIR",
            ),
        )
    store = settings.store
    if isinstance(store, Path) and store.exists() and not store.is_dir():
        path, settings.chosen_store = store, None
        raise UsageRefused(f"{path} is not a directory", (settings.spell("list --store DIR"),))
    return ChartRepository(
        store,
        found,
        model=values,
        timeout=settings.lock_timeout,
        allow_network_filesystem=settings.allow_network_filesystem,
    )


def spelling_at(settings: Settings, store: str) -> Spelling | None:
    """Return the spelling of commands for the typed chart in another store.

    A repository knows its store; None if only the repository can read its values.
    """
    named = find_attribute(settings.reference)
    if not isinstance(named, ChartRepository):
        return Spelling(settings.reference, settings.model_reference, store)
    found = Spelling.of(named)
    return None if found.store is None else replace(found, store=store)


def lasting_spelling(settings: Settings, repository: ChartRepository[Any]) -> Spelling:
    """Return the spelling of commands for a repository that do not depend on this shell.

    The paths of the store and of a chart's file are absolute. A repository that is named itself knows
    its store.
    """
    reference = _absolute(settings.reference)
    if isinstance(find_attribute(settings.reference), ChartRepository):
        return Spelling(reference)
    model = settings.model_reference
    return Spelling(reference, None if model is None else _absolute(model), lasting(repository.store.where))


def _absolute(reference: str) -> str:
    if is_document(reference):
        return str(Path(reference).absolute())
    where, _, name = reference.rpartition(":")
    return f"{Path(where).absolute()}:{name}" if where.endswith(".py") else reference
